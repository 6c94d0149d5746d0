"""A hierarchy of merges, and the labels that cutting it gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import IntVector


class Hierarchy(NamedTuple):
    """Merges from the lowest, as pairs of points that stand for their clusters.

    ``pairs`` has shape (points - 1, 2); the first of a pair goes on standing for both, so that
    every point but one is the second of exactly one pair.
    """

    pairs: npt.NDArray[np.int64]

    def cut(self, k: int) -> IntVector:
        """Labels (from 0, by first appearance) when the last ``k - 1`` merges are undone.

        A k above the number of points gives single points.
        """
        n = len(self.pairs) + 1
        kept = self.pairs[: max(0, n - k)]
        stands_for = np.arange(n)
        stands_for[kept[:, 1]] = kept[:, 0]
        while True:
            further = stands_for[stands_for]
            if np.array_equal(further, stands_for):
                return labels_by_appearance(stands_for)
            stands_for = further


def labels_by_appearance(values: IntVector) -> IntVector:
    """Labels renumbered 0, 1, 2, ... in the order in which they first appear."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
