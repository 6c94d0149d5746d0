"""What customers will take next: again what they took before, and what they never had.

Matrices are sparse, with a row per customer and a column per item. Customers and items are numbered
from 0 by the caller, and where two are equal the smaller number goes first.
"""
