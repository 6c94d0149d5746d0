"""What customers buy next: again what they bought before, or what their nearest do."""
