"""A hierarchy of merges, and the labels that cutting it gives."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]


class Hierarchy(NamedTuple):
    """Merges from the lowest: pairs of points that stand for their clusters, and heights.

    ``pairs`` has shape (points - 1, 2); the first of a pair goes on standing for both.
    """

    pairs: npt.NDArray[np.int64]
    heights: FloatVector

    def cut(self, k: int) -> IntVector:
        """Labels (from 0, by first appearance) when the last ``k - 1`` merges are undone."""
        return self.cuts([k])[k]

    def cuts(self, ks: Collection[int]) -> dict[int, IntVector]:
        """Labels for several k in one pass; a k above the number of points gives single points."""
        n = len(self.pairs) + 1
        labels = np.arange(n)
        found = {k: labels_by_appearance(labels) for k in ks if k >= n}
        for step, (a, b) in enumerate(self.pairs):
            labels[labels == labels[b]] = labels[a]
            if n - step - 1 in ks:
                found[n - step - 1] = labels_by_appearance(labels)
        return found


def labels_by_appearance(values: npt.NDArray[np.int64]) -> IntVector:
    """Labels renumbered 0, 1, 2, ... in the order in which they first appear."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
