"""Whether shares or means differ by more than chance, from one another or from a probability."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

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


def expected_p_value(hits: Counts, sizes: Counts, probabilities: Floats) -> float:
    """P-value that hits come of the mean probabilities that were stated of groups of rows.

    The chi-square of D. Hosmer, S. Lemeshow (1980), "Goodness of fit tests for the multiple
    logistic regression model", of rows that nothing was fitted to: with as many degrees of freedom
    as groups. A group with fewer than `SMALLEST_EXPECTED` of either kind expected goes with the
    next one. NaN where all groups together have fewer.

    Args:
        hits: by group, in the order in which groups are joined.
        sizes: rows by group, each more than 0.
        probabilities: the mean of each group.
    """
    chi_square, groups = 0.0, 0
    counts = np.stack([hits, sizes, probabilities * sizes]).astype(np.float64)
    waiting = np.zeros(3)
    for place, own in enumerate(counts.T):
        waiting = waiting + own
        # What is left over behind goes with this one.
        rest = counts[:, place + 1 :].sum(axis=1)
        if _is_enough(waiting) and (_is_enough(rest) or not rest[1]):
            chi_square += _distance(waiting)
            groups += 1
            waiting = np.zeros(3)
    return float(chdtrc(groups, chi_square)) if groups else float("nan")


def _is_enough(counts: Floats) -> bool:
    _, size, expected = counts
    return bool(min(expected, size - expected) >= SMALLEST_EXPECTED)


def _distance(counts: Floats) -> float:
    hits, size, expected = counts
    return float((hits - expected) ** 2 / (expected * (1 - expected / size)))


def _exact(hits: int, size: int, other_hits: int, other_size: int) -> float:
    # Takes half a second to load, and profiles of large counts do without.
    from scipy.stats import fisher_exact

    table = [[hits, size - hits], [other_hits, other_size - other_hits]]
    return float(fisher_exact(table).pvalue)
