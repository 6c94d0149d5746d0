"""Micro-clusters: about a thousand weighted centres that stand for all customers.

Paper: T. Zhang, R. Ramakrishnan, M. Livny (1996), "BIRCH: an efficient data clustering method for
very large databases" (the two-step idea; here the centres are placed by k-means).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from portrait_assets.core.arrays import FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows

CENTRES = 1_000
BATCH_ROWS = 8_192


class MicroClusters(NamedTuple):
    """Centres, shape (centres, dims), how many points each stands for, and each point's centre."""

    centres: FloatMatrix
    sizes: FloatVector
    members: IntVector


def micro_clusters(points: FloatMatrix, count: int = CENTRES, seed: int = 0) -> MicroClusters:
    """Centres of at most ``count`` micro-clusters; centres that no point is nearest to are gone."""
    if len(points) <= count:
        return MicroClusters(points.copy(), np.ones(len(points)), np.arange(len(points)))
    model = MiniBatchKMeans(
        count,
        random_state=seed,
        batch_size=BATCH_ROWS,
        n_init=1,
        max_iter=20,
        init=points[:count],
        reassignment_ratio=0.0,
    ).fit(points)
    centres = model.cluster_centers_.astype(np.float64)
    used, members = np.unique(nearest_rows(points, centres), return_inverse=True)
    sizes = np.bincount(members).astype(np.float64)
    return MicroClusters(centres[used], sizes, members.astype(np.int64))
