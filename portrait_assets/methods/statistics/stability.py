"""How far a distribution has moved from another.

Population stability index with the usual bands 0.1 and 0.25 (Siddiqi 2006, Credit Risk
Scorecards); two-sample Kolmogorov-Smirnov distance.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

PRIOR = 0.5  # Added to each bin (Krichevsky and Trofimov 1981): an empty one gives no infinity.
BINS = 10

Numbers = npt.NDArray[np.float64]


def psi(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """Population stability index between two counted samples: sum of (q - p) ln(q / p).

    0 means equal; from 0.25 on the population is usually called another one.
    """
    values = list(dict.fromkeys((*before, *after)))
    shares = []
    for counts in (before, after):
        found = np.array([counts.get(value, 0) for value in values], dtype=np.float64) + PRIOR
        shares.append(found / found.sum())
    p, q = shares
    return float(np.sum((q - p) * np.log(q / p)))


def psi_by_chance(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """What PSI stays below in 95 of 100 draws from one population.

    Chi-square over the sample sizes (Yurdakul and Naranjo 2020, Statistical properties of the
    population stability index).
    """
    bins = len(before.keys() | after.keys())
    sizes = sum(before.values()), sum(after.values())
    return float(chi2.ppf(0.95, max(bins - 1, 1))) * sum(1 / max(size, 1) for size in sizes)


def binned(before: Numbers, after: Numbers) -> tuple[dict[str, int], dict[str, int]]:
    """Both samples counted in tenths of the first; NaN, for missing, is a bin of its own."""
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    counted = []
    for values in (before, after):
        missing = int(np.isnan(values).sum())
        bins = np.searchsorted(edges, values[~np.isnan(values)], side="right")
        counts = np.bincount(bins, minlength=len(edges) + 1)
        counted.append({**{str(i): int(n) for i, n in enumerate(counts)}, "missing": missing})
    return counted[0], counted[1]


def ks(before: Numbers, after: Numbers) -> float:
    """Largest difference of the two distribution functions (Kolmogorov-Smirnov), 0 to 1."""
    one, two = np.sort(before[~np.isnan(before)]), np.sort(after[~np.isnan(after)])
    points = np.union1d(one, two)
    first = np.searchsorted(one, points, side="right") / len(one)
    second = np.searchsorted(two, points, side="right") / len(two)
    return float(np.max(np.abs(first - second)))
