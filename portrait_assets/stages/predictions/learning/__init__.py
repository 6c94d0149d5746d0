"""What models learn from, which one is active in a month, and why."""
