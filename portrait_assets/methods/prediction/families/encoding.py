"""Columns of any type as numbers: fitted without looking at the outcome, and kept as rows.

A number is its own column, and beside it, for linear models, whether it is missing; amounts with a
long tail, and sizes that lie apart by multiples, count by their logarithm. A category has a column
per level that enough rows have, one for the rest, and one for what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.errors import suggestion
from portrait_assets.methods.prediction.binned.encoding import WeightEncoding
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.columns import Term, is_number, numbers_of

TAIL_RATIO = 6.0
"""A number has a long tail when the 99th percentile of |x|, x != 0, exceeds so many medians."""
SPREAD_RATIO = 3.0
"""Sizes of a number that is never negative lie apart by multiples when the 90th percentile of those
above 0 is so many times the 10th: what follows from them follows from how many times."""
BOUND = 6.0
"""Scaled numbers are clipped here, so that one row's typing error decides no coefficient."""
DIFFERENT_AMONG = 1_000
"""Among so many of its sizes, spread evenly, a number that counts by its logarithm has ten."""
FILLED_ROWS = 16_384
"""Rows whose columns are filled at a time, so that little is held beside the design."""
MOST_LEVELS = 30
LEAST_LEVEL_SHARE = 0.002
"""A level is kept that such a share of all rows has, and enough of them."""
NORMAL_RANGE = 3.29
"""Standard deviations between the 5th and the 95th percentile of a normal distribution."""


class Dropped(NamedTuple):
    """A feature that says nothing, and why."""

    feature: str
    reason: str


@dataclass(frozen=True)
class NumberEncoding:
    """How a number is scaled: `(log?(x or fill) - centre) / scale`, clipped to `BOUND`.

    `unit` is a small size (the 10th percentile) of an amount that counts by its logarithm,
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

    def width(self, scaled: bool) -> int:
        """How many columns it has."""
        return 1 + (scaled and self.has_missing)


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

    def width(self, scaled: bool) -> int:
        """How many columns it has."""
        return len(self.levels) + self.has_other + self.has_missing

    @cached_property
    def code(self) -> pl.Expr:
        """The place of a row's column among those of the feature, -1 where it has none."""
        text, other = pl.col(self.feature).cast(pl.String), len(self.levels)
        # Null where a text is no level.
        level = text.cast(pl.Enum(self.levels), strict=False).to_physical().cast(pl.Int64)
        missing = other + self.has_other if self.has_missing else -1
        known = level.fill_null(other if self.has_other else -1)
        return pl.when(text.is_null()).then(missing).otherwise(known).alias(self.feature)


FeatureEncoding: TypeAlias = NumberEncoding | LevelEncoding | WeightEncoding


@dataclass(frozen=True)
class Encoding:
    """How every feature becomes columns, and which were dropped because they say nothing.

    A feature may be there more than once, encoded in several ways.
    """

    features: tuple[FeatureEncoding, ...]
    dropped: tuple[Dropped, ...] = ()

    def terms(self, scaled: bool) -> list[Term]:
        """The columns of the design, in order."""
        return [term for feature in self.features for term in feature.terms(scaled)]

    def width(self, scaled: bool) -> int:
        """How many columns the design has."""
        return sum(each.width(scaled) for each in self.features)

    def of(self, frame: pl.DataFrame) -> Encoding:
        """The same of these features alone, without those that say nothing of these rows."""
        features: list[FeatureEncoding] = []
        dropped = [each for each in self.dropped if each.feature in frame.columns]
        for each in self.features:
            if each.feature not in frame.columns:
                continue
            if fault := _says_nothing(frame[each.feature]):
                dropped.append(Dropped(each.feature, fault))
            else:
                features.append(each)
        return Encoding(tuple(features), tuple(dropped))

    def design(self, frame: pl.DataFrame, scaled: bool) -> Floats:
        """The features as numbers, shape (rows, terms).

        Args:
            frame: has the features; other columns are not looked at.
            scaled: for linear models: filled, scaled and without a gap. For trees numbers stay as
                they are, NaN where missing.

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        known = set(frame.columns)
        for feature in self.features:
            if feature.feature not in known:
                near = suggestion(feature.feature, frame.columns)
                raise PredictionError(
                    f"the model needs the column {feature.feature}, which these rows have not"
                    f"{near}; add it, or fit the model without it"
                )
        # By columns, as they are filled and as trees read them.
        design = np.empty((frame.height, self.width(scaled)), order="F")
        for start in range(0, frame.height, FILLED_ROWS):
            rows = frame.slice(start, FILLED_ROWS)
            self._fill(rows, design[start : start + rows.height], scaled)
        return design

    def _fill(self, rows: pl.DataFrame, design: Floats, scaled: bool) -> None:
        """Fill the design of some rows: what is computed of a kind of features, of all at once."""
        numbers: dict[int, NumberEncoding] = {}
        levels: dict[int, LevelEncoding] = {}
        width = 0
        for feature in self.features:
            match feature:
                case NumberEncoding():
                    numbers[width] = feature
                case LevelEncoding():
                    levels[width] = feature
                case WeightEncoding():
                    design[:, width] = feature.column(rows)
            width += feature.width(scaled)
        values = numbers_of(rows, [each.feature for each in numbers.values()])
        is_missing = np.isnan(values)
        if scaled:
            _scale(values, is_missing, [*numbers.values()])
        for place, (at, number) in enumerate(numbers.items()):
            design[:, at] = values[:, place]
            if number.width(scaled) > 1:
                design[:, at + 1] = is_missing[:, place]
        codes = rows.select(
            each.code.alias(str(place)) for place, each in enumerate(levels.values())
        )
        for (at, level), column in zip(levels.items(), codes.iter_columns(), strict=True):
            design[:, at : at + level.width(scaled)] = 0.0
            code = column.to_numpy()
            shown = np.flatnonzero(code >= 0)
            design[shown, at + code[shown]] = 1.0


def _scale(values: Floats, is_missing: npt.NDArray[np.bool_], of: Sequence[NumberEncoding]) -> None:
    """Fill and scale numbers where they stand."""
    fills, units, centres, scales = (
        np.array([getattr(each, name) for each in of])
        for name in ("fill", "unit", "centre", "scale")
    )
    np.copyto(values, fills, where=is_missing)
    has_tail = np.flatnonzero(units)
    values[:, has_tail] = _signed_log(values[:, has_tail], units[has_tail])
    values -= centres
    values /= scales
    np.clip(values, -BOUND, BOUND, out=values)


def _says_nothing(column: pl.Series) -> str | None:
    """Why these values say nothing, if they do not."""
    missing = column.null_count()
    if missing == len(column):
        return "has no value"
    has_one = column.min() == column.max()
    return "has one value only" if has_one and not missing else None


def fit_encoding(frame: pl.DataFrame, enough: int = SMALLEST_CELL) -> Encoding:
    """The encoding of all columns of a frame.

    Nothing is kept that rests on fewer rows than `enough`: no level, no mark of what is missing,
    and no number that so few have.
    """
    features: list[FeatureEncoding] = []
    dropped: list[Dropped] = []
    columns = frame.get_columns()
    unknown = {column.name for column in columns if column.null_count() == len(column)}
    numbers = [each.name for each in columns if is_number(each) and each.name not in unknown]
    values = dict(zip(numbers, numbers_of(frame, numbers).T, strict=True))
    for column in columns:
        name = column.name
        found: FeatureEncoding | Dropped
        if name in values:
            found = _fit_number(name, values[name], enough)
        elif is_number(column):
            found = Dropped(name, "has no value")
        else:
            found = _fit_levels(column, enough)
        if isinstance(found, Dropped):
            dropped.append(found)
        else:
            features.append(found)
    return Encoding(tuple(features), tuple(dropped))


def _fit_number(name: str, values: Floats, enough: int) -> NumberEncoding | Dropped:
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return Dropped(name, "has no value")
    missing = len(values) - len(known)
    if known[0] == known[-1] and missing < enough:
        return Dropped(name, "has one value only")
    if len(known) < enough:
        return Dropped(name, f"has a value in fewer than {enough} rows")
    if known[0] == known[-1]:
        # One value that some have and others lack is a mark.
        return NumberEncoding(name, 0.0, float(known[0]), float(known[0]), 1.0, True)
    unit = _unit(known)
    shown = _signed_log(known, unit) if unit else known
    low, centre, high = _quantiles(shown, 0.05, 0.5, 0.95)
    scale = (high - low) / NORMAL_RANGE if high > low else float(shown.std())
    return NumberEncoding(
        feature=name,
        unit=unit,
        fill=_quantiles(known, 0.5)[0],
        centre=centre,
        scale=scale if scale > 0 else 1.0,
        has_missing=missing >= enough,
    )


def _unit(known: Floats) -> float:
    """The unit of numbers that come in their order."""
    size = np.abs(known[known != 0])
    if known[0] < 0:
        size.sort()
    some = size[:: max(1, len(size) // DIFFERENT_AMONG)]
    if len(size) < 20 or np.count_nonzero(np.diff(some)) < 9:
        return 0.0
    low, middle, high, highest = _quantiles(size, 0.1, 0.5, 0.9, 0.99)
    is_spread = known[0] >= 0 and high >= SPREAD_RATIO * low
    return low if is_spread or highest > TAIL_RATIO * middle else 0.0


def _quantiles(ordered: Floats, *shares: float) -> list[float]:
    """Values at these shares of the way through numbers in their order, between two in a line."""
    found = []
    for share in shares:
        part, place = math.modf(share * (len(ordered) - 1))
        below, above = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
        found.append(float(below + part * (above - below)))
    return found


def _signed_log(values: Floats, unit: float | Floats) -> Floats:
    logs: Floats = np.sign(values) * np.log1p(np.abs(values) / unit)
    return logs


def _fit_levels(column: pl.Series, enough: int) -> LevelEncoding | Dropped:
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        return Dropped(column.name, f"is of the type {column.dtype}, which is not read")
    text = column.cast(pl.String)
    missing = text.null_count()
    counts = pl.DataFrame({"level": text}).drop_nulls().group_by("level").len("rows")
    if counts.is_empty():
        return Dropped(column.name, "has no value")
    if counts.height == 1 and not missing:
        return Dropped(column.name, "has one value only")
    least = max(enough, LEAST_LEVEL_SHARE * len(text))
    ordered = counts.sort(["rows", "level"], descending=[True, False])
    kept = ordered.filter(pl.col("rows") >= least).head(MOST_LEVELS)
    if kept.is_empty() and missing < least:
        return Dropped(column.name, f"has no value that {int(np.ceil(least))} rows share")
    return LevelEncoding(
        feature=column.name,
        levels=tuple(kept["level"]),
        has_other=len(text) - missing - kept["rows"].sum() >= enough,
        has_missing=missing >= enough,
    )
