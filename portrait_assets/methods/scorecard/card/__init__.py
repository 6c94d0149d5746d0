"""A card: its parts, how rows are scored with it, and its forms as rows and as SQL."""
