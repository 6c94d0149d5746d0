"""Category columns: which look like free text, and which of their values are not taken."""
