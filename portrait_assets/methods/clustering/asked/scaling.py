"""A space in which amounts and other numbers count alike: by how they vary within small groups.

A column that few have, or that sets large groups far apart, has a great standard deviation over
everybody. What it means to be near is how far customers of one kind differ, so columns are scaled
by the spread within many small groups, found anew a few times; D. Art, R. Gnanadesikan,
J. Kettenring (1982), "Data-based metrics for cluster analysis".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, FloatVector
from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_labels
from portrait_assets.methods.clustering.preparation.model_rows import Row, round_significant

GROUPS = 40
"""Small groups that spread is taken within: more than anyone asks for segments."""
ROUNDS, RESTARTS = 4, 2
LEAST_SPREADS = (0.25, 0.35)
"""The spread within groups counts as at least one of these parts of the spread over everybody."""
TAILS = 0.01
"""Values beyond this quantile on either side count as it."""
LEAST_HOLDERS = 0.05
"""An amount that a smaller share of customers has says nothing about kinds of them."""


class Axis(NamedTuple):
    """One column as the space has it.

    `unit` is the median amount of those who have any, 0 for a column that is no amount: amounts
    become ln(1 + amount / unit). Then gaps are `fill`, values are held within `low` and `high`,
    and what differs by `spread` is one apart.
    """

    name: str
    unit: float
    fill: float
    low: float
    high: float
    spread: float


class Space(NamedTuple):
    """The axes of a space; without any all customers are alike."""

    axes: tuple[Axis, ...]

    def points(self, features: pl.DataFrame) -> FloatMatrix:
        """Coordinates of customers, shape (rows, axes)."""
        columns = [_held_within(_values(features, axis), axis) / axis.spread for axis in self.axes]
        return np.column_stack(columns) if columns else np.zeros((features.height, 0))

    def rows(self) -> list[Row]:
        """The space as rows of a model: one per number."""
        return [
            Row("axis", axis.name, position, key, float(value))
            for position, axis in enumerate(self.axes)
            for key, value in axis._asdict().items()
            if key != "name"
        ]

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> Space:
        """The space that `rows` wrote."""
        stored = rows.filter(pl.col("part") == "axis").sort("position")
        found: dict[str, dict[str, float]] = {}
        for item, key, value in stored.select("item", "key", "value").iter_rows():
            found.setdefault(item, {})[key] = value
        return cls(tuple(Axis(name, **numbers) for name, numbers in found.items()))


def fit_space(
    features: pl.DataFrame,
    amounts: Sequence[str],
    others: Sequence[str],
    seed: int = 0,
    least: float = LEAST_SPREADS[0],
) -> Space:
    """The space of customers, fitted on a sample of them.

    Args:
        features: one row per customer.
        amounts: columns of amounts, 0 for who has none; those that few have are left out.
        others: columns of other numbers; null is not known.
        seed: of the small groups.
        least: the spread within groups, as a part of that over everybody, that counts at least.
    """
    axes = [*(_amount(features, name) for name in amounts), *(_other(features, n) for n in others)]
    known = [axis for axis in axes if axis is not None and axis.high > axis.low]
    if not known:
        return Space(())
    plain = np.column_stack([_held_within(_values(features, axis), axis) for axis in known])
    counted = np.ones_like(plain)
    for n, axis in enumerate(known):
        if axis.unit > 0:
            counted[:, n] = plain[:, n] > 0
    spreads = round_significant(_within(plain, counted, seed, least))
    return Space(tuple(a._replace(spread=float(s)) for a, s in zip(known, spreads, strict=True)))


def _within(points: FloatMatrix, counted: FloatMatrix, seed: int, least: float) -> FloatVector:
    """The standard deviation of each column within small groups, found anew by it.

    Of an amount those are `counted` who have some, for the others do not differ.
    """
    overall = points.std(axis=0)
    overall = np.where(overall > 0, overall, 1.0)
    spread, groups = overall, min(GROUPS, max(1, len(points) // 10))
    for turn in range(ROUNDS):
        labels = kmeans_labels(points / spread, groups, restarts=RESTARTS, seed=seed + turn)
        sizes = np.maximum(np.bincount(labels, minlength=groups), 1)
        means = np.column_stack(
            [np.bincount(labels, weights=column, minlength=groups) / sizes for column in points.T]
        )
        squares = counted * (points - means[labels]) ** 2
        own: FloatVector = np.sqrt(squares.sum(axis=0) / np.maximum(counted.sum(axis=0), 1))
        spread = np.maximum(own, least * overall)
    return spread


def _amount(features: pl.DataFrame, name: str) -> Axis | None:
    owned = features[name].cast(pl.Float64)
    owned = owned.filter(owned > 0)
    if owned.len() < LEAST_HOLDERS * features.height:
        return None
    unit = round(float(owned.median() or 0.0), 2)  # type: ignore[arg-type]
    return _axis(features, Axis(name, unit, 0.0, 0.0, 0.0, 1.0)) if unit > 0 else None


def _other(features: pl.DataFrame, name: str) -> Axis | None:
    values = features[name].cast(pl.Float64).drop_nulls()
    if values.is_empty():
        return None
    fill = round(float(values.median() or 0.0), 9)  # type: ignore[arg-type]
    return _axis(features, Axis(name, 0.0, fill, 0.0, 0.0, 1.0))


def _axis(features: pl.DataFrame, axis: Axis) -> Axis:
    low, high = np.quantile(_values(features, axis), [TAILS, 1 - TAILS])
    return axis._replace(low=round(float(low), 9), high=round(float(high), 9))


def _values(features: pl.DataFrame, axis: Axis) -> FloatVector:
    # An amount that nobody has any more has no column.
    absent = pl.repeat(None, features.height, dtype=pl.Float64, eager=True)
    values = features[axis.name] if axis.name in features.columns else absent
    values = values.cast(pl.Float64).fill_nan(None)
    if axis.unit > 0:
        return np.log1p(values.fill_null(0.0).clip(0.0).to_numpy() / axis.unit)
    found: FloatVector = values.fill_null(axis.fill).to_numpy()
    return found


def _held_within(values: FloatVector, axis: Axis) -> FloatVector:
    return np.clip(values, axis.low, axis.high)
