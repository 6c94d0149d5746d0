"""Whether two shares or means differ by more than chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

SMALLEST_EXPECTED = 5.0
"""Least expected count for which the normal distribution is used (W. Cochran)."""


def two_sided(z: Floats) -> Floats:
    """Two-sided p-values of standard normal statistics; NaN stays NaN."""
    p_values: Floats = 2 * ndtr(-np.abs(z))
    return p_values


def two_proportions(
    hits: Counts, size: Counts | int, other_hits: Counts, other_size: Counts | int
) -> Floats:
    """Two-sided p-values that hits / size and other_hits / other_size are the same share.

    The z test with pooled variance; Fisher's exact test (R. Fisher 1922, "On the interpretation
    of chi-square from contingency tables") where one of the four expected counts is below
    `SMALLEST_EXPECTED`. NaN where one side is empty, everyone agrees, or hits exceed their size.
    Sizes are of each pair, or the same for all.
    """
    sizes = np.broadcast_to(np.asarray(size), hits.shape)
    other_sizes = np.broadcast_to(np.asarray(other_size), hits.shape)
    everyone = sizes + other_sizes
    holders = hits + other_hits
    p_values = np.full(len(hits), np.nan)
    differ = (sizes > 0) & (other_sizes > 0) & (holders > 0) & (holders < everyone)
    differ &= (hits <= sizes) & (other_hits <= other_sizes)
    with np.errstate(invalid="ignore", divide="ignore"):
        smallest = (
            np.minimum(holders, everyone - holders) * np.minimum(sizes, other_sizes) / everyone
        )
        pooled = holders / everyone
        variance = pooled * (1 - pooled) * (1 / sizes + 1 / other_sizes)
        z = (hits / sizes - other_hits / other_sizes) / np.sqrt(variance)
    p_values[differ] = two_sided(z[differ])
    for at in np.flatnonzero(differ & (smallest < SMALLEST_EXPECTED)):
        own, other = int(sizes[at]), int(other_sizes[at])
        p_values[at] = _exact(int(hits[at]), own, int(other_hits[at]), other)
    return p_values


def _exact(hits: int, size: int, other_hits: int, other_size: int) -> float:
    # Takes half a second to load, and profiles of large counts do without.
    from scipy.stats import fisher_exact

    table = [[hits, size - hits], [other_hits, other_size - other_hits]]
    return float(fisher_exact(table).pvalue)
