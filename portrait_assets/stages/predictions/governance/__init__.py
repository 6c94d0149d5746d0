"""What people decide on models, and what they are shown to decide by."""
