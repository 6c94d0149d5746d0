"""Density clusters: HDBSCAN with every point labelled in the end.

Paper: R. Campello, D. Moulavi, J. Sander (2013), "Density-based clustering based on hierarchical
density estimates".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.cluster import HDBSCAN

from portrait_assets.clusters.nearest import nearest_rows

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]


def density_labels(
    points: FloatMatrix, smallest: int, neighbours: int = 5
) -> tuple[IntVector, float]:
    """Labels (from 0) and the share of points that no cluster claimed.

    A point that lies in no dense region gets the label of its nearest labelled point, because
    every customer needs a segment; the share says how many those were.
    """
    labels = HDBSCAN(
        min_cluster_size=smallest, min_samples=min(neighbours, len(points)), copy=True
    ).fit_predict(points)
    labels = labels.astype(np.int64)
    noise = labels < 0
    if noise.all():
        return np.zeros(len(points), dtype=np.int64), 1.0
    if noise.any():
        labels[noise] = labels[~noise][nearest_rows(points[noise], points[~noise])]
    return labels, float(noise.mean())
