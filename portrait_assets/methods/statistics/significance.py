"""Whether shares or means differ by more than chance, from one another or from a probability."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from portrait_assets.core.arrays import Floats

Counts = npt.NDArray[np.int64]

SMALLEST_EXPECTED = 5.0
"""Least expected count for which the normal distribution is used (W. Cochran)."""
_ROUNDING = 1e-14


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
    few = np.flatnonzero(differ & (smallest < SMALLEST_EXPECTED))
    if len(few):
        p_values[few] = _exact(hits[few], sizes[few], holders[few], everyone[few])
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


def _exact(hits: Counts, size: Counts, holders: Counts, everyone: Counts) -> Floats:
    """P-values of Fisher's exact test, all at once: SciPy's `fisher_exact` takes one table.

    Numbers of hits that are no likelier than those that were seen count, on both sides.
    """
    # Takes half a second to load, and profiles of large counts do without.
    from scipy.stats import hypergeom

    sides = (everyone, size, holders)
    mode = ((holders + 1) * (size + 1) / (everyone + 2)).astype(np.int64)
    seen, most = hypergeom.pmf(hits, *sides), hypergeom.pmf(mode, *sides)
    is_low = hits < mode
    own = np.where(is_low, hypergeom.cdf(hits, *sides), hypergeom.sf(hits - 1, *sides))
    # Rounding makes numbers that are equally likely differ a little.
    limit = seen * (1 + _ROUNDING)
    sign = np.where(is_low, -1.0, 1.0)
    first, last = np.where(is_low, mode, 0), np.where(is_low, holders, mode)
    place = _last_up_to(
        lambda number: sign * hypergeom.pmf(number, *sides), sign * limit, first, last
    )
    other = np.where(is_low, hypergeom.sf(place, *sides), hypergeom.cdf(place, *sides))
    is_one_sided = hypergeom.pmf(np.where(is_low, holders, 0), *sides) > limit
    p_values = np.where(is_one_sided, own, np.minimum(own + other, 1.0))
    is_likeliest = np.abs(seen - most) / np.maximum(seen, most) <= _ROUNDING
    return np.where(is_likeliest, 1.0, p_values)


def _last_up_to(
    rising: Callable[[Counts], Floats], limit: Floats, first: Counts, last: Counts
) -> Counts:
    """The last number of each range whose value is up to the limit; the one before it if none is.

    By bisection; a number whose value is the limit ends it.
    """
    is_met = np.zeros(len(first), dtype=bool)
    while (is_open := (first < last) & ~is_met).any():
        middle = first + (last - first) // 2
        value = rising(middle)
        is_below, is_above = is_open & (value < limit), is_open & (value > limit)
        is_met |= is_open & ~is_below & ~is_above
        first = np.where(is_below, middle + 1, np.where(is_open & is_met, middle, first))
        last = np.where(is_above, middle - 1, last)
    return np.where(is_met | (rising(first) <= limit), first, first - 1)
