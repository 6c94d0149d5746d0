"""Source definitions to raw tables: every row as received, placed in its month and counted."""
