"""What was predicted, beside what happened in windows that are over."""
