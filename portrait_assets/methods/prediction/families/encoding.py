"""Columns of any type as numbers: fitted without looking at the outcome, and kept as rows.

A number is its own column, and beside it, for linear models, whether it is missing; amounts with a
long tail count by their logarithm. A category has a column per level that enough rows have, one
for the rest, and one for what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.errors import suggestion
from portrait_assets.methods.prediction.errors import PredictionError

Floats = npt.NDArray[np.float64]
Kind = Literal["number", "missing", "level", "other"]

TAIL_RATIO = 6.0
"""A number has a long tail when the 99th percentile of |x|, x != 0, exceeds so many medians."""
BOUND = 6.0
"""Scaled numbers are clipped here, so that one row's typing error decides no coefficient."""
MOST_LEVELS = 30
LEAST_LEVEL_ROWS = 10
"""A level is kept that so many rows have, and `LEAST_LEVEL_SHARE` of all."""
LEAST_LEVEL_SHARE = 0.002
NORMAL_RANGE = 3.29
"""Standard deviations between the 5th and the 95th percentile of a normal distribution."""


class Term(NamedTuple):
    """A column of the design: a number, or whether the feature is missing, a level, or another."""

    feature: str
    kind: Kind
    level: str | None = None


class Dropped(NamedTuple):
    """A feature that says nothing, and why."""

    feature: str
    reason: str


@dataclass(frozen=True)
class NumberEncoding:
    """How a number is scaled: `(log?(x or fill) - centre) / scale`, clipped to `BOUND`.

    `unit` is a small size (the 10th percentile) of an amount with a long tail, whose logarithm is
    `sign(x) * log(1 + |x| / unit)`, and 0 for any other number.
    """

    feature: str
    unit: float
    fill: float
    centre: float
    scale: float
    has_missing: bool

    def terms(self, scaled: bool) -> Iterator[Term]:
        """The columns; trees, which are not scaled, see themselves what is missing."""
        yield Term(self.feature, "number")
        if scaled and self.has_missing:
            yield Term(self.feature, "missing")

    def write(self, column: pl.Series, to: Floats, scaled: bool) -> None:
        """Fill the columns of the design, shape (rows, terms)."""
        values = numbers_of(column)
        if not scaled:
            to[:, 0] = values
            return
        is_missing = np.isnan(values)
        shown = _signed_log(np.where(is_missing, self.fill, values), self.unit)
        to[:, 0] = np.clip((shown - self.centre) / self.scale, -BOUND, BOUND)
        if self.has_missing:
            to[:, 1] = is_missing


@dataclass(frozen=True)
class LevelEncoding:
    """The levels of a category that have columns, and whether the rest and the missing have one."""

    feature: str
    levels: tuple[str, ...]
    has_other: bool
    has_missing: bool

    def terms(self, scaled: bool) -> Iterator[Term]:
        """The columns, the same for all families."""
        yield from (Term(self.feature, "level", level) for level in self.levels)
        if self.has_other:
            yield Term(self.feature, "other")
        if self.has_missing:
            yield Term(self.feature, "missing")

    def write(self, column: pl.Series, to: Floats, scaled: bool) -> None:
        """Fill the columns of the design, shape (rows, terms), with 0 and 1."""
        text = column.cast(pl.String)
        other = len(self.levels)
        # Null where a text is no level, and NaN in the array.
        codes = text.cast(pl.Enum(self.levels), strict=False).to_physical().cast(pl.Float64)
        at = np.nan_to_num(codes.to_numpy(), nan=other).astype(np.int64)
        has_column = self.has_other | (at < other)
        if text.null_count():
            is_missing = text.is_null().to_numpy()
            at[is_missing] = other + self.has_other
            has_column = np.where(is_missing, self.has_missing, has_column)
        to[:] = 0.0
        rows = np.flatnonzero(has_column)
        to[rows, at[rows]] = 1.0


@dataclass(frozen=True)
class Encoding:
    """How every feature becomes columns, and which were dropped because they say nothing."""

    features: tuple[NumberEncoding | LevelEncoding, ...]
    dropped: tuple[Dropped, ...] = ()

    def terms(self, scaled: bool) -> list[Term]:
        """The columns of the design, in order."""
        return [term for feature in self.features for term in feature.terms(scaled)]

    def design(self, frame: pl.DataFrame, scaled: bool) -> Floats:
        """The features as numbers, shape (rows, terms).

        Args:
            frame: has the features; other columns are not looked at.
            scaled: for linear models: filled, scaled and without a gap. For trees numbers stay as
                they are, NaN where missing.

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        # By columns, as they are filled and as trees read them.
        design = np.empty((frame.height, len(self.terms(scaled))), order="F")
        start = 0
        for feature in self.features:
            if feature.feature not in frame.columns:
                near = suggestion(feature.feature, frame.columns)
                raise PredictionError(
                    f"the model needs the column {feature.feature}, which these rows have not"
                    f"{near}; add it, or fit the model without it"
                )
            width = len(list(feature.terms(scaled)))
            feature.write(frame[feature.feature], design[:, start : start + width], scaled)
            start += width
        return design


def as_number(column: pl.Series) -> pl.Series:
    """A column as Float64: dates as days since 1970, NaN for what is missing or infinite."""
    return pl.Series(column.name, numbers_of(column))


def numbers_of(column: pl.Series) -> Floats:
    """The same as an array."""
    match column.dtype:
        case pl.Date:
            numbers = column.cast(pl.Int32).cast(pl.Float64)
        case pl.Datetime():
            numbers = column.dt.epoch("us").cast(pl.Float64) / 86_400e6
        case pl.Duration():
            numbers = column.dt.total_microseconds().cast(pl.Float64) / 86_400e6
        case pl.Time:
            numbers = column.cast(pl.Int64).cast(pl.Float64) / 3_600e9
        case _:
            numbers = column.cast(pl.Float64, strict=False)
    values = numbers.to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def is_number(column: pl.Series) -> bool:
    """Whether a column is read as numbers: numbers, booleans, dates and times."""
    return column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean


def fit_encoding(frame: pl.DataFrame, without: Sequence[str] = ()) -> Encoding:
    """The encoding of all columns of a frame but those that are left out."""
    features: list[NumberEncoding | LevelEncoding] = []
    dropped: list[Dropped] = []
    for column in frame.iter_columns():
        if column.name in without:
            continue
        found = _fit_number(column) if is_number(column) else _fit_levels(column)
        if isinstance(found, Dropped):
            dropped.append(found)
        else:
            features.append(found)
    return Encoding(tuple(features), tuple(dropped))


def _fit_number(column: pl.Series) -> NumberEncoding | Dropped:
    values = numbers_of(column)
    known = values[~np.isnan(values)]
    if not len(known):
        return Dropped(column.name, "has no value")
    if known.min() == known.max():
        if len(known) == len(values):
            return Dropped(column.name, "has one value only")
        # One value that some have and others lack is a mark.
        return NumberEncoding(column.name, 0.0, float(known[0]), float(known[0]), 1.0, True)
    unit = _unit(known)
    shown = _signed_log(known, unit)
    low, high = np.quantile(shown, [0.05, 0.95])
    scale = float(high - low) / NORMAL_RANGE if high > low else float(shown.std())
    return NumberEncoding(
        feature=column.name,
        unit=unit,
        fill=float(np.median(known)),
        centre=float(np.median(shown)),
        scale=scale if scale > 0 else 1.0,
        has_missing=len(known) < len(values),
    )


def _unit(known: Floats) -> float:
    size = np.abs(known[known != 0])
    if len(size) < 20 or len(np.unique(size[:1000])) < 10:
        return 0.0
    low, middle, high = np.quantile(size, [0.1, 0.5, 0.99])
    return float(low) if high > TAIL_RATIO * middle else 0.0


def _signed_log(values: Floats, unit: float) -> Floats:
    if unit == 0:
        return values
    logs: Floats = np.sign(values) * np.log1p(np.abs(values) / unit)
    return logs


def _fit_levels(column: pl.Series) -> LevelEncoding | Dropped:
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        return Dropped(column.name, f"is of the type {column.dtype}, which is not read")
    text = column.cast(pl.String)
    missing = text.null_count()
    counts = pl.DataFrame({"level": text}).drop_nulls().group_by("level").len("rows")
    if counts.is_empty():
        return Dropped(column.name, "has no value")
    if counts.height == 1 and not missing:
        return Dropped(column.name, "has one value only")
    least = max(LEAST_LEVEL_ROWS, LEAST_LEVEL_SHARE * len(text))
    ordered = counts.sort(["rows", "level"], descending=[True, False])
    kept = ordered.filter(pl.col("rows") >= least).head(MOST_LEVELS)
    if kept.is_empty() and missing < least:
        return Dropped(column.name, f"has no value that {int(np.ceil(least))} rows share")
    return LevelEncoding(
        feature=column.name,
        levels=tuple(kept["level"]),
        has_other=kept.height < counts.height,
        has_missing=missing > 0,
    )
