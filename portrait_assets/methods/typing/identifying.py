"""Columns that number the rows of a table, and say nothing of what they are about."""

from __future__ import annotations

import re

import polars as pl

_NAMED = re.compile(r"(^|[_ ])(id|key|number|no)$|号$", re.IGNORECASE)
IDENTIFIER_SHARE = 0.5
"""Different whole numbers per row from which a column of such a name identifies rows."""
LEAST_ROWS = 20


def identifies_rows(column: pl.Series) -> bool:
    """Whether whole numbers identify rows: by name, or as one number after another.

    Of fewer than 20 rows none does: any numbers may happen to differ.
    """
    if not column.dtype.is_integer() or len(column) < LEAST_ROWS:
        return False
    different = column.n_unique()
    if _NAMED.search(column.name):
        return different >= IDENTIFIER_SHARE * len(column)
    if different < len(column) or column.null_count():
        return False
    # Of 18 digits a float would not tell one number from the next.
    low, high = (int(end) for end in (column.min(), column.max()))  # type: ignore[arg-type]
    return high - low + 1 == len(column)
