"""Nearest prototypes of many points, and their means, in blocks so that memory stays small."""

from __future__ import annotations

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.cells import SMALLEST_CELL

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


def means_by(points: FloatMatrix, labels: IntVector, otherwise: FloatMatrix) -> FloatMatrix:
    """The mean of the points of each label, shape (labels, dims); without any, `otherwise`."""
    means = otherwise.copy()
    counts = np.bincount(labels, minlength=len(otherwise))
    for dimension in range(points.shape[1]):
        sums = np.bincount(labels, weights=points[:, dimension], minlength=len(otherwise))
        means[counts > 0, dimension] = sums[counts > 0] / counts[counts > 0]
    return means


def means_of_enough(points: FloatMatrix, centres: FloatMatrix) -> FloatMatrix:
    """The centres moved into means of `SMALLEST_CELL` points at least, shape (centres, dims).

    Each into the mean of the points that it is nearest to; where these are too few, of the nearest
    ones to it, with all that are as near as the last of them. Of fewer than twice as many points
    each is the mean of all: two means would have most of their points in common, and their
    difference would tell of the few others.
    """
    if len(points) < 2 * SMALLEST_CELL:
        return np.tile(points.mean(axis=0), (len(centres), 1))
    near = nearest_rows(points, centres)
    means = means_by(points, near, centres)
    small = np.flatnonzero(np.bincount(near, minlength=len(centres)) < SMALLEST_CELL)
    at_once = max(1, BLOCK_CELLS // len(points))
    for few in (small[start : start + at_once] for start in range(0, len(small), at_once)):
        squared = squared_distances(centres[few], points)
        last = np.partition(squared, SMALLEST_CELL - 1, axis=1)[:, SMALLEST_CELL - 1, None]
        is_near = (squared <= last).astype(np.float64)
        means[few] = is_near @ points / is_near.sum(axis=1, keepdims=True)
    return means
