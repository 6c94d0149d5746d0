"""As many segments as are asked for, and whether the data support that number."""
