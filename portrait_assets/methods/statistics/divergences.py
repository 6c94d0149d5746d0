"""How far two distributions lie apart, and how much two codings tell of each other.

Population stability index with the usual bands 0.1 and 0.25 (Siddiqi 2006, Credit Risk
Scorecards); two-sample Kolmogorov-Smirnov distance; mutual information over the larger entropy
(Kvalseth 1987); the interval of a rate after Wilson (1927).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

PRIOR = 0.5  # Added to each bin (Krichevsky and Trofimov 1981): an empty one gives no infinity.
BINS = 10
Z95 = 1.959964

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


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


def shared_information(codings: Sequence[Codes]) -> Numbers:
    """Mutual information of each pair of codings (0, 1, ...) over the larger of their entropies.

    0 when they are independent, and 1 only when each decides the other; 0 on a pair with a coding
    of one value. All pairs come from one product of the indicator matrix with itself.
    """
    rows = len(codings[0])
    widths = [int(codes.max()) + 1 for codes in codings]
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)
    indicators = np.zeros((rows, sum(widths)), dtype=np.float32)
    for start, codes in zip(starts, codings, strict=True):
        indicators[np.arange(rows), start + codes] = 1
    joint = (indicators.T @ indicators).astype(np.float64) / rows
    terms = np.where(joint > 0, -joint * np.log(np.where(joint > 0, joint, 1)), 0)
    together = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1)
    alone = np.add.reduceat(np.diagonal(terms), starts)
    larger = np.maximum(alone[:, None], alone[None, :])
    mutual = alone[:, None] + alone[None, :] - together
    shared: Numbers = np.clip(mutual / np.where(larger > 1e-9, larger, np.inf), 0, 1)
    return shared


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate after Wilson (1927): (low, high), within 0 and 1."""
    rate, z2 = hits / n, Z95**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)
