"""Columns of any table as numbers or as text, and the codes that stand among numbers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats


class Form(StrEnum):
    """How a column is read."""

    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


MOST_NEGATIVE_CODES = 3
LEAST_CODED = 10
"""A code of nines is one when so many rows have it."""
_NEGATIVE_CODES = (*range(-9, 0), -77, -88, -99, -777, -888, -999, -7777, -8888, -9999, -99999)
_NINES = tuple(10.0**digits - 1 for digits in range(2, 10))
_GAP = 3.0


def form_of(column: pl.Series) -> Form | None:
    """How a column is read; None where it is neither numbers, days nor text."""
    dtype = column.dtype
    if dtype.is_numeric() or dtype == pl.Boolean:
        return Form.NUMBER
    if dtype in (pl.Date, pl.Datetime):
        return Form.DATE
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return Form.TEXT
    return None


def numbers(column: pl.Series, form: Form) -> Floats:
    """Values as float64, days since 1970-01-01 of dates; NaN where nothing is known."""
    if form is Form.DATE:
        column = column.dt.epoch("s").cast(pl.Float64) / 86_400
        column = column.floor()
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def texts(column: pl.Series) -> pl.Series:
    """Values as text; null where there is nothing but blanks."""
    text = pl.col(column.name)
    is_blank = text.str.strip_chars(" ").str.len_bytes() == 0
    return column.cast(pl.String).to_frame().select(pl.when(~is_blank).then(text)).to_series()


def codes_among(values: Floats, declared: Sequence[float] = ()) -> tuple[float, ...]:
    """The numbers that stand for something else than an amount, in rising order.

    Found are up to three negative whole numbers (-1, -2, -9, -999, ...) that are all that is below
    0, and numbers of nines (99, 999, ...), with the two before, that ten rows or more have and
    that lie three times as high as all else. Declared ones that the column holds are added.
    """
    known, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    found = {float(code) for code in declared if code in known}
    below = known[known < 0]
    others = known[~np.isin(known, list(found))]
    are_few = 0 < len(below) <= MOST_NEGATIVE_CODES and (others >= 0).sum() > 1
    if are_few and np.isin(below, _NEGATIVE_CODES).all():
        found |= {float(code) for code in below}
    for nines in _NINES:
        high = known[(known > nines - 3) & (known <= nines)]
        rest = known[(known <= nines - 3) & ~np.isin(known, list(found))]
        is_top = len(high) and high[-1] == nines and known[-1] == nines and len(rest) > 1
        if is_top and counts[-1] >= LEAST_CODED and nines - 2 > _GAP * max(float(rest[-1]), 1.0):
            found |= {float(code) for code in high}
    return tuple(sorted(found))
