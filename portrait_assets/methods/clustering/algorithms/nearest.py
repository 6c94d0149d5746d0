"""Nearest prototypes of many points, in blocks of fixed size so that memory stays small."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

BLOCK_CELLS = 4_000_000


def squared_distances(points: FloatMatrix, targets: FloatMatrix) -> FloatMatrix:
    """Squared Euclidean distances, shape (points, targets), never negative."""
    squared = -2.0 * (points @ targets.T)
    squared += (targets**2).sum(axis=1)
    squared += (points**2).sum(axis=1)[:, None]
    return np.maximum(squared, 0.0, out=squared)


def nearest_rows(points: FloatMatrix, targets: FloatMatrix) -> IntVector:
    """Index of the nearest target of every point, shape (points,); the first one on a tie."""
    rows = max(1, BLOCK_CELLS // max(1, len(targets)))
    norms = (targets**2).sum(axis=1)
    found = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), rows):
        block = points[start : start + rows]
        found[start : start + rows] = (norms - 2.0 * (block @ targets.T)).argmin(axis=1)
    return found
