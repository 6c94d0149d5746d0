"""How few customers are too few to be counted by themselves."""

SMALLEST_CELL = 10
"""Customers that a value must have to be listed; fewer are pooled with others, or left out."""
