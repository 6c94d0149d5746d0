"""The months that the features of one month look back on, and how SQL tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portrait_assets.core.months import last_day, next_month
from portrait_assets.storage.duckdb.connection import literal

WINDOW_MONTHS = 12
AGO = range(WINDOW_MONTHS)
"""The months of the window by how long ago they are."""


@dataclass(frozen=True)
class Span:
    """A month and the window of twelve months that ends with it.

    In SQL a month of the window is known by how long it is ago: 0 for the month itself, 11 for
    the first of the window.
    """

    month: str

    @property
    def as_of(self) -> date:
        """The month's last day."""
        return last_day(self.month)

    @property
    def day(self) -> str:
        """`as_of` as an SQL date."""
        return f"DATE {literal(self.as_of)}"

    @property
    def months(self) -> list[str]:
        """The months of the window, the month itself first."""
        return [next_month(self.month, -ago) for ago in range(WINDOW_MONTHS)]

    @property
    def first_day(self) -> str:
        """The first day of the window as an SQL date."""
        return f"DATE {literal(self.months[-1] + '-01')}"

    @property
    def known(self) -> str:
        """The condition that nothing later than the month is used."""
        return f"month <= {literal(self.month)}"

    @property
    def within(self) -> str:
        """The condition that a month is in the window."""
        return f"month BETWEEN {literal(self.months[-1])} AND {literal(self.month)}"

    def ago(self, column: str = "month") -> str:
        """How many months ago a month of the window is."""
        whens = "".join(f" WHEN {literal(m)} THEN {ago}" for ago, m in enumerate(self.months))
        return f"CAST(CASE {column}{whens} END AS TINYINT)"
