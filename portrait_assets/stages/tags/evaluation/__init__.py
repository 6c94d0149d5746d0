"""From features and segments to tags."""
