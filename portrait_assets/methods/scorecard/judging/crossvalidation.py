"""A card judged on rows that it was not fitted to, beside boosted trees on the same columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.scorecard.fitting.fit import Places, check_outcome, fit_known
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.scorecard.judging.trees import matrix_of, trees
from portrait_assets.methods.statistics.discrimination.roc import auc_gain, auc_intervals
from portrait_assets.methods.statistics.discrimination.scores import Counts, brier, resampled
from portrait_assets.methods.statistics.resampling import GROUPS, Interval, interval

Bads = npt.NDArray[np.bool_]

FOLDS = 5
MOST_JUDGED = 100_000
"""So many known rows at most are judged, drawn at random."""
_BUCKETS = 500


@dataclass(frozen=True)
class Measures:
    """How well probabilities separate good from bad, each with its 95 % interval.

    `auc` has the interval of E. DeLong and others (1988); `ks` is the largest difference of the
    distributions of good and bad over the scores, and `brier` the mean squared error, with
    percentiles of a bootstrap.
    """

    auc: Interval
    ks: Interval
    brier: Interval


@dataclass(frozen=True)
class Judged:
    """The card, boosted trees and the base rate on rows that they were not fitted to.

    `gain` is the AUC of the trees less that of the card. `known` are the places of the judged rows
    in the table, `score` and `probability` what cards that were fitted without them give.
    """

    card: Measures
    trees: Measures
    gain: Interval
    base_rate_brier: float
    known: Places
    score: npt.NDArray[np.int64]
    probability: Floats
    bads: Bads


def cross_validate(frame: pl.DataFrame, outcome: Floats, rules: CardRules) -> Judged:
    """Fit cards and trees on four fifths of the known rows at a time, and judge the other fifth.

    Everything is fitted anew each time: classes, bins, which columns are kept, points.

    Args:
        frame: the columns that may be inputs of both (`Fitted.inputs`).
        outcome: 0 or 1 of each row, NaN where it is not known.
        rules: how cards are fitted.

    Raises:
        ScorecardError: when the outcome has one value only, or too few rows of one.
    """
    known = np.flatnonzero(~np.isnan(outcome))
    rng = np.random.default_rng(rules.seed)
    known = np.sort(rng.permutation(known)[:MOST_JUDGED])
    table, bads = frame[known], outcome[known] == 1
    check_outcome(bads)
    folds = _folds(bads, rng)
    matrix, are_text = matrix_of(table)
    score = np.zeros(len(bads), dtype=np.int64)
    probability, boosted = np.zeros(len(bads)), np.zeros(len(bads))
    for fold in range(FOLDS):
        here = folds == fold
        of_card = fit_known(table.filter(pl.Series(~here)), bads[~here], rules).card
        score[here] = of_card.points(table.filter(pl.Series(here)))
        probability[here] = of_card.probability(score[here])
        boosted[here] = trees(matrix[~here], are_text, bads[~here], matrix[here], rules.seed)
    groups = rng.permutation(np.arange(len(bads)) % GROUPS)
    cells = [_cells(each, bads, groups) for each in (probability, boosted)]
    return Judged(
        card=_measures(cells[0]),
        trees=_measures(cells[1]),
        gain=auc_gain(cells[1][:2], cells[0][:2]),
        base_rate_brier=float(bads.mean() * (1 - bads.mean())),
        known=known,
        score=score,
        probability=probability,
        bads=bads,
    )


def ks(counts: Counts) -> Floats:
    """Largest difference of the distributions of hits and others over the scores, 0 to 1."""
    others = counts.customers - counts.hits
    reached = [
        np.cumsum(each, axis=1) / np.maximum(each.sum(axis=1, keepdims=True), 1)
        for each in (counts.hits, others)
    ]
    return np.asarray(np.abs(reached[0] - reached[1]).max(axis=1))


def _folds(bads: Bads, rng: np.random.Generator) -> Places:
    folds = np.empty(len(bads), dtype=np.int64)
    for rows in (np.flatnonzero(bads), np.flatnonzero(~bads)):
        folds[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return folds


def _cells(probability: Floats, bads: Bads, groups: Places) -> Floats:
    """Rows, bad rows and sums of probabilities by group and bucket, in the order of `Counts`."""
    ends = np.unique(np.quantile(probability, np.linspace(0, 1, _BUCKETS + 1)[1:-1]))
    at = np.searchsorted(ends, probability, side="left")
    width = len(ends) + 1
    flat = groups * width + at
    summed = (
        np.ones(len(bads)),
        bads.astype(np.float64),
        np.zeros(len(bads)),
        *(probability, probability**2, probability * bads),
    )
    return np.stack(
        [
            np.bincount(flat, weights=each, minlength=GROUPS * width).reshape(GROUPS, width)
            for each in summed
        ]
    )


def _measures(cells: Floats) -> Measures:
    counts = resampled(cells)
    total = cells.sum(axis=1)
    area = auc_intervals(total[1][None], (total[0] - total[1])[None])
    value, low, high = (float(each[0]) for each in area)
    # One score for all is no order, which separates as well as chance.
    auc = Interval(0.5, 0.5, 0.5) if np.isnan(low) else Interval(value, low, high)
    return Measures(auc=auc, ks=interval(ks(counts)), brier=interval(brier(counts)))
