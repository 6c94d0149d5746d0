"""Numbers and dates in bands: where they are cut, and how a band is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

_EPOCH = date(1970, 1, 1)
_DIGITS = 2
"""Significant digits of the ends of bands, which are then no customer's exact amount."""


@dataclass(frozen=True)
class Bands:
    """The finest bands of a column, or its values where those are few.

    `rows` has the number of each row's band, -1 where it is null; `lows` are the bands' lower
    ends, in order, of which the first is open; `counts` are rows and `sizes` different values.
    """

    rows: NDArray[np.int32] = field(repr=False)
    lows: NDArray[np.float64]
    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    are_values: bool
    is_whole: bool
    is_date: bool

    @property
    def names(self) -> Sequence[str]:
        """The name of each."""
        if self.are_values:
            return [self._text(low) for low in self.lows]
        return self.labels(np.arange(len(self.lows)))

    def labels(self, groups: NDArray[np.int64]) -> list[str]:
        """The name of each one's group: `below 20`, `20 to 39`, `2.5 to below 4`, `40 and above`.

        Args:
            groups: the number of each one's group, which consists of neighbours.
        """
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        ends = [*starts[1:], len(groups)]
        named = [self._name(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
        return [named[group] for group in groups]

    def _name(self, start: int, end: int) -> str:
        if self.are_values and end - start == 1:
            return self._text(self.lows[start])
        if start == 0 and end == len(self.lows):
            return "any"
        if start == 0:
            return f"below {self._text(self.lows[end])}"
        if end == len(self.lows):
            return f"{self._text(self.lows[start])} and above"
        if self.is_whole:
            return f"{self._text(self.lows[start])} to {self._text(self.lows[end] - 1)}"
        return f"{self._text(self.lows[start])} to below {self._text(self.lows[end])}"

    def _text(self, number: float) -> str:
        if self.is_date:
            return (_EPOCH + timedelta(days=int(number))).isoformat()
        return str(int(number)) if number == int(number) else repr(float(number))


def bands_of(column: pl.Series, most: int) -> Bands:
    """The column's values, or so many bands of about as many rows each where there are more.

    Infinite numbers and NaN count as null.
    """
    is_date = column.dtype == pl.Date
    numbers = column.cast(pl.Int32).cast(pl.Float64) if is_date else column.cast(pl.Float64)
    exact = numbers.to_numpy()
    known = np.isfinite(exact)
    values, counts = np.unique(exact[known], return_counts=True)
    are_values = len(values) <= most
    lows = values if are_values else _cuts(values, counts, most, is_date)
    of_value = np.searchsorted(lows, values, side="right") - 1
    rows = np.full(len(exact), -1, np.int32)
    rows[known] = np.searchsorted(lows, exact[known], side="right") - 1
    return Bands(
        rows,
        lows,
        np.bincount(of_value, weights=counts, minlength=len(lows)).astype(np.int64),
        np.bincount(of_value, minlength=len(lows)),
        are_values,
        column.dtype.is_integer() or is_date,
        is_date,
    )


def _cuts(
    values: NDArray[np.float64], counts: NDArray[np.int64], most: int, is_date: bool
) -> NDArray[np.float64]:
    """Lower ends of bands of about as many rows each, in round numbers or at a month's start."""
    share = np.cumsum(counts) / counts.sum()
    at = values[np.searchsorted(share, np.arange(1, most) / most)]
    inner = np.unique(_month_starts(at) if is_date else _round(at))
    inner = inner[(inner > values[0]) & (inner <= values[-1])]
    if not inner.size:  # Values that differ in their last digits only.
        inner = np.unique(at[at > values[0]])[:1]
    lows = np.concatenate([values[:1], inner])
    # A band into which no value falls goes to the one before.
    filled = np.unique(np.searchsorted(lows, values, side="right") - 1)
    return lows[filled]


def _round(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([float(f"{number:.{_DIGITS - 1}e}") for number in numbers])


def _month_starts(days: NDArray[np.float64]) -> NDArray[np.float64]:
    dates = (_EPOCH + timedelta(days=int(day)) for day in days)
    return np.array([float((each.replace(day=1) - _EPOCH).days) for each in dates])
