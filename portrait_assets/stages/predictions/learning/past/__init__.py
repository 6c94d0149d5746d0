"""Windows that are over: who was in them, what was known of them, and what happened."""
