"""Segments of months that are materialized together, with what goes from one to the next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine


class MonthRun(ABC):
    """Months in order: who is in which segment, and beside it the rows of further tables.

    The other tables' rows are complete once all `segments` were taken.

    Args:
        warehouse: with the tables that are read.
        months: that are materialized together.
        all_months: of the source.
        smallest: fewest customers that a number may rest on.
    """

    def __init__(
        self, warehouse: Warehouse, months: Sequence[str], all_months: Sequence[str], smallest: int
    ) -> None:
        self._warehouse, self._months, self._all = warehouse, months, list(all_months)
        self._smallest = smallest
        self._engine = Engine(warehouse.con)
        self._collected: dict[Table, list[pl.DataFrame]] = defaultdict(list)

    def segments(self) -> Iterator[pl.DataFrame]:
        """The rows of who is in which segment, month by month."""
        for month in self._warehouse.place.each(self._months):
            yield self._of_month(month)
        self._engine.close()

    def rows(self, table: Table) -> pl.DataFrame:
        """The rows of another of the tables."""
        return pl.concat([table.empty(), *self._collected[table]], how="diagonal_relaxed")

    @abstractmethod
    def _of_month(self, month: str) -> pl.DataFrame:
        """Who is in which segment at the month's end; rows of other tables are put aside."""

    def _put(self, table: Table, rows: pl.DataFrame, month: str) -> None:
        self._collected[table].append(rows.with_columns(as_of=pl.lit(last_day(month))))
