"""Trends: by how much a series rises or falls a month, robustly, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.statistics.intervals import Z95
from portrait_assets.methods.statistics.significance import two_sided

LEAST_MONTHS = 8
"""With fewer the interval is that of hardly any order of the months."""
MOST_ALIKE = 0.95
"""Correlation of a month with the one before that is believed at most."""


@dataclass(frozen=True)
class Trend:
    """Change a month, in the unit of the values, with its 95 % interval."""

    slope: float
    low: float
    high: float
    p_value: float
    months: int


def trend_of(values: Floats) -> Trend | None:
    """The trend of a series of months; None of fewer than `LEAST_MONTHS`.

    The median of the slopes between all pairs (H. Theil 1950, "A rank-invariant method of linear
    and polynomial regression analysis"), which an odd month does not move. Its interval and test
    are those of P. Sen (1968), "Estimates of the regression coefficient based on Kendall's tau",
    with the variance of S. Yue, C. Wang (2004), "The Mann-Kendall test modified by effective sample
    size to detect trend in serially correlated hydrological series", where months resemble those
    before them.

    Args:
        values: a month each, without a gap, less their seasons where they have some.
    """
    count = len(values)
    if count < LEAST_MONTHS:
        return None
    first, second = np.triu_indices(count, 1)
    rises = values[second] - values[first]
    slopes = np.sort(rises / (second - first))
    slope = float(np.median(slopes))
    score = float(np.sign(rises).sum())
    error = float(np.sqrt(_variance(values) * _inflation(values - slope * np.arange(count))))
    if error == 0:
        return Trend(slope, slope, slope, 1.0, count)
    pairs = len(slopes)
    half = Z95 * error
    low = slopes[max(int(np.floor((pairs - half) / 2)), 0)]
    high = slopes[min(int(np.ceil((pairs + half) / 2)), pairs - 1)]
    z = np.array([np.sign(score) * max(abs(score) - 1, 0) / error])
    return Trend(slope, float(low), float(high), float(two_sided(z)[0]), count)


def _variance(values: Floats) -> float:
    """Of Kendall's score where the months have no order, with ties (M. Kendall 1975)."""
    count = len(values)
    ties = np.unique(values, return_counts=True)[1]
    sizes = np.append(ties, 0)
    tied = (sizes * (sizes - 1) * (2 * sizes + 5)).sum()
    return float((count * (count - 1) * (2 * count + 5) - tied) / 18)


def _inflation(residuals: Floats) -> float:
    """By how much the score varies more where months resemble those before them; at least 1.

    As of a process in which each month's rank depends on the one before. That correlation comes out
    too small of a few months of which a line was taken off, and is corrected for it (F. Marriott,
    J. Pope 1954, "Bias in the estimation of autocorrelations").
    """
    count = len(residuals)
    ranks = rankdata(residuals)
    ranks = ranks - ranks.mean()
    squares = float((ranks**2).sum())
    if squares == 0:
        return 1.0
    found = float((ranks[1:] * ranks[:-1]).sum()) / squares
    lagged = min((found + 2 / count) / (1 - 4 / count), MOST_ALIKE)
    if lagged <= 0:
        return 1.0
    lags = np.arange(1, count)
    return 1 + 2 * float(((1 - lags / count) * lagged**lags).sum())
