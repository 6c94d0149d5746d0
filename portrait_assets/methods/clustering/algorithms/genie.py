"""Genie: a robust hierarchy that keeps cluster sizes from growing too unequal.

Paper: M. Gagolewski, M. Bartoszuk, A. Cena (2016), "Genie: A new, fast, and outlier-resistant
hierarchical clustering algorithm". Written from the paper. With ``neighbours > 0`` distances are
mutual reachability distances, R. Campello, D. Moulavi, J. Sander (2013), "Density-based
clustering based on hierarchical density estimates".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from portrait_assets.core.arrays import FloatMatrix, FloatVector
from portrait_assets.methods.clustering.algorithms.hierarchy import Hierarchy

REACH_NEIGHBOURS = 5
"""A point's reach is the distance to its neighbour of this rank."""


class SpanningTree(NamedTuple):
    """Edges of a minimum spanning tree, shortest first: pairs of points and lengths."""

    pairs: npt.NDArray[np.int64]
    lengths: FloatVector


def spanning_tree(points: FloatMatrix, neighbours: int = 0) -> SpanningTree:
    """Minimum spanning tree of the points (Prim), by (mutual reachability) Euclidean distance."""
    n = len(points)
    reach = cdist(points, points) if points.size else np.zeros((n, n))
    core = _core_distances(reach, neighbours)
    if neighbours > 0:
        # The plain distance breaks ties between equal mutual reachability distances.
        reach = np.maximum(np.maximum(reach, core), core[:, None]) + 1e-9 * reach
    nearest = np.zeros(n, dtype=np.int64)
    distance = np.full(n, np.inf)
    inside = np.zeros(n, dtype=bool)
    pairs = np.zeros((max(0, n - 1), 2), dtype=np.int64)
    lengths = np.zeros(max(0, n - 1))
    tip = 0
    for step in range(n - 1):
        inside[tip] = True
        closer = reach[tip] < distance
        np.copyto(distance, reach[tip], where=closer)
        nearest[closer] = tip
        tip = int(np.where(inside, np.inf, distance).argmin())
        pairs[step], lengths[step] = (nearest[tip], tip), distance[tip]
    order = np.argsort(lengths, kind="stable")
    return SpanningTree(pairs[order], lengths[order])


def _core_distances(distances: FloatMatrix, neighbours: int) -> FloatVector:
    """Distance of every point to its n-th nearest other point; zeros for ``neighbours=0``."""
    if neighbours <= 0 or len(distances) <= neighbours:
        return np.zeros(len(distances))
    return np.asarray(np.partition(distances, neighbours, axis=1)[:, neighbours])


def genie_hierarchy(
    tree: SpanningTree, gini_limit: float = 0.3, weights: FloatVector | None = None
) -> Hierarchy:
    """Merge along the tree's edges, shortest first, as long as sizes are not too unequal.

    While the Gini index of the cluster sizes exceeds ``gini_limit``, only an edge that touches
    one of the smallest clusters may be used. Sizes are summed weights.
    """
    n = len(tree.pairs) + 1
    size = np.ones(n) if weights is None else weights.astype(np.float64).copy()
    sizes = _Sizes(size)
    a_end, b_end = tree.pairs[:, 0].copy(), tree.pairs[:, 1].copy()
    used = np.zeros(n - 1, dtype=bool)
    pairs = np.zeros((n - 1, 2), dtype=np.int64)
    first_unused = 0
    for step in range(n - 1):
        while used[first_unused]:
            first_unused += 1
        edge = first_unused
        if sizes.gini_index() > gini_limit:
            smallest = sizes.smallest
            # Ends of edges are kept renamed to the cluster that they lie in.
            small = (size[a_end] <= smallest) | (size[b_end] <= smallest)
            edge = int((small & ~used).argmax())
        a, b = int(a_end[edge]), int(b_end[edge])
        used[edge] = True
        pairs[step] = a, b
        a_end[a_end == b] = a
        b_end[b_end == b] = a
        sizes.merge(size[a], size[b])
        size[a] += size[b]
    return Hierarchy(pairs)


class _Sizes:
    """Sizes of the clusters there are, kept in order, as sorting them at every merge is slow."""

    def __init__(self, sizes: FloatVector) -> None:
        self._ordered = np.sort(sizes)
        self._twice_rank = 2.0 * np.arange(1, len(sizes) + 1)
        self._total = float(sizes.sum())

    @property
    def smallest(self) -> float:
        return float(self._ordered[0])

    def merge(self, one: float, other: float) -> None:
        """Put one cluster in the place of two of these sizes."""
        ordered = self._ordered
        gone = int(ordered.searchsorted(one))
        ordered[gone:-1] = ordered[gone + 1 :]
        self._ordered = ordered = ordered[:-1]
        gone, come = ordered.searchsorted([other, one + other])
        ordered[gone : come - 1] = ordered[gone + 1 : come]
        ordered[come - 1] = one + other

    def gini_index(self) -> float:
        """Normalised Gini index: 0 when all are equal, towards 1 when one has everything."""
        n = len(self._ordered)
        if n < 2 or self._total <= 0:
            return 0.0
        weighted = float(self._twice_rank[:n] @ self._ordered)
        return (weighted - (n + 1) * self._total) / ((n - 1) * self._total)
