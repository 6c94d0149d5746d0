"""What is true of a world, computed apart from the package."""
