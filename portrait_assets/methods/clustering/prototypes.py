"""Labelled prototypes: few centres that reproduce a labelling by the nearest one.

A customer inherits the segment of the nearest prototype, so a model of any family can be stored
as rows and scored by any engine.
Paper: T. Kohonen (1990), "The self-organizing map" (codebooks), here placed by k-means per segment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_centres
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

ENOUGH_AGREEMENT = 0.995
"""Prototypes suffice when this share of the sample gets its own label from the nearest one."""
SIZES = (1, 2, 4, 8, 16, 32)
MOST_PROTOTYPES = 2_000


class Prototypes(NamedTuple):
    """Centres, shape (prototypes, dims), their segments, and the agreement that they reach."""

    centres: FloatMatrix
    segments: IntVector
    agreement: float


def condense(points: FloatMatrix, labels: IntVector, seed: int = 0) -> Prototypes:
    """The fewest centres per segment (1, 2, 4, ... 32) that reproduce the labels well enough.

    Where none of them does, the labelled points themselves, at most ``MOST_PROTOTYPES``.
    """
    found = np.unique(labels)
    for size in SIZES:
        if size * len(found) > min(MOST_PROTOTYPES, len(points) // 2) and size > 1:
            break
        prototypes = _centres_per_segment(points, labels, found, size, seed)
        if prototypes.agreement >= ENOUGH_AGREEMENT:
            return prototypes
    kept = slice(0, MOST_PROTOTYPES)
    agreement = _agreement(points, labels, points[kept], labels[kept])
    return Prototypes(points[kept].copy(), labels[kept].copy(), agreement)


def _centres_per_segment(
    points: FloatMatrix, labels: IntVector, found: IntVector, size: int, seed: int
) -> Prototypes:
    centres, segments = [], []
    for segment in found:
        members = points[labels == segment]
        if size == 1:
            mine = members.mean(axis=0, keepdims=True)
        elif len(members) <= 2 * size:
            mine = members
        else:
            mine = kmeans_centres(members, size, restarts=1, seed=seed)
        centres.append(mine)
        segments.append(np.full(len(mine), segment))
    stacked, ids = np.vstack(centres), np.concatenate(segments)
    return Prototypes(stacked, ids, _agreement(points, labels, stacked, ids))


def _agreement(
    points: FloatMatrix, labels: IntVector, centres: FloatMatrix, segments: IntVector
) -> float:
    return float((segments[nearest_rows(points, centres)] == labels).mean())
