"""One feature alone as a score: what a model must beat, and what a leak is found by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.columns import as_number, is_number
from portrait_assets.methods.statistics.discrimination.paired import auc

BINS = 20
SHRINKING = 10.0
"""Rows of the mean that are added to a value's own, so that a rare value is no certainty."""


@dataclass(frozen=True)
class LoneFeature:
    """A feature as a score: by its order, by the mean outcome of its values, or by a straight line.

    `order` is 1 where larger values are the higher score, -1 where the lower, and 0 where `means`,
    by value or by bin (`edges`), are the score, or where there is a `slope`, with which the score
    of a number moves from the `mean` with its distance from the `centre`. `quality` is the AUC on
    the rows it was learned from, or the share of the variance that is explained where the outcome
    is a number; of means it is that of halves which score each other.
    """

    feature: str
    quality: float
    order: int = 0
    missing_first: bool = True
    edges: Floats = field(default_factory=lambda: np.zeros(0))
    means: pl.DataFrame = field(default_factory=pl.DataFrame)
    mean: float = 0.0
    slope: float = 0.0
    centre: float = 0.0

    def score(self, column: pl.Series) -> Floats:
        """The score of every row, shape (rows,)."""
        if self.order:
            values = self.order * as_number(column).to_numpy()
            return np.where(np.isnan(values), -np.inf if self.missing_first else np.inf, values)
        if self.slope:
            line = self.mean + self.slope * (as_number(column).to_numpy() - self.centre)
            return np.where(np.isnan(line), self.mean, line)
        return _looked_up(_coded(column, self.edges), self.means, self.mean)


def lone_features(
    frame: pl.DataFrame, outcome: Floats, *, is_of_number: bool = False
) -> Iterator[LoneFeature]:
    """Every feature as a score, in its best way; those with one value only are left out.

    Args:
        frame: the features.
        outcome: 0 and 1, or numbers, shape (rows,).
        is_of_number: whether the outcome is a number.
    """
    for column in frame.iter_columns():
        is_read = not (column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary))
        if is_read and column.n_unique() > 1:
            yield max(_each(column, outcome, is_of_number), key=lambda lone: lone.quality)


def best_lone_feature(
    frame: pl.DataFrame, outcome: Floats, *, is_of_number: bool = False
) -> LoneFeature | None:
    """The feature that alone is the best score; None where no feature varies."""
    found = lone_features(frame, outcome, is_of_number=is_of_number)
    return max(found, key=lambda each: each.quality, default=None)


def _each(column: pl.Series, outcome: Floats, is_of_number: bool) -> Iterator[LoneFeature]:
    yield _by_means(column, outcome, is_of_number)
    if not is_number(column):
        return
    values = as_number(column).to_numpy()
    is_known = ~np.isnan(values)
    if is_of_number:
        yield from _by_line(column, outcome, values, is_known)
        return
    for order in (1, -1):
        for missing_first in (True,) if is_known.all() else (True, False):
            lone = LoneFeature(column.name, 0.0, order, missing_first)
            yield replace(lone, quality=auc(lone.score(column), outcome > 0.5))


def _by_line(
    column: pl.Series, outcome: Floats, values: Floats, is_known: npt.NDArray[np.bool_]
) -> Iterator[LoneFeature]:
    known, of_known = values[is_known], outcome[is_known]
    if len(known) < 2 or known.min() == known.max():
        return
    centre, mean = float(known.mean()), float(of_known.mean())
    apart = known - centre
    slope = float(apart @ (of_known - mean) / (apart @ apart))
    lone = LoneFeature(column.name, 0.0, mean=mean, slope=slope, centre=centre)
    yield replace(lone, quality=_explained(lone.score(column), outcome))


def _by_means(column: pl.Series, outcome: Floats, is_of_number: bool) -> LoneFeature:
    edges = np.zeros(0)
    if is_number(column):
        known = as_number(column).drop_nans().to_numpy()
        if len(known):
            edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    coded = _coded(column, edges)
    mean = float(outcome.mean())
    # Halves by turns within the order of outcomes, so that both have events.
    turn = np.argsort(np.argsort(outcome, kind="stable"), kind="stable") % 2 == 0
    score = np.empty(len(outcome))
    for half in (turn, ~turn):
        means = _means(coded.filter(pl.Series(~half)), outcome[~half])
        score[half] = _looked_up(coded.filter(pl.Series(half)), means, mean)
    quality = _explained(score, outcome) if is_of_number else auc(score, outcome > 0.5)
    means = _means(coded, outcome)
    return LoneFeature(column.name, quality, edges=edges, means=means, mean=mean)


def _coded(column: pl.Series, edges: Floats) -> pl.Series:
    if not is_number(column):
        return column.cast(pl.String).alias("value")
    values = as_number(column).to_numpy()
    codes = np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))
    return pl.Series("value", codes)


def _means(coded: pl.Series, outcome: Floats) -> pl.DataFrame:
    """The mean outcome by value, drawn to that of all; the largest difference is the highest."""
    mean = float(outcome.mean()) if len(outcome) else 0.0
    summed = pl.col("outcome").sum() + SHRINKING * mean
    rows = pl.DataFrame({"value": coded, "outcome": outcome})
    return rows.group_by("value").agg((summed / (pl.len() + SHRINKING)).alias("mean"))


def _looked_up(coded: pl.Series, means: pl.DataFrame, otherwise: float) -> Floats:
    found = coded.to_frame().join(
        means, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return found["mean"].fill_null(otherwise).to_numpy()


def _explained(score: Floats, outcome: Floats) -> float:
    return float(1 - ((outcome - score) ** 2).mean() / max(float(outcome.var()), 1e-300))
