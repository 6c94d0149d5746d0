"""Whether data support a number of segments: refits agree, and gaps lie between neighbours."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.algorithms.kmeans import fit_several, kmeans_centres
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows, squared_distances

RESTARTS = 10
"""Of a refit to a bootstrap sample."""
RESTARTS_OF_FIT = 30
"""Of the fit itself: of ten restarts the best is now and then a poor optimum."""
SAMPLES = 4
"""Bootstrap samples whose refits are compared, each with each."""
AGREE_AT = 0.8
"""Refits agree at this adjusted Rand index or better."""
GAP_AT = 0.5
"""A valley between two segments is half as dense as the lower of them at most."""
NEIGHBOURS = 3
BINS = 15
"""Of the line through two centres, from a quarter before the one to a quarter past the other."""
FEWEST = 30
"""Customers of a pair below which nothing is seen of a valley."""
SURE = 2.0
"""So many standard errors of its count may be missing from a valley by chance."""


class Support(NamedTuple):
    """What speaks for a number of segments.

    `agreement` is the mean adjusted Rand index of refits to bootstrap samples, 1 for the same;
    `gaps` are by segment the depth of the shallowest valley to its nearest segments: 0 where
    there is none, 1 where nobody is between them.
    """

    agreement: float
    gaps: tuple[float, ...]

    @property
    def gap(self) -> float:
        """The depth of the shallowest valley between any two neighbouring segments."""
        return float(min(self.gaps, default=1.0))

    @property
    def depth(self) -> float:
        """Between the shallowest valley and the mean of all segments' shallowest ones."""
        return float((self.gap + sum(self.gaps) / max(1, len(self.gaps))) / 2)

    @property
    def is_found(self) -> bool:
        """Whether the segments are there: refits agree and a gap is between any two."""
        return bool(self.agreement >= AGREE_AT and self.gap >= GAP_AT)


def centres_of(points: FloatMatrix, k: int, seed: int = 0) -> FloatMatrix:
    """Centres of k segments, the largest first, shape (k, dims); k-means with restarts."""
    centres = kmeans_centres(points, k, restarts=RESTARTS_OF_FIT, seed=seed)
    sizes = np.bincount(nearest_rows(points, centres), minlength=len(centres))
    return centres[np.lexsort((centres[:, 0], -sizes))] if centres.shape[1] else centres


def refits_agree(points: FloatMatrix, k: int, seed: int = 0) -> float:
    """The mean adjusted Rand index of refits of so many segments to bootstrap samples.

    U. von Luxburg (2010), "Clustering stability: an overview".
    """
    if k < 2:
        return 1.0
    rng = np.random.default_rng(seed)

    def refit(drawn: tuple[int, FloatMatrix]) -> IntVector:
        number, sample = drawn
        own = kmeans_centres(sample, k, restarts=RESTARTS, seed=seed + number)
        return nearest_rows(points, own)

    samples = (points[np.sort(rng.integers(0, len(points), len(points)))] for _ in range(SAMPLES))
    refits = fit_several(refit, enumerate(samples))
    agreed = [adjusted_rand_score(a, b) for a, b in combinations(refits, 2)]
    return round(float(np.mean(agreed)), 6)


def depth(points: FloatMatrix, labels: IntVector) -> float:
    """`Support.depth` of labelled points, whose centres are their means."""
    found = np.unique(labels)
    centres = np.array([points[labels == each].mean(axis=0) for each in found])
    gaps = density_gaps(points, np.searchsorted(found, labels), centres)
    return round(Support(1.0, tuple(gaps)).depth, 6)


def density_gaps(points: FloatMatrix, labels: IntVector, centres: FloatMatrix) -> list[float]:
    """By segment the depth of the shallowest valley to one of its nearest segments.

    Of each pair the customers are looked at along the line through the two centres: the valley is
    the least filled part between them, its depth the share by which that is surely less filled
    than the lower of the two peaks beside it. 1 for a single segment.
    """
    k = len(centres)
    if k < 2:
        return [1.0] * k
    apart = squared_distances(centres, centres)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1, kind="stable")[:, : min(NEIGHBOURS, k - 1)]
    pairs = {(min(i, int(j)), max(i, int(j))) for i in range(k) for j in near[i]}
    depths = {pair: _valley(points, labels, centres, *pair) for pair in sorted(pairs)}
    return [min(round(d, 6) for pair, d in depths.items() if i in pair) for i in range(k)]


def _valley(points: FloatMatrix, labels: IntVector, centres: FloatMatrix, i: int, j: int) -> float:
    line = centres[j] - centres[i]
    length = float((line**2).sum())
    own = points[(labels == i) | (labels == j)]
    if length == 0 or len(own) < FEWEST:
        return 0.0
    along = (own - centres[i]) @ line / length
    counts = np.histogram(along, bins=BINS, range=(-0.25, 1.25))[0].astype(float)
    # Neighbouring bins are joined, and so many more may by chance be missing from the valley.
    joined = np.convolve(counts, np.ones(3), mode="same")
    middle = slice(BINS * 2 // 5, BINS * 3 // 5)
    found = float(joined[middle].min())
    valley = found + SURE * np.sqrt(found + 1)
    lower = min(joined[: middle.start].max(), joined[middle.stop :].max())
    return float(max(0.0, 1 - valley / lower)) if lower > 0 else 0.0
