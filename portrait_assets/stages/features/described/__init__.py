"""What each feature means, and what may be done with it."""
