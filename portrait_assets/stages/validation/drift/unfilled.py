"""Columns without a value in any month that is compared, of which a source may have a hundred.

All of them differ from each other in nothing, so they are counted without being read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.validation.drift.moves import MISSING, Pair
from portrait_assets.storage.duckdb.connection import literals, quote
from portrait_assets.storage.duckdb.store import Warehouse


def filled_columns(
    warehouse: Warehouse, table: Table, names: Sequence[str], pairs: Sequence[Pair]
) -> tuple[Collection[str], Mapping[str, int]]:
    """Those of the columns with a value in a month that is compared, and customers by month."""
    months = sorted({month for pair in pairs for month in (pair.month, pair.reference)})
    counts = "".join(f", count({quote(name)}) AS {quote(name)}" for name in names)
    days = [last_day(month) for month in months]
    counted = warehouse.select(
        f"SELECT as_of, count(*) AS customers{counts} FROM {table.full_name} "
        f"WHERE as_of IN ({literals(days)}) GROUP BY as_of"
    )
    totals = counted.select(pl.col(names).sum()).row(0, named=True) if names else {}
    customers = dict(counted.select("as_of", "customers").iter_rows())
    return (
        {name for name, total in totals.items() if total},
        {month: customers.get(day, 0) for month, day in zip(months, days, strict=True)},
    )


def unfilled_counts(
    names: Sequence[str], pairs: Sequence[Pair], customers: Mapping[str, int]
) -> pl.DataFrame:
    """Customers of both months of each pair by bin: of each column all of them are missing.

    Args:
        names: columns without a value.
        pairs: the months compared.
        customers: by month.
    """
    rows = [
        (last_day(p.month), str(p.against), customers[p.month], customers[p.reference])
        for p in pairs
    ]
    schema = {"as_of": pl.Date, "against": pl.String, "now": pl.Int64, "then": pl.Int64}
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .join(pl.DataFrame({"subject": names}, schema={"subject": pl.String}), how="cross")
        .with_columns(pl.lit(MISSING).alias("bin"), pl.lit(None, dtype=pl.Float64).alias("fine"))
    )
