"""The records of customers in the order of their days, not in that of rows in their files."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.raw.tables.persons import CUSTOMERS

_DAY = ("month", "recorded_on")
_STATED = tuple(c.name for c in CUSTOMERS.columns if c.name not in ("customer_id", "recorded_on"))


def oldest_first(records: pl.DataFrame, of: str) -> pl.DataFrame:
    """The records, typed, in the order of the days from which they hold.

    Of several of one day the one that states more comes later, then the one of greater values,
    column by column in the order of the contract, and then of the greater source identifier. What
    is left stands as in the files and says the same.

    Args:
        records: `month` and the columns of raw.customers, typed.
        of: the column that names the customer, within whom records are compared.
    """
    day = [of, *_DAY]
    ties: list[str] = []
    if records.select(pl.struct(day).is_duplicated().any()).item():
        names = ("source_customer_id", "record_id")
        ties = ["stated", *_STATED, *(name for name in names if name in records.columns)]
        records = records.with_columns(
            pl.sum_horizontal(pl.col(_STATED).is_not_null()).alias("stated")
        )
    ordered = records.sort(*_DAY, *ties, "source_file", "source_row", nulls_last=False)
    return ordered.drop("stated", strict=False)
