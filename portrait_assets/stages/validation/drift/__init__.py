"""How features, tags and segments move from month to month."""
