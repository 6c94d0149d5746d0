"""The columns of a table that something may be learned from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.errors import listed, suggestion
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.columns import as_number, is_number
from portrait_assets.methods.prediction.families.encoding import Dropped
from portrait_assets.methods.typing.identifying import identifies_rows


def usable_features(
    table: pl.DataFrame, left_out: Sequence[str], keep: Sequence[str]
) -> tuple[pl.DataFrame, list[Dropped]]:
    """The columns to learn from, and those that identify rows and are therefore not used.

    Args:
        table: all columns.
        left_out: columns that are not to be used.
        keep: columns that are to be used although they look like identifiers.

    Raises:
        PredictionError: when a column that is named is not in the table.
    """
    for name in (*left_out, *keep):
        if name not in table.columns:
            near = suggestion(name, table.columns)
            raise PredictionError(f"the table has no column {name} to leave out or keep{near}")
    dropped = [
        Dropped(column.name, "identifies rows")
        for column in table.iter_columns()
        if column.name not in (*left_out, *keep) and identifies_rows(column)
    ]
    return table.drop([*left_out, *(each.feature for each in dropped)]), dropped


def by_reason(dropped: Iterable[Dropped]) -> list[tuple[str, str]]:
    """The names of those with the same reason, and the reason, in the order of their first."""
    every = list(dropped)
    reasons = dict.fromkeys(each.reason for each in every)
    return [(listed(each.feature for each in every if each.reason == why), why) for why in reasons]


def moments(column: pl.Series, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The moments of some rows as numbers in their order.

    Raises:
        PredictionError: when one is missing, or all are the same.
    """
    if column.dtype.is_nested():
        raise PredictionError(f"{column.name} is of the type {column.dtype}, which has no order")
    some = column[rows]
    if is_number(column):
        values = as_number(some).to_numpy()
    else:
        values = some.cast(pl.String).rank("dense").cast(pl.Float64).fill_null(np.nan).to_numpy()
    missing = int(np.isnan(values).sum())
    if missing:
        raise PredictionError(
            f"{column.name} is missing in {missing:,} rows with an outcome, and they cannot be put "
            "in order: fill it, or leave these rows out"
        )
    if len(values) and values.min() == values.max():
        raise PredictionError(
            f"{column.name} is the same in all rows with an outcome: without two moments there is "
            "no later one to judge by"
        )
    return values
