"""From a table to a card: classes, bins, weights, what leaks, a regression, points and bands."""
