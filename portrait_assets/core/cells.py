"""How few customers are too few to be counted by themselves."""

SMALLEST_CELL = 10
"""Customers that a value must have to be listed; fewer are pooled with others, or left out."""


def rows_of_enough(most_of_one: int, smallest: int = SMALLEST_CELL) -> int:
    """So many rows are of `smallest` customers at least, where none has more than `most_of_one`."""
    return (smallest - 1) * most_of_one + 1
