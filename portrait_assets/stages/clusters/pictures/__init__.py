"""Pictures of a month's segments."""
