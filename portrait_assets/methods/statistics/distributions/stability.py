"""How far a distribution has moved from a reference, and how far it would by chance.

Measures are expressions over bins, so that one frame holds as many comparisons as it has groups.
SciPy's `ks_2samp` and `chi2_contingency` make one comparison at a time, the first of the samples
themselves, with a p-value that takes longest and warns where values repeat.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import chi2

from portrait_assets.core.arrays import Floats

Sizes = npt.ArrayLike

MODERATE_SHIFT, STRONG_SHIFT = 0.1, 0.25
"""The usual bands of PSI (N. Siddiqi 2006, Credit Risk Scorecards): moved, and another one."""
PSEUDO_COUNT = 0.5
"""Added to each bin of a sample (R. Krichevsky, V. Trofimov 1981, "The performance of universal
encoding"): that a bin was not drawn does not prove that it is empty."""


def smoothed_shares(counts: pl.Expr) -> pl.Expr:
    """Shares of a population by bin, estimated from the counts of a sample; none is 0."""
    return (counts + PSEUDO_COUNT) / (counts.sum() + PSEUDO_COUNT * pl.len())


def psi(reference: pl.Expr, current: pl.Expr, floor: float = 0.0) -> pl.Expr:
    """Population stability index: the sum over the bins of (q - p) ln(q / p), 0 where equal.

    The symmetric divergence of S. Kullback and R. Leibler (1951), in credit scoring since
    E. Lewis (1994), An Introduction to Credit Scoring.

    Args:
        reference: shares p by bin.
        current: shares q by bin.
        floor: smaller shares count as this much, so that an empty bin gives no infinity: for
            shares that are known without their counts. Those of counts are `smoothed_shares`,
            of which none is 0.
    """
    p, q = (shares.clip(lower_bound=floor) for shares in (reference, current))
    return ((q - p) * (q / p).log()).sum()


def psi_expected(bins: Sizes, reference: Sizes, current: Sizes) -> Floats:
    """PSI to expect of two samples, of these sizes, from one population; see `psi_by_chance`."""
    return (np.asarray(bins) - 1) * _noise(reference, current)


def psi_by_chance(bins: Sizes, reference: Sizes, current: Sizes) -> Floats:
    """What PSI stays below in 95 of 100 pairs of samples, of these sizes, from one population.

    Chi-square times the sum of the sizes' reciprocals (B. Yurdakul, J. Naranjo 2020, "Statistical
    properties of the population stability index").
    """
    freedom = np.maximum(np.asarray(bins) - 1, 1)
    return np.asarray(chi2.ppf(0.95, freedom) * _noise(reference, current))


def _noise(reference: Sizes, current: Sizes) -> Floats:
    return 1 / np.maximum(reference, 1) + 1 / np.maximum(current, 1)


def ks(reference: pl.Expr, current: pl.Expr) -> pl.Expr:
    """Largest difference of two distribution functions, 0 to 1, from counts in the order of values.

    The two-sample distance of N. Smirnov (1939), after A. Kolmogorov. Exact with a bin for every
    value, and otherwise too small by what happens within the bins; NaN where one side is empty.
    """
    reached = [counts.cum_sum() / counts.sum() for counts in (reference, current)]
    return (reached[1] - reached[0]).abs().max()


def chi_square(reference: pl.Expr, current: pl.Expr) -> pl.Expr:
    """Statistic of Pearson's (1900) test that two samples, counted by bin, are of one population.

    It has one degree of freedom less than bins; no bin may be empty in both.
    """
    both = reference + current
    parts = []
    for observed in (current, reference):
        expected = both * observed.sum() / both.sum()
        parts.append(((observed - expected) ** 2 / expected).sum())
    return parts[0] + parts[1]
