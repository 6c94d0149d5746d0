"""Weighted k-means with restarts.

Paper: S. Lloyd (1982), "Least squares quantization in PCM"; seeding by D. Arthur and
S. Vassilvitskii (2007), "k-means++: the advantages of careful seeding".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from portrait_assets.core.arrays import FloatMatrix, FloatVector, IntVector
from portrait_assets.core.machine.threads import in_threads

Sample = TypeVar("Sample")
Fitted = TypeVar("Fitted")


def kmeans_labels(
    points: FloatMatrix,
    k: int,
    *,
    weights: FloatVector | None = None,
    restarts: int = 10,
    seed: int = 0,
) -> IntVector:
    """Labels (from 0) of the restart with the least weighted inertia, shape (rows,)."""
    labels: IntVector = _fit(points, k, weights, restarts, seed).labels_.astype(np.int64)
    return labels


def kmeans_centres(
    points: FloatMatrix,
    k: int,
    *,
    restarts: int = 10,
    seed: int = 0,
    start: FloatMatrix | None = None,
) -> FloatMatrix:
    """Centres of the best restart, or from given starting centres, shape (k, dims)."""
    centres: FloatMatrix = _fit(points, k, None, restarts, seed, start).cluster_centers_
    return centres


def inertia(points: FloatMatrix, centres: FloatMatrix, labels: IntVector) -> float:
    """Sum of squared distances of the points to the centres that they are labelled with."""
    return float(((points - centres[labels]) ** 2).sum())


def fit_several(fit: Callable[[Sample], Fitted], samples: Iterable[Sample]) -> list[Fitted]:
    """What a fit gives of each sample, in their order, by several threads.

    Which warnings are shown is one for all threads: none of those that fits expect is, until all
    have ended.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return list(in_threads(fit, samples))


def _fit(
    points: FloatMatrix,
    k: int,
    weights: FloatVector | None,
    restarts: int,
    seed: int,
    start: FloatMatrix | None = None,
) -> KMeans:
    init = "k-means++" if start is None else start
    model = KMeans(
        n_clusters=k,
        init=init,
        n_init=restarts if start is None else 1,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # Fewer distinct points than k is an answer here (fewer clusters), not a surprise.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points, sample_weight=weights)
    return model
