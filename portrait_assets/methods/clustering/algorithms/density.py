"""Density clusters: HDBSCAN and DBSCAN, with every point labelled in the end.

A point that lies in no dense region gets the label of its nearest labelled point, because every
customer needs a segment.

Papers: R. Campello, D. Moulavi, J. Sander (2013), "Density-based clustering based on hierarchical
density estimates"; M. Ester, H.-P. Kriegel, J. Sander, X. Xu (1996), "A density-based algorithm
for discovering clusters in large spatial databases with noise".
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.neighbors import NearestNeighbors

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows

NEIGHBOURS = 5
"""A point with so many points within reach, itself among them, lies in a dense region."""


def density_labels(points: FloatMatrix, smallest: int) -> tuple[IntVector, float]:
    """HDBSCAN's labels (from 0) for clusters of at least ``smallest`` points.

    With them comes the share of points that no cluster claimed.
    """
    found = HDBSCAN(
        min_cluster_size=smallest, min_samples=min(NEIGHBOURS, len(points)), copy=True
    ).fit_predict(points)
    return _everyone(points, found.astype(np.int64))


def dbscan_labels(points: FloatMatrix, dense_share: float) -> tuple[IntVector, float]:
    """DBSCAN's labels (from 0), with the reach at which so many points lie in dense regions.

    That is the quantile of the distance to the neighbour that makes a region dense, as read off
    the sorted distances in the paper. With the labels comes the share that no cluster claimed.
    """
    neighbours = min(NEIGHBOURS, len(points))
    away, _ = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors(points)
    reach = float(np.quantile(away[:, -1], dense_share))
    if reach <= 0:
        return np.zeros(len(points), dtype=np.int64), 0.0
    found = DBSCAN(eps=reach, min_samples=neighbours).fit_predict(points)
    return _everyone(points, found.astype(np.int64))


def _everyone(points: FloatMatrix, labels: IntVector) -> tuple[IntVector, float]:
    noise = labels < 0
    if noise.all():
        return np.zeros(len(points), dtype=np.int64), 1.0
    if noise.any():
        labels[noise] = labels[~noise][nearest_rows(points[noise], points[~noise])]
    return labels, float(noise.mean())
