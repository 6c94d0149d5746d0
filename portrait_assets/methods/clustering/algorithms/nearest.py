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
    """Means of disjoint groups of `SMALLEST_CELL` points at least, shape (groups, dims).

    A group is the points that one of the centres is nearest to. While one has too few, the one with
    the fewest (the first of these) goes, and its points join the nearest of the centres that are
    left. All points are in one group where there are too few of them for two.
    """
    near = nearest_rows(points, centres)
    counts = np.bincount(near, minlength=len(centres))
    left = np.flatnonzero(counts)
    while len(left) > 1 and counts[left].min() < SMALLEST_CELL:
        gone = left[counts[left].argmin()]
        left = left[left != gone]
        moved = np.flatnonzero(near == gone)
        near[moved] = left[nearest_rows(points[moved], centres[left])]
        counts = np.bincount(near, minlength=len(centres))
    groups = np.searchsorted(left, near)
    return means_by(points, groups, centres[left])


def microaggregates(points: FloatMatrix) -> FloatMatrix:
    """Means of disjoint groups of `SMALLEST_CELL` points next to each other, shape (groups, dims).

    As long as there are enough for two groups, the point farthest from the middle of those that are
    left and the nearest to it are one; the last has what is left (maximum distance to average:
    J. Domingo-Ferrer, V. Torra 2005, "Ordinal, continuous and heterogeneous k-anonymity through
    microaggregation"). The first of the points counts on a tie.
    """
    left, means = points, []
    while len(left) >= 2 * SMALLEST_CELL:
        far = squared_distances(left, left.mean(axis=0, keepdims=True))[:, 0].argmax()
        squared = squared_distances(left, left[far : far + 1])[:, 0]
        last = np.partition(squared, SMALLEST_CELL - 1)[SMALLEST_CELL - 1]
        near = np.flatnonzero(squared <= last)
        group = near[np.argsort(squared[near], kind="stable")[:SMALLEST_CELL]]
        means.append(left[group].mean(axis=0))
        left = np.delete(left, group, axis=0)
    return np.vstack([*means, left.mean(axis=0)])
