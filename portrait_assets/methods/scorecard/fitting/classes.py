"""The fine classes of a column: what it holds before its bad rates are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.disclosure.holders import EVERY_ROW, Holders
from portrait_assets.methods.scorecard.columns import Form, codes_among, numbers, texts

Places = npt.NDArray[np.int64]

MOST_CLASSES = 100
LEAST_OF_LEVEL = 20
"""Categories with fewer rows are one with others."""


@dataclass(frozen=True)
class Classes:
    """A column's rows by class: those in order, then those of their own.

    `at` is the class of each row. The first `ordered` classes are intervals of numbers up to each
    of `ends`, the last of which has none, or the `levels` of text, which bad rates will order. The
    others stand for themselves: `codes`, or all other categories; and last what is missing.
    """

    feature: str
    form: Form
    at: Places
    ordered: int
    ends: tuple[float, ...] = ()
    codes: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many classes there are, of which the last is what is missing."""
        alone = 1 if self.form is Form.TEXT else len(self.codes)
        return self.ordered + alone + 1

    def taken(self, rows: npt.NDArray[np.bool_] | Places) -> Classes:
        """The same classes for some of the rows."""
        return replace(self, at=self.at[rows])


def classes_of(
    column: pl.Series,
    form: Form,
    declared: Sequence[float] = (),
    holders: Holders = EVERY_ROW,
) -> Classes:
    """The classes of a column; it does not matter in which order its rows are.

    Up to 100 intervals of about as many rows, each value one where there are no more; every
    category of at least `LEAST_OF_LEVEL` rows, and of `holders` that are not few.

    Args:
        column: its values.
        form: how they are read.
        declared: codes among its numbers, besides those that `codes_among` finds.
        holders: of its rows.
    """
    if form is Form.TEXT:
        return _of_text(column, holders)
    values = numbers(column, form)
    codes = codes_among(values, declared) if form is Form.NUMBER else ()
    is_coded = np.isin(values, codes)
    ends = _ends(values[~is_coded & ~np.isnan(values)])
    at = np.searchsorted(np.array(ends), values, side="left")
    for place, code in enumerate(codes):
        at[values == code] = len(ends) + 1 + place
    at[np.isnan(values)] = len(ends) + 1 + len(codes)
    return Classes(column.name, form, at.astype(np.int64), len(ends) + 1, ends, codes)


def _of_text(column: pl.Series, holders: Holders) -> Classes:
    text = texts(column)
    counts = text.drop_nulls().value_counts()
    often = counts.filter(pl.col("count") >= LEAST_OF_LEVEL)[column.name].sort()
    place = {level: at for at, level in enumerate(often)}
    places = text.replace_strict(place, default=len(place), return_dtype=pl.Int64).to_numpy()
    few = holders.are_few(places, len(place) + 1)
    often = often.filter(pl.Series(~few[:-1], dtype=pl.Boolean))
    known = {level: at for at, level in enumerate(often)}
    at = text.replace_strict(
        {**known, None: len(known) + 1}, default=len(known), return_dtype=pl.Int64
    ).to_numpy()
    return Classes(column.name, Form.TEXT, at, len(known), levels=tuple(often))


def _ends(values: Floats) -> tuple[float, ...]:
    """Up to where each interval but the last goes: between two values, in few digits."""
    known, counts = np.unique(values, return_counts=True)
    if len(known) < 2:
        return ()
    after = np.arange(len(known) - 1)
    if len(known) > MOST_CLASSES:
        wanted = counts.sum() * np.arange(1, MOST_CLASSES) / MOST_CLASSES
        after = np.unique(np.searchsorted(np.cumsum(counts), wanted, side="left"))
        after = after[after < len(known) - 1]
    return tuple(_between(float(known[at]), float(known[at + 1])) for at in after)


def _between(low: float, high: float) -> float:
    """The shortest number from `low` to below `high`."""
    if not np.isfinite(low) or not np.isfinite(high):
        return low if np.isfinite(low) else -np.finfo(np.float64).max
    for digits in range(1, 17):
        unit = 10.0 ** (np.floor(np.log10(max(abs(low), abs(high)))) + 1 - digits)
        if unit == 0:
            break
        with np.errstate(over="ignore"):  # rounded up, the largest floats are beyond the largest
            short = float(f"{np.ceil(low / unit) * unit:.{digits + 1}g}")
        if low <= short < high:
            return short
    return low
