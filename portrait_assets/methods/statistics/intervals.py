"""Intervals that a rate lies in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from portrait_assets.core.arrays import Floats

Counts = npt.NDArray[np.int64]

Z95 = 1.959964
"""The 97.5 % point of the normal distribution; the sixth digit is what stored intervals rest on."""


def wilson(hits: Counts, sizes: Counts) -> tuple[Floats, Floats]:
    """95 % score intervals of the rates hits / sizes: low and high ends, within 0 and 1.

    E. Wilson (1927), "Probable inference, the law of succession, and statistical inference". NaN
    where a size is 0. SciPy's `binomtest(...).proportion_ci("wilson")` gives one interval at a
    time, and only after an exact test of the same counts.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        rates, z2 = hits / sizes, Z95**2
        scale = 1 + z2 / sizes
        centres = (rates + z2 / (2 * sizes)) / scale
        halves = Z95 * np.sqrt(rates * (1 - rates) / sizes + z2 / (4 * sizes * sizes)) / scale
    return np.maximum(centres - halves, 0.0), np.minimum(centres + halves, 1.0)


def newcombe(
    hits: Counts, sizes: Counts, other_hits: Counts, other_sizes: Counts
) -> tuple[Floats, Floats]:
    """95 % intervals of the differences hits / sizes - other_hits / other_sizes.

    The hybrid score interval without continuity correction: R. Newcombe (1998), "Interval
    estimation for the difference between independent proportions", method 10. NaN where a size
    is 0.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        one, other = hits / sizes, other_hits / other_sizes
    (low, high), (other_low, other_high) = wilson(hits, sizes), wilson(other_hits, other_sizes)
    below = np.sqrt((one - low) ** 2 + (other_high - other) ** 2)
    above = np.sqrt((high - one) ** 2 + (other - other_low) ** 2)
    return one - other - below, one - other + above


def exact(hits: Counts, sizes: Counts, intervals: int = 1) -> tuple[Floats, Floats]:
    """Intervals that hold all of so many rates hits / sizes together in 95 of 100 cases.

    The exact interval of C. Clopper, E. Pearson (1934), "The use of confidence or fiducial limits
    illustrated in the case of the binomial", at the level of O. Dunn (1961), "Multiple comparisons
    among means": whichever of the rates is picked afterwards, its interval holds. NaN where a size
    is 0.
    """
    tail = 0.025 / max(intervals, 1)
    with np.errstate(invalid="ignore"):
        low = np.where(hits > 0, betaincinv(hits, sizes - hits + 1, tail), 0.0)
        high = np.where(hits < sizes, betaincinv(hits + 1, sizes - hits, 1 - tail), 1.0)
    empty = sizes == 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)
