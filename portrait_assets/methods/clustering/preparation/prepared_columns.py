"""How one column of the feature matrix is prepared: fitted parameters, and what they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtr

from portrait_assets.core.arrays import FloatMatrix, FloatVector
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.clustering.preparation.model_rows import round_significant
from portrait_assets.methods.clustering.preparation.sampling import MOST_MISSING

Geometry = Literal["features", "coordinates", "degrees"]
"""How numbers are read: features of different units, coordinates of one common space, or degrees.

Degrees are the shares of a normal distribution below a scaled feature: bounded, without tails.
"""

TAIL_RATIO = 6.0
"""A skewed amount: the 99th percentile of |x|, x != 0, exceeds this many medians."""
AS_DEGREES = -1.0
BOUND = 5.0
"""Scaled features are clipped to this many robust standard deviations of the median."""
MAX_LEVELS = 30
"""A category keeps at most this many of its levels; the rest count as one."""
MIN_LEVEL_SHARE = 0.005
"""A level is kept when at least this share of customers has it."""
MIN_COVERED = 0.10
"""A category whose kept levels cover less than this share is an identifier, not a category."""
MIN_MISSING = 0.01
"""A gap indicator is made when at least this share of values is missing (and not all)."""
GAP_WEIGHT = 0.5
"""A gap indicator counts half: a missing value carries less information than a known one."""
OTHER_LEVEL = "\x00other"
MISSING_LEVEL = "\x00missing"


class FeatureUse(NamedTuple):
    """A column that the clusters use, and the element of the portrait that it belongs to."""

    name: str
    element: str


@dataclass(frozen=True)
class NumericParameters:
    """How one numeric column is prepared: ``bound((log?(x or fill) - centre) / scale)``.

    A ``bound`` of -1 makes degrees of it: ``sqrt(12) * (normal distribution function - 1/2)``.
    """

    name: str
    element: str
    unit: float
    fill: float
    centre: float
    scale: float
    bound: float
    missing_share: float

    @property
    def is_log(self) -> bool:
        """Whether the column is a skewed amount: sign(x) * log(1 + |x| / unit)."""
        return self.unit > 0

    @property
    def width(self) -> int:
        """Number of design columns: the value and, when gaps are common, their indicator."""
        return 2 if self.missing_share >= MIN_MISSING else 1


@dataclass(frozen=True)
class CategoryParameters:
    """How one category is prepared: the levels that are kept and their shares."""

    name: str
    element: str
    levels: tuple[str, ...]
    shares: tuple[float, ...]

    @property
    def width(self) -> int:
        """Number of design columns, one per kept level."""
        return len(self.levels)


def clean(column: pl.Series) -> pl.Series:
    """Numbers as Float64 with infinities and NaN as null; everything else as text."""
    if column.dtype == pl.Boolean or not (column.dtype.is_numeric() or column.dtype == pl.Null):
        return column.cast(pl.String)
    numbers = column.cast(pl.Float64)
    return pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series().rename(column.name)


def unusable(column: pl.Series) -> str | None:
    """Why a clean column carries no information; None where it carries some."""
    distinct = column.drop_nulls().n_unique()
    if distinct == 0:
        return "empty: no value at all"
    missing = column.null_count() / len(column)
    if distinct == 1 and (column.dtype.is_numeric() or missing == 0) and missing < MIN_MISSING:
        return "constant: every value is the same"
    # One value that some have and others lack is a mark, and informative.
    if distinct > 1 and missing > MOST_MISSING:
        return "sparse: most customers have no value"
    return None


def copied(column: pl.Series, seen: dict[int, list[pl.Series]]) -> str | None:
    """Which earlier column it is a copy of, in words; None, and remembered, where of none."""
    key = int(column.hash(0).sum() or 0)
    for other in seen.get(key, []):
        if other.dtype == column.dtype and other.equals(column, null_equal=True):
            return f"copy of {other.name}"
    seen.setdefault(key, []).append(column)
    return None


def fit_numeric(column: pl.Series, use: FeatureUse, geometry: Geometry) -> NumericParameters:
    """Parameters of a numeric column: log or not, filling, robust centre and scale."""
    values = column.drop_nulls().to_numpy()
    unit = _amount_unit(values, geometry)
    shown = _signed_log(values, unit) if unit > 0 else values
    centre = float(np.median(shown))
    fill = float(np.median(values))
    low, high = np.quantile(shown, [0.05, 0.95])
    # 3.29 standard deviations lie between these two percentiles of a normal distribution.
    robust = float(high - low) / 3.29
    spread = float(shown.std())
    scale = robust if geometry != "coordinates" and robust > 0 else spread
    rounded = round_significant(np.array([scale]))[0] if scale > 0 else 1.0
    return NumericParameters(
        name=use.name,
        element=use.element,
        unit=unit,
        fill=fill,
        centre=centre,
        scale=float(rounded),
        bound={"features": BOUND, "coordinates": 0.0, "degrees": AS_DEGREES}[geometry],
        missing_share=column.null_count() / len(column),
    )


def _amount_unit(values: FloatVector, geometry: Geometry) -> float:
    """Median size of a skewed amount, or 0 for a number that needs no logarithm."""
    size = np.abs(values[values != 0])
    if len(size) < 20 or len(np.unique(size[:1000])) < 10:
        return 0.0
    if geometry == "coordinates" and values.min() < 0:
        return 0.0
    middle, high = np.quantile(size, [0.5, 0.99])
    return float(middle) if high > TAIL_RATIO * middle else 0.0


def _signed_log(values: FloatVector, unit: float) -> FloatVector:
    logs: FloatVector = np.sign(values) * np.log1p(np.abs(values) / unit)
    return logs


def fit_category(column: pl.Series, use: FeatureUse) -> CategoryParameters | None:
    """Levels from the most to the least common, rare ones as one; None for an identifier."""
    filled = column.fill_null(MISSING_LEVEL)
    counts = (
        filled.value_counts()
        .rename({column.name: "level"})
        .sort(["count", "level"], descending=[True, False])
    )
    shares = counts["count"] / len(column)
    is_common = (shares >= MIN_LEVEL_SHARE) & (counts["count"] >= SMALLEST_CELL)
    kept = counts.filter(is_common).head(MAX_LEVELS)
    # Nor are the others together few: the rarest level goes with them.
    if 0 < len(column) - kept["count"].sum() < SMALLEST_CELL:
        kept = kept.head(-1)
    covered = int(kept["count"].sum()) / len(column)
    if covered < MIN_COVERED or counts.height > 0.9 * len(column):
        return None
    levels = [*kept["level"].to_list()]
    level_shares = [c / len(column) for c in kept["count"].to_list()]
    if counts.height > kept.height:
        levels.append(OTHER_LEVEL)
        level_shares.append(1.0 - covered)
    return CategoryParameters(use.name, use.element, tuple(levels), tuple(level_shares))


def common_scale(numerics: list[NumericParameters]) -> list[NumericParameters]:
    """One scale for coordinates whose spreads are within a factor of ten of each other."""
    scales = np.array([p.scale for p in numerics])
    if not len(scales) or any(p.is_log for p in numerics) or scales.max() > 10 * scales.min():
        return numerics
    common = float(round_significant(np.array([np.sqrt((scales**2).mean())]))[0])
    return [NumericParameters(**{**p.__dict__, "scale": common}) for p in numerics]


def numeric_block(column: pl.Series, p: NumericParameters) -> FloatMatrix:
    """Prepared values, shape (rows, 1 or 2): the number, and whether it is missing."""
    values = clean(column)
    missing = values.is_null().to_numpy()
    numbers = values.fill_null(p.fill).to_numpy()
    shown = _signed_log(numbers, p.unit) if p.is_log else numbers
    scaled = (shown - p.centre) / p.scale
    if p.bound > 0:
        scaled = np.clip(scaled, -p.bound, p.bound)
    elif p.bound == AS_DEGREES:
        scaled = np.sqrt(12.0) * (ndtr(scaled) - 0.5)
    if p.width == 1:
        return scaled.reshape(-1, 1)
    indicator = GAP_WEIGHT * (missing - p.missing_share) / np.sqrt(p.missing_share)
    return np.column_stack([scaled, indicator])


def category_block(column: pl.Series, p: CategoryParameters) -> FloatMatrix:
    """Indicators (x - share) / sqrt(share): the coding of factor analysis of mixed data."""
    codes = {level: code for code, level in enumerate(p.levels)}
    other = codes.get(OTHER_LEVEL, -1)
    text = clean(column).cast(pl.String).fill_null(MISSING_LEVEL)
    code = text.replace_strict(codes, default=other, return_dtype=pl.Int64).to_numpy()
    shares = np.array(p.shares)
    block = np.broadcast_to(-np.sqrt(shares), (len(code), len(shares))).copy()
    known = np.flatnonzero(code >= 0)
    block[known, code[known]] += 1.0 / np.sqrt(shares[code[known]])
    # A level never seen before carries no information: it sits at the average.
    block[code < 0] = 0.0
    return block
