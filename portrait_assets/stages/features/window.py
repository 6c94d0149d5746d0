"""The months that features look back on, and how SQL numbers them.

A month of a window is numbered by how long ago it is: 0 for the month itself, 11 for the first of
twelve.
"""

from __future__ import annotations

from collections.abc import Iterable

from portrait_assets.core.months import next_month
from portrait_assets.storage.duckdb.connection import literal

WINDOW_MONTHS = 12
"""The window of features that do not name another one."""
AGO = range(WINDOW_MONTHS)
"""The months of that window by how long ago they are."""


def months_of(month: str, months: int = WINDOW_MONTHS) -> list[str]:
    """The months of the window that ends with the month, the month itself first."""
    return [next_month(month, -ago) for ago in range(months)]


def ago(month: str, months: int = WINDOW_MONTHS, column: str = "month") -> str:
    """SQL of how many months ago a month of the window is."""
    whens = "".join(
        f" WHEN {literal(each)} THEN {n}" for n, each in enumerate(months_of(month, months))
    )
    return f"CAST(CASE {column}{whens} END AS TINYINT)"


def array(values: Iterable[str]) -> str:
    """SQL of the twelve values, the month itself first, as an array that multiplies fast."""
    return f"CAST([{', '.join(values)}] AS DOUBLE[{WINDOW_MONTHS}])"
