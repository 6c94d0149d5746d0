"""What a correction does to the other records of the customer: the values that it overrules."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.identity.lookup import first_day
from portrait_assets.stages.raw.amendments import CORRECTABLE, CORRECTIONS_FILE

_IS_CORRECTION = pl.col("source_file") == CORRECTIONS_FILE
_DAY = pl.coalesce("recorded_on", first_day())
_CORRECTED_ON, _CORRECTED = "corrected on", "corrected"


def without_overruled(records: pl.DataFrame, of: str, only_later: bool = False) -> pl.DataFrame:
    """The records, of which values that a correction overrules are null.

    A customer's newest correction of a column overrules what was recorded up to its day, and
    later the values that were known by then: a system that delivers the same record again does not
    undo it. A later value that was not known is new, and holds.

    Args:
        records: rows of customers, typed, with `month`, `source_file` and `source_row`.
        of: the column that names the customer.
        only_later: leave what was recorded up to the day of the correction.
    """
    is_correction = records.select(_IS_CORRECTION).to_series()
    if not is_correction.any():
        return records
    corrections = records.filter(is_correction)
    for column in CORRECTABLE:
        if corrections[column.name].null_count() < corrections.height:
            records = _without(records, of, column.name, only_later)
    return records


def _without(records: pl.DataFrame, of: str, name: str, only_later: bool) -> pl.DataFrame:
    newest = (
        records.filter(_IS_CORRECTION & pl.col(name).is_not_null())
        .sort(_DAY, "source_row")
        .unique(of, keep="last", maintain_order=True)
        .select(of, _DAY.alias(_CORRECTED_ON), pl.col(name).alias(_CORRECTED), "source_row")
    )
    beside = records.join(newest, on=of, how="left", maintain_order="left", suffix=" of it")
    is_it = _IS_CORRECTION & (pl.col("source_row") == pl.col("source_row of it"))
    is_before = (pl.col(_CORRECTED_ON) >= _DAY) & ~is_it
    was_known = is_before.max().over(of, name) & (pl.col(name) != pl.col(_CORRECTED))
    is_later = pl.col(_CORRECTED_ON) < _DAY
    overruled = is_later & was_known if only_later else is_before | (is_later & was_known)
    value = pl.when(~overruled.fill_null(False)).then(pl.col(name)).alias(name)
    return records.with_columns(beside.select(value).to_series())


def carried_forward(records: pl.DataFrame, of: str) -> pl.DataFrame:
    """The records, oldest first, of which each of a corrected customer has all that is known then.

    A correction holds one value only; whoever takes a customer's last record for what is known of
    them needs the others beside it.
    """
    is_correction = records.select(_IS_CORRECTION).to_series()
    if not is_correction.any():
        return records
    concerned = pl.col(of).is_in(records.filter(is_correction)[of].unique().implode())
    overruled = without_overruled(records, of, only_later=True)
    return overruled.with_columns(
        pl.when(concerned)
        .then(pl.col(column.name).forward_fill().over(of))
        .otherwise(pl.col(column.name))
        .alias(column.name)
        for column in CORRECTABLE
    )
