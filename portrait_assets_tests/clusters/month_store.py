"""A stated store of months, for what goes from one month to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from portrait_assets.core.months import month_range
from portrait_assets.schema.table import Table
from portrait_assets.storage.place import Place

MONTHS = month_range("2024-01", "2024-12")


class Noted(list[Any]):
    """What a function was called with, which gives this."""

    def giving(self, result: Any, *given: Any) -> Any:
        self.append(given)
        return result


class Stored:
    """A warehouse with these rows by table and month, and nothing of months before."""

    def __init__(self, rows: dict[tuple[Table, str], pl.DataFrame]) -> None:
        self.stored, self.con, self.place = rows, None, Place()

    def materialized(self, table: Table) -> dict[str, int]:
        return {month: rows.height for (of, month), rows in self.stored.items() if of is table}

    def read(self, table: Table, months: list[str]) -> pl.DataFrame:
        return pl.concat([self.stored[table, month] for month in months])

    def last_before(self, table: Table, month: str) -> pl.DataFrame | None:
        months = [each for each in self.materialized(table) if each < month]
        return self.read(table, [max(months)]) if months else None


Make = Callable[..., Any]


def ids(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": list(names)}, schema={"customer_id": pl.String})


def segments(*rows: tuple[str, int]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["customer_id", "segment_id"], orient="row")
    return frame.with_columns(name=pl.lit("rich"), name_zh=pl.lit("富"), more=pl.lit(1))
