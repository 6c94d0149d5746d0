"""Bins whose rates of the outcome are monotone, and their weights, crosswise for a regression.

As of scorecards (`methods.scorecard.fitting`): the weight of a row that a regression learns from
comes from bins of other rows, so that a column of chance has no weight; the weights that score come
from all rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.disclosure.holders import Holders
from portrait_assets.methods.prediction.binned.encoding import WeightEncoding
from portrait_assets.methods.prediction.families.columns import as_number, is_number
from portrait_assets.methods.prediction.families.folds import folds_by_lot
from portrait_assets.methods.scorecard.columns import Form, texts
from portrait_assets.methods.scorecard.fitting.binning import Base
from portrait_assets.methods.scorecard.fitting.classes import Classes, classes_of
from portrait_assets.methods.scorecard.fitting.weighing import BinRules, counts_of, crosswise, weigh

RULES = BinRules()
DIGITS = 9


class Weighed(NamedTuple):
    """Features with the weights of their bins, and the crosswise weight of every row.

    `crosswise` has shape (rows, features).
    """

    features: tuple[WeightEncoding, ...]
    crosswise: Floats


def weighed(
    frame: pl.DataFrame, outcome: Floats, groups: Indexes | None, parts: int, seed: int
) -> Weighed:
    """The features of which two bins differ, in the order of the frame's columns.

    Args:
        frame: features; nested ones are not looked at.
        outcome: 0 and 1, shape (rows,); both kinds.
        groups: numbers from 0 of what rows are of, such as the customer of whom they are months;
            weights come from bins of other groups, and no bin is of few. Every row is its own when
            None.
        parts: how many parts the rows are divided into, of which others weigh each.
        seed: of the lot by which they are.
    """
    hits = outcome > 0.5
    base = Base(len(hits), int(hits.sum()), RULES.smoothing)
    folds, holders = _parts(hits, groups, parts, seed), Holders(groups)
    features, columns = [], []
    for column in frame.iter_columns():
        if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
            continue
        classes = _classes(column, holders)
        weights = weigh(classes, *counts_of(classes, hits), base, RULES, None, holders)
        if not weights.says_something:
            continue
        features.append(_encoding(classes, weights.by_class))
        columns.append(-crosswise(classes, hits, folds, RULES, None))
    design = np.column_stack(columns) if columns else np.empty((len(hits), 0))
    return Weighed(tuple(features), np.asfortranarray(design))


def _classes(column: pl.Series, holders: Holders) -> Classes:
    if is_number(column):
        return classes_of(as_number(column), Form.NUMBER, holders=holders)
    return classes_of(texts(column.cast(pl.String)), Form.TEXT, holders=holders)


def _encoding(classes: Classes, by_class: Floats) -> WeightEncoding:
    """The bins of neighbours with one weight; of categories each, as they have no neighbours."""
    weights = np.round(0.0 - by_class, DIGITS) + 0.0  # A zero without a sign is stored as it is.
    ends, intervals = classes.ends, weights[: classes.ordered]
    if classes.form is not Form.TEXT:
        is_last = np.append(intervals[1:] != intervals[:-1], True)
        ends = tuple(np.asarray(ends)[is_last[:-1]].tolist())
        weights = np.concatenate([intervals[is_last], weights[classes.ordered :]])
    return WeightEncoding(
        feature=classes.feature,
        is_text=classes.form is Form.TEXT,
        ends=ends,
        codes=classes.codes,
        levels=classes.levels,
        weights=tuple(weights.tolist()),
    )


def _parts(hits: npt.NDArray[np.bool_], groups: Indexes | None, parts: int, seed: int) -> Indexes:
    """The part of each row, that of its group; each has its share of groups with the outcome."""
    of = np.arange(len(hits)) if groups is None else groups
    has_hit = np.zeros(int(of.max()) + 1, dtype=np.int64)
    has_hit[of[hits]] = 1
    part = np.empty(len(has_hit), dtype=np.int64)
    for at, fold in enumerate(folds_by_lot(has_hit, parts, np.random.default_rng(seed))):
        part[fold.unseen] = at
    return part[of]
