"""By how much one score of the same things exceeds another, with its interval.

Of single rows; of counts by group, see `roc.auc_gain`. SciPy and scikit-learn have no interval of
a difference of two areas.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.statistics.discrimination.roc import auc_intervals
from portrait_assets.methods.statistics.resampling import Interval


def auc(score: Floats, happened: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counted half; NaN without one of either kind."""
    hits = int(happened.sum())
    others = len(happened) - hits
    if not hits or not others:
        return float("nan")
    others_below, _ = _below(score, happened)
    return float(others_below[happened].sum() / (hits * others))


def auc_interval(score: Floats, happened: npt.NDArray[np.bool_]) -> Interval:
    """The area with its 95 % interval (`roc.auc_intervals`); NaN where it is not defined."""
    values, places = np.unique(score, return_inverse=True)
    count = max(len(values), 1)
    counts = [
        np.bincount(places[kind], minlength=count).astype(np.float64)[None]
        for kind in (happened, ~happened)
    ]
    area, low, high = (float(ends[0]) for ends in auc_intervals(counts[0], counts[1]))
    return Interval(area, low, high)


def auc_gain(
    score: Floats,
    other: Floats,
    happened: npt.NDArray[np.bool_],
    groups: Indexes | None = None,
) -> Interval:
    """By how much the area of a score exceeds that of another of the same rows.

    E. DeLong, D. DeLong, D. Clarke-Pearson (1988), "Comparing the areas under two or more
    correlated receiver operating characteristic curves". Where rows of one group are not
    independent, as several months of one customer, the groups' sums are what varies
    (N. Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data").

    Args:
        score: shape (rows,).
        other: the score that it is compared with.
        happened: the outcome.
        groups: numbers from 0 of what is independent; every row when None.
    """
    areas, influences = zip(*(_influences(each, happened) for each in (score, other)), strict=True)
    return _interval(areas[0] - areas[1], influences[0] - influences[1], groups)


def mean_gain(losses: Floats, other: Floats, groups: Indexes | None = None) -> Interval:
    """By how much the mean loss of a score is below that of another of the same rows.

    The paired t interval (W. Gosset 1908, "The probable error of a mean"); arguments as of
    `auc_gain`.
    """
    differences = other - losses
    mean = float(differences.mean())
    return _interval(mean, (differences - mean) / len(differences), groups)


def _influences(score: Floats, happened: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """The area, and by how much each row moves it; the sum of squares is its variance."""
    hits = int(happened.sum())
    others = len(happened) - hits
    others_below, hits_below = _below(score, happened)
    placed = np.where(happened, others_below / others, 1 - hits_below / hits)
    area = float(placed[happened].mean())
    size = np.where(happened, hits, others)
    return area, (placed - area) / np.sqrt(size * np.maximum(size - 1, 1))


def _below(score: Floats, happened: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """How many of the others, and of the hits, have a lower score than each row, equal ones half.

    NaN where any score is. A fifth of the time of ranks by SciPy, which sorts stably.
    """
    if np.isnan(score).any():
        unknown = np.full(len(score), np.nan)
        return unknown, unknown
    values, at = np.unique(score, return_inverse=True)
    counts = (np.bincount(at[kind], minlength=len(values)) for kind in (~happened, happened))
    others, hits = ((np.cumsum(count) - count / 2)[at] for count in counts)
    return others, hits


def _interval(gain: float, influences: Floats, groups: Indexes | None) -> Interval:
    sums = influences if groups is None else np.bincount(groups, weights=influences)
    count = len(sums) if groups is None else len(np.unique(groups))
    error = float(np.sqrt((sums**2).sum() * count / max(count - 1, 1)))
    half = float(stdtrit(max(count - 1, 1), 0.975)) * error
    return Interval(gain, gain - half, gain + half)
