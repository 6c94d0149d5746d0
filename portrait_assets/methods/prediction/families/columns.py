"""Columns of a frame as numbers, and what the columns of a design are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats

Kind = Literal["number", "missing", "level", "other", "weight"]


class Term(NamedTuple):
    """A column of the design: a number, whether the feature is missing, a level, another, or the
    weight of its bin."""

    feature: str
    kind: Kind
    level: str | None = None


def numbers_of(rows: pl.DataFrame, names: Sequence[str]) -> Floats:
    """Numbers as they are, NaN for what is missing or infinite; shape (rows, names)."""
    if not names:
        return np.empty((rows.height, 0))
    different = list(dict.fromkeys(names))
    if len(different) < len(names):
        places = [different.index(name) for name in names]
        return np.asfortranarray(numbers_of(rows, different))[:, places]
    plain = rows.select(names)
    moments = [_as_number(column) for column in plain.iter_columns() if column.dtype.is_temporal()]
    plain = plain.with_columns(moments).cast(pl.Float64, strict=False)
    values = plain.to_numpy(writable=True)
    values[~np.isfinite(values)] = np.nan
    return values


def as_number(column: pl.Series) -> pl.Series:
    """A column as Float64: dates as days since 1970, NaN for what is missing or infinite."""
    return pl.Series(column.name, numbers_of(column.to_frame(), [column.name])[:, 0])


def _as_number(moment: pl.Series) -> pl.Series:
    """Days, of a time of day hours."""
    match moment.dtype:
        case pl.Date:
            return moment.cast(pl.Int32)
        case pl.Datetime():
            return moment.dt.epoch("us").cast(pl.Float64) / 86_400e6
        case pl.Duration():
            return moment.dt.total_microseconds().cast(pl.Float64) / 86_400e6
        case _:
            return moment.cast(pl.Int64).cast(pl.Float64) / 3_600e9


def is_number(column: pl.Series) -> bool:
    """Whether a column is read as numbers: numbers, booleans, dates and times."""
    return column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean
