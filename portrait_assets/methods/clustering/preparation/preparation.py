"""Mixed-type preparation of a feature matrix, fitted once and kept as rows of parameters.

Numbers are made comparable (skewed amounts by a logarithm, then a robust scale), gaps become a
filled value plus an indicator, categories become the weighted indicators of factor analysis of
mixed data, elements are weighted against their number of columns, and the leading components that
exceed those of column-wise shuffled data are kept (of coordinates also those that look divided).

Paper: J. Pagès (2004), "Analyse factorielle de données mixtes"; the number of components follows
J. Horn (1965), "A rationale and test for the number of factors in factor analysis".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, FloatVector
from portrait_assets.methods.clustering.preparation.components import fit_plane, leading_components
from portrait_assets.methods.clustering.preparation.model_rows import (
    Row,
    matrix_from,
    matrix_rows,
    round_significant,
)
from portrait_assets.methods.clustering.preparation.prepared_columns import (
    CategoryParameters,
    FeatureUse,
    Geometry,
    NumericParameters,
    category_block,
    clean,
    common_scale,
    copied,
    fit_category,
    fit_numeric,
    numeric_block,
    unusable,
)

__all__ = ["FeatureUse", "Geometry", "Preparation", "fit_plane", "fit_preparation"]


DEGREE_COMPONENTS = 2
"""Degrees are divided in so many components: further ones change from sample to sample."""
ELEMENT_DAMPING = 0.125
PLAIN_DIMENSIONS = 12
"""Up to this many all-numeric dimensions are used as they are, without components."""


@dataclass(frozen=True)
class Preparation:
    """Fitted preparation; ``transform`` maps a frame to a matrix of shape (customers, dims)."""

    numerics: tuple[NumericParameters, ...]
    categories: tuple[CategoryParameters, ...]
    weights: FloatVector
    loadings: FloatMatrix
    left_out: tuple[tuple[str, str], ...] = field(default=())

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
            block = numeric_block(features[numeric.name], numeric)
            design[:, at : at + numeric.width] = block
            at += numeric.width
        for category in self.categories:
            design[:, at : at + category.width] = category_block(features[category.name], category)
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
            own = stored.filter(pl.col("item") == name)
            text = dict(zip(own["key"], own["text"], strict=True))
            value = dict(zip(own["key"], own["value"], strict=True))
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
        column = clean(features[use.name])
        reason = unusable(column) or copied(column, seen)
        if reason is not None:
            left_out.append((use.name, reason))
        elif column.dtype.is_numeric():
            numerics.append(fit_numeric(column, use, geometry))
        else:
            category = fit_category(column, use)
            if category is None:
                left_out.append((use.name, "identifier: nearly every value is its own"))
            else:
                categories.append(category)
    if geometry == "coordinates" and not categories:
        numerics = common_scale(numerics)
    weights = _element_weights(numerics, categories)
    plain = Preparation(
        tuple(numerics), tuple(categories), weights, np.zeros((0, 0)), tuple(left_out)
    )
    is_plain = geometry != "degrees" and not categories and len(weights) <= PLAIN_DIMENSIONS
    if is_plain or not plain.parameters:
        return plain
    with_flat = geometry == "coordinates" and not categories
    loadings = leading_components(plain.design(features), _blocks(plain), seed, with_flat=with_flat)
    if geometry == "degrees":
        loadings = loadings[:, :DEGREE_COMPONENTS]
    return Preparation(plain.numerics, plain.categories, weights, loadings, plain.left_out)


def _names_in_order(rows: pl.DataFrame) -> list[str]:
    return rows.sort("position")["item"].unique(maintain_order=True).to_list()


def _element_weights(
    numerics: Sequence[NumericParameters], categories: Sequence[CategoryParameters]
) -> FloatVector:
    """Weights of the design columns: what an element contributes grows slower than its columns.

    The total variance of an element with n columns is in proportion to n^(3/4), so that one with
    forty does not drown one with four, nor a single noisy one everything else.
    """
    parameters: list[NumericParameters | CategoryParameters] = [*numerics, *categories]
    if not parameters:
        return np.zeros(0)
    counts: dict[str, int] = {}
    for p in parameters:
        counts[p.element] = counts.get(p.element, 0) + 1
    mean = len(parameters) / len(counts)
    weights = [np.full(p.width, (mean / counts[p.element]) ** ELEMENT_DAMPING) for p in parameters]
    return round_significant(np.concatenate(weights))


def _blocks(preparation: Preparation) -> list[slice]:
    """Design columns that belong to one source column and are shuffled together."""
    blocks, at = [], 0
    for p in preparation.parameters:
        blocks.append(slice(at, at + p.width))
        at += p.width
    return blocks
