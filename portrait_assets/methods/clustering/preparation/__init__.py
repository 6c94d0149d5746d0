"""From the columns of a matrix to points that distances can be taken of."""
