"""Whether values on a line come from two overlapping normals rather than from one peak.

A density with one peak may be flat, sharp-edged, skewed or long-tailed, so two normals must do
better than the best of three families: the normal; the exponential power with a width and a shape
of its own on either side of its peak, which covers uniform, exponential and Laplace (M. Subbotin
1923, on either side in the manner of C. Fernández and M. Steel 1998); and the sinh-arcsinh family,
skewed and of any tail (M. Jones, A. Pewsey 2009). Two normals have five parameters, the
others two, five and four; so what they gain in likelihood needs no correction for their number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from portrait_assets.core.arrays import BoolVector, FloatVector

BINS = 200
"""Likelihoods are of counts in so many bins, so that their time does not grow with the values."""
ROUNDS = 150
"""Of expectation and maximization for two normals."""
STEPS = 400
"""Of a search for the likeliest member of a family; most end before."""
LEAST_SPREAD = 0.05
"""A normal is not narrower than this part of the spread of all: it would fit a few values."""
LARGEST = 6.0
"""Bound of the logarithms of widths and shapes."""


class Binned(NamedTuple):
    """Centres of bins, in standard deviations from the median, and how many values each has."""

    at: FloatVector
    counts: FloatVector


class TwoNormals(NamedTuple):
    """How two normals fit, in natural logarithms of likelihood.

    ``gain`` is how much likelier the values are than under the best density with one peak;
    ``separation`` the distance between the means in common standard deviations.
    """

    gain: float
    separation: float


def compare_with_one_peak(
    values: FloatVector, in_first: BoolVector, enough: float = 0.0
) -> TwoNormals:
    """Fit two normals, which start from two groups of the values, and densities with one peak.

    Args:
        values: shape (rows,), not all equal.
        in_first: which of them start in the first group.
        enough: below this gain no better density with one peak is looked for, so that a smaller
            gain is an upper bound.
    """
    spread = float(values.std())
    if not spread > 0:
        return TwoNormals(0.0, 0.0)
    scaled = (values - np.median(values)) / spread
    counts, edges = np.histogram(scaled, bins=BINS)
    binned = Binned((edges[:-1] + edges[1:]) / 2, counts.astype(np.float64))
    start = np.histogram(scaled[in_first], bins=edges)[0] / np.maximum(counts, 1)
    likelihood, separation = _two_normals(binned, start)
    gain = likelihood - _normal(binned)
    for family, first in _starts(binned):
        if gain < enough:
            break
        gain = min(gain, likelihood - _likeliest(family, first, binned))
    return TwoNormals(float(gain), separation)


def _normal(binned: Binned) -> float:
    rows = binned.counts.sum()
    mean = binned.counts @ binned.at / rows
    variance = binned.counts @ (binned.at - mean) ** 2 / rows
    return float(-rows / 2 * (np.log(2 * np.pi * variance) + 1))


def _two_normals(binned: Binned, start: FloatVector) -> tuple[float, float]:
    """Log-likelihood of two normals, and the distance between their means."""
    at, counts = binned
    share = 0.05 + 0.9 * start
    logs = np.zeros((2, len(at)))
    for _ in range(ROUNDS):
        weights = counts * np.stack([share, 1 - share])
        sizes = weights.sum(axis=1)
        means = weights @ at / sizes
        variances = (weights * (at - means[:, None]) ** 2).sum(axis=1) / sizes
        variances = np.maximum(variances, LEAST_SPREAD**2)
        logs = np.log(sizes / sizes.sum() / np.sqrt(2 * np.pi * variances))[:, None]
        logs = logs - (at - means[:, None]) ** 2 / (2 * variances[:, None])
        share = 1 / (1 + np.exp(np.clip(logs[1] - logs[0], -500, 500)))
    distance = abs(float(means[0] - means[1])) / float(np.sqrt(variances.mean()))
    return float(counts @ np.logaddexp(logs[0], logs[1])), distance


Family = Callable[[FloatVector, Binned], float]


def _exponential_power(parameters: FloatVector, binned: Binned) -> float:
    """Peak, and the logarithms of both widths and of both shapes."""
    widths, shapes = np.exp(parameters[1:3]), np.exp(parameters[3:5])
    side = (binned.at > parameters[0]).astype(np.int64)
    away = np.abs(binned.at - parameters[0]) / widths[side]
    area = float(widths @ np.exp(gammaln(1 + 1 / shapes)))
    return float(-binned.counts @ away ** shapes[side] - binned.counts.sum() * np.log(area))


def _sinh_arcsinh(parameters: FloatVector, binned: Binned) -> float:
    """Location, logarithm of the scale, skewness, and logarithm of the weight of the tails."""
    scale, tails = np.exp(parameters[1]), np.exp(parameters[3])
    z = (binned.at - parameters[0]) / scale
    bent = tails * np.arcsinh(z) - parameters[2]
    logs = np.log(tails / scale * np.cosh(bent)) - np.log1p(z * z) / 2 - np.sinh(bent) ** 2 / 2
    return float(binned.counts @ (logs - np.log(2 * np.pi) / 2))


def _starts(binned: Binned) -> list[tuple[Family, list[float]]]:
    """Where the searches start: normal, flat, nearly normal, and steep on either side."""
    shares = np.cumsum(binned.counts) / binned.counts.sum()
    low, high = (float(binned.at[np.searchsorted(shares, share)]) for share in (0.1, 0.9))
    narrow, wide, steep, even = np.log(0.3), np.log(1.5), np.log(1.5), np.log(1.2)
    return [
        (_sinh_arcsinh, [0.0, 0.0, 0.0, 0.0]),
        (_exponential_power, [0.0, *[np.log(1.7)] * 2, *[np.log(4.0)] * 2]),
        (_exponential_power, [0.0, *[np.log(1.3)] * 2, *[np.log(1.6)] * 2]),
        (_exponential_power, [low, narrow, wide, steep, even]),
        (_exponential_power, [high, wide, narrow, even, steep]),
    ]


def _likeliest(family: Family, start: list[float], binned: Binned) -> float:
    """The largest log-likelihood of a family that a search from a start finds."""

    def cost(parameters: FloatVector) -> float:
        if np.abs(parameters[1:]).max() > LARGEST:
            return 1e12
        with np.errstate(over="ignore", invalid="ignore"):
            found = family(parameters, binned)
        return -found if np.isfinite(found) else 1e12

    options = {"maxiter": STEPS, "maxfev": STEPS, "fatol": 0.05, "xatol": 1e-3}
    return -float(minimize(cost, start, method="Nelder-Mead", options=options).fun)
