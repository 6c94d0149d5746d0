"""Names and segments from month to month: which last, what became of them, as rows."""
