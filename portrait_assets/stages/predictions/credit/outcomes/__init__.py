"""How credit scores came true, in windows that are over."""
