"""Mixed-type preparation of a feature matrix, fitted once and kept as rows of parameters.

Numbers are made comparable (skewed amounts by a logarithm, then a robust scale), gaps become a
filled value plus an indicator, categories become the weighted indicators of factor analysis of
mixed data, every element gets the same weight, and the leading components that exceed those of
column-wise shuffled data are kept.

Paper: J. Pagès (2004), "Analyse factorielle de données mixtes"; the number of components follows
J. Horn (1965), "A rationale and test for the number of factors in factor analysis".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from portrait_assets.clusters.model_rows import (
    Row,
    matrix_from,
    matrix_rows,
    round_significant,
)

FloatMatrix = npt.NDArray[np.float64]
FloatVector = npt.NDArray[np.float64]

Geometry = Literal["features", "coordinates", "degrees"]
"""How numbers are read: features of different units, coordinates of one common space, or degrees.

Degrees are the shares of a normal distribution below a scaled feature: bounded, without tails.
"""

TAIL_RATIO = 6.0
"""A skewed amount: the 99th percentile of |x|, x != 0, exceeds this many medians."""
AS_DEGREES = -1.0
BOUND = 5.0
"""Scaled features are held within this many robust standard deviations of the median."""
MAX_LEVELS = 30
"""A category keeps at most this many of its levels; the rest count as one."""
MIN_LEVEL_SHARE = 0.005
"""A level is kept when at least this share of customers has it."""
MIN_COVERED = 0.10
"""A category whose kept levels cover less than this share is an identifier, not a category."""
MIN_MISSING = 0.01
"""A gap indicator is made when at least this share of values is missing (and not all)."""
GAP_WEIGHT = 0.5
"""A gap indicator counts half: what is missing says less than what is there."""
MAX_COMPONENTS = 30
DEGREE_COMPONENTS = 2
"""Degrees are divided in so many components: further ones change from sample to sample."""
PLAIN_DIMENSIONS = 8
"""Up to this many all-numeric dimensions are used as they are, without components."""
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


@dataclass(frozen=True)
class Preparation:
    """Fitted preparation; ``transform`` maps a frame to a matrix of shape (customers, dims)."""

    numerics: tuple[NumericParameters, ...]
    categories: tuple[CategoryParameters, ...]
    weights: FloatVector
    loadings: FloatMatrix
    left_out: tuple[tuple[str, str], ...] = field(default=())

    @property
    def dimensions(self) -> int:
        """Number of columns that ``transform`` returns."""
        return int(self.loadings.shape[1]) if self.loadings.size else int(self.weights.shape[0])

    @property
    def parameters(self) -> list[NumericParameters | CategoryParameters]:
        """Parameters of the columns that are read, numbers first."""
        return [*self.numerics, *self.categories]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the source columns that are read."""
        return tuple(p.name for p in self.parameters)

    def design(self, features: pl.DataFrame) -> FloatMatrix:
        """The weighted design before components, shape (customers, design columns)."""
        width = sum(p.width for p in self.parameters)
        design = np.empty((features.height, width))
        at = 0
        for numeric in self.numerics:
            block = _numeric_block(features[numeric.name], numeric)
            design[:, at : at + numeric.width] = block
            at += numeric.width
        for category in self.categories:
            design[:, at : at + category.width] = _category_block(features[category.name], category)
            at += category.width
        design *= self.weights
        return design

    def transform(self, features: pl.DataFrame) -> FloatMatrix:
        """Prepared coordinates, shape (customers, dimensions), unitless."""
        design = self.design(features)
        return design @ self.loadings if self.loadings.size else design

    def to_rows(self) -> list[Row]:
        """All parameters as rows."""
        rows: list[Row] = []
        for position, p in enumerate(self.numerics):
            rows.append(Row("numeric", p.name, position, "element", None, p.element))
            for key in ("unit", "fill", "centre", "scale", "bound", "missing_share"):
                rows.append(Row("numeric", p.name, position, key, float(getattr(p, key))))
        for position, c in enumerate(self.categories):
            rows.append(Row("category", c.name, position, "element", None, c.element))
            for at, (level, share) in enumerate(zip(c.levels, c.shares, strict=True)):
                rows.append(Row("level", c.name, at, "share", share, level))
        rows += [Row("weight", str(i), i, "weight", float(w)) for i, w in enumerate(self.weights)]
        rows += matrix_rows("component", "loading", self.loadings)
        rows += [
            Row("left_out", name, i, "reason", None, why)
            for i, (name, why) in enumerate(self.left_out)
        ]
        return rows

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> Preparation:
        """Restore what :meth:`to_rows` wrote."""
        numerics = []
        stored = rows.filter(pl.col("part") == "numeric")
        for name in _names_in_order(stored):
            mine = stored.filter(pl.col("item") == name)
            text = dict(zip(mine["key"], mine["text"], strict=True))
            value = dict(zip(mine["key"], mine["value"], strict=True))
            numbers = {k: float(v) for k, v in value.items() if k != "element"}
            numerics.append(NumericParameters(name=name, element=str(text["element"]), **numbers))
        categories = []
        stored = rows.filter(pl.col("part") == "category")
        for name in _names_in_order(stored):
            element = stored.filter(pl.col("item") == name)["text"][0]
            levels = rows.filter((pl.col("part") == "level") & (pl.col("item") == name))
            levels = levels.sort("position")
            categories.append(
                CategoryParameters(name, element, tuple(levels["text"]), tuple(levels["value"]))
            )
        weights = rows.filter(pl.col("part") == "weight").sort("position")["value"].to_numpy()
        left_out = rows.filter(pl.col("part") == "left_out").sort("position")
        return cls(
            tuple(numerics),
            tuple(categories),
            weights,
            matrix_from(rows, "component", "loading"),
            tuple(zip(left_out["item"], left_out["text"], strict=True)),
        )


def fit_preparation(
    features: pl.DataFrame,
    uses: Sequence[FeatureUse],
    *,
    seed: int = 0,
    geometry: Geometry = "features",
) -> Preparation:
    """Fit the preparation on a sample of customers (rows) of the feature matrix.

    ``geometry="coordinates"`` is for an untyped table of numbers of one common space, such as
    positions: numbers of similar spread keep their proportions and nothing is bounded.
    ``geometry="degrees"`` is for customers who differ by degree, in few components.
    Columns that carry nothing (empty, constant, copies, identifiers) are left out with a reason.
    """
    left_out: list[tuple[str, str]] = []
    numerics: list[NumericParameters] = []
    categories: list[CategoryParameters] = []
    seen: dict[int, list[pl.Series]] = {}
    for use in uses:
        column = _clean(features[use.name])
        reason = _unusable(column) or _copied(column, seen)
        if reason is not None:
            left_out.append((use.name, reason))
        elif column.dtype.is_numeric():
            numerics.append(_fit_numeric(column, use, geometry))
        else:
            category = _fit_category(column, use)
            if category is None:
                left_out.append((use.name, "identifier: nearly every value is its own"))
            else:
                categories.append(category)
    if geometry == "coordinates" and not categories:
        numerics = _common_scale(numerics)
    weights = _element_weights(numerics, categories)
    plain = Preparation(
        tuple(numerics), tuple(categories), weights, np.zeros((0, 0)), tuple(left_out)
    )
    if geometry != "degrees" and not categories and len(weights) <= PLAIN_DIMENSIONS:
        return plain
    loadings = _leading_components(plain.design(features), _blocks(plain), seed)
    if geometry == "degrees":
        loadings = loadings[:, :DEGREE_COMPONENTS]
    return Preparation(plain.numerics, plain.categories, weights, loadings, plain.left_out)


def _names_in_order(rows: pl.DataFrame) -> list[str]:
    return rows.sort("position")["item"].unique(maintain_order=True).to_list()


def _clean(column: pl.Series) -> pl.Series:
    """Numbers as Float64 with infinities and NaN as null; everything else as text."""
    if column.dtype == pl.Boolean or not (column.dtype.is_numeric() or column.dtype == pl.Null):
        return column.cast(pl.String)
    numbers = column.cast(pl.Float64)
    return pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series().rename(column.name)


def _unusable(column: pl.Series) -> str | None:
    distinct = column.drop_nulls().n_unique()
    if distinct == 0:
        return "empty: no value at all"
    missing = column.null_count() / len(column)
    if distinct == 1 and (column.dtype.is_numeric() or missing == 0) and missing < MIN_MISSING:
        return "constant: every value is the same"
    return None


def _copied(column: pl.Series, seen: dict[int, list[pl.Series]]) -> str | None:
    key = int(column.hash(0).sum() or 0)
    for other in seen.get(key, []):
        if other.dtype == column.dtype and other.equals(column, null_equal=True):
            return f"copy of {other.name}"
    seen.setdefault(key, []).append(column)
    return None


def _fit_numeric(column: pl.Series, use: FeatureUse, geometry: Geometry) -> NumericParameters:
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


def _fit_category(column: pl.Series, use: FeatureUse) -> CategoryParameters | None:
    """Levels from the most to the least common, rare ones as one; None for an identifier."""
    filled = column.fill_null(MISSING_LEVEL)
    counts = (
        filled.value_counts()
        .rename({column.name: "level"})
        .sort(["count", "level"], descending=[True, False])
    )
    shares = counts["count"] / len(column)
    kept = counts.filter(shares >= MIN_LEVEL_SHARE).head(MAX_LEVELS)
    covered = int(kept["count"].sum()) / len(column)
    if covered < MIN_COVERED or counts.height > 0.9 * len(column):
        return None
    levels = [*kept["level"].to_list()]
    level_shares = [c / len(column) for c in kept["count"].to_list()]
    if counts.height > kept.height:
        levels.append(OTHER_LEVEL)
        level_shares.append(1.0 - covered)
    return CategoryParameters(use.name, use.element, tuple(levels), tuple(level_shares))


def _common_scale(numerics: list[NumericParameters]) -> list[NumericParameters]:
    """One scale for coordinates whose spreads are within a factor of ten of each other."""
    scales = np.array([p.scale for p in numerics])
    if not len(scales) or any(p.is_log for p in numerics) or scales.max() > 10 * scales.min():
        return numerics
    common = float(round_significant(np.array([np.sqrt((scales**2).mean())]))[0])
    return [NumericParameters(**{**p.__dict__, "scale": common}) for p in numerics]


def _element_weights(
    numerics: Sequence[NumericParameters], categories: Sequence[CategoryParameters]
) -> FloatVector:
    """Weights of the design columns: each element contributes the same total variance."""
    parameters: list[NumericParameters | CategoryParameters] = [*numerics, *categories]
    if not parameters:
        return np.zeros(0)
    counts: dict[str, int] = {}
    for p in parameters:
        counts[p.element] = counts.get(p.element, 0) + 1
    mean = len(parameters) / len(counts)
    weights = [np.full(p.width, np.sqrt(mean / counts[p.element])) for p in parameters]
    return round_significant(np.concatenate(weights))


def _blocks(preparation: Preparation) -> list[slice]:
    """Design columns that belong to one source column and are shuffled together."""
    blocks, at = [], 0
    for p in preparation.parameters:
        blocks.append(slice(at, at + p.width))
        at += p.width
    return blocks


def _numeric_block(column: pl.Series, p: NumericParameters) -> FloatMatrix:
    values = _clean(column)
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


def _category_block(column: pl.Series, p: CategoryParameters) -> FloatMatrix:
    """Indicators (x - share) / sqrt(share): the coding of factor analysis of mixed data."""
    codes = {level: code for code, level in enumerate(p.levels)}
    other = codes.get(OTHER_LEVEL, -1)
    text = _clean(column).cast(pl.String).fill_null(MISSING_LEVEL)
    code = text.replace_strict(codes, default=other, return_dtype=pl.Int64).to_numpy()
    shares = np.array(p.shares)
    block = np.broadcast_to(-np.sqrt(shares), (len(code), len(shares))).copy()
    known = np.flatnonzero(code >= 0)
    block[known, code[known]] += 1.0 / np.sqrt(shares[code[known]])
    # A level never seen before says nothing: it sits at the average.
    block[code < 0] = 0.0
    return block


def _leading_components(design: FloatMatrix, blocks: list[slice], seed: int) -> FloatMatrix:
    """Loadings of the components whose variance exceeds that of shuffled columns.

    Returns shape (design columns, components).
    """
    rows = int(np.clip(8_000_000 // max(1, design.shape[1]), 500, 20_000))
    sample = design[:rows]
    variances, vectors = _principal_axes(sample)
    rng = np.random.default_rng(seed)
    shuffled = sample.copy()
    for block in blocks:
        shuffled[:, block] = shuffled[rng.permutation(len(shuffled)), block]
    null_variances, _ = _principal_axes(shuffled)
    kept = int(np.argmin(np.append(variances > 1.02 * null_variances, False)))
    # Without any component above noise two are kept, so that there is something to look at.
    kept = min(kept or 2, len(variances), MAX_COMPONENTS)
    loadings = vectors[:, :kept]
    # The sign of an axis is arbitrary: the largest loading is made positive.
    signs = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(kept)])
    return round_significant(loadings * np.where(signs == 0, 1.0, signs))


def _principal_axes(matrix: FloatMatrix) -> tuple[FloatVector, FloatMatrix]:
    """Variances (descending) and unit axes, shape (columns, axes)."""
    centred = matrix - matrix.mean(axis=0)
    if len(matrix) < matrix.shape[1]:
        _, singular, axes = np.linalg.svd(centred, full_matrices=False)
        return singular**2 / max(1, len(matrix) - 1), axes.T
    covariance = centred.T @ centred / max(1, len(centred) - 1)
    variances, vectors = np.linalg.eigh(covariance)
    return variances[::-1], vectors[:, ::-1]


def fit_plane(points: FloatMatrix) -> tuple[FloatMatrix, FloatVector]:
    """The two leading principal components of prepared points and their shares of variance.

    Returns scores of shape (rows, 2) and shares of shape (2,); missing dimensions are zero.
    """
    plane, shares = np.zeros((len(points), 2)), np.zeros(2)
    if len(points) < 2 or points.shape[1] == 0:
        return plane, shares
    variances, vectors = _principal_axes(points)
    kept = min(2, len(variances))
    axes = vectors[:, :kept]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
    plane[:, :kept] = (points - points.mean(axis=0)) @ (axes * np.where(signs == 0, 1.0, signs))
    total = float(np.maximum(variances, 0).sum())
    if total > 0:
        shares[:kept] = variances[:kept] / total
    return plane, shares
