"""What became of the rows of a month, and whether it is there as a whole."""
