"""Ward's hierarchy of weighted points.

Papers: J. Ward (1963), "Hierarchical grouping to optimize an objective function"; the chain of
nearest neighbours is F. Murtagh (1983), "A survey of recent advances in hierarchical clustering
algorithms".
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import linkage

from portrait_assets.core.arrays import FloatMatrix, FloatVector
from portrait_assets.methods.clustering.algorithms.hierarchy import Hierarchy


def ward_hierarchy(points: FloatMatrix, weights: FloatVector | None = None) -> Hierarchy:
    """Merge the two clusters whose union adds the least weighted inertia, until one is left.

    That inertia is ``wa * wb / (wa + wb) * |ca - cb|^2``. Memory is O(rows x dims): distances are
    computed from the tip of the chain only.
    """
    n = len(points)
    if weights is None and n > 1:
        return _from_linkage(linkage(points, "ward"))
    centres = points.astype(np.float64).copy()
    mass = np.ones(n) if weights is None else weights.astype(np.float64).copy()
    alive = np.ones(n, dtype=bool)
    pairs = np.zeros((max(0, n - 1), 2), dtype=np.int64)
    heights = np.zeros(max(0, n - 1))
    chain: list[int] = []
    for step in range(n - 1):
        if not chain:
            chain.append(int(alive.argmax()))
        while True:
            tip = chain[-1]
            cost = ((centres - centres[tip]) ** 2).sum(axis=1) * (mass * mass[tip])
            cost /= mass + mass[tip]
            cost[~alive] = np.inf
            cost[tip] = np.inf
            nearest = int(cost.argmin())
            # On a tie the previous link wins, or the chain would never close.
            if len(chain) > 1 and cost[chain[-2]] <= cost[nearest]:
                break
            chain.append(nearest)
        b, a = chain.pop(), chain.pop()
        pairs[step], heights[step] = (a, b), cost[a]
        total = mass[a] + mass[b]
        centres[a] = (mass[a] * centres[a] + mass[b] * centres[b]) / total
        mass[a] = total
        alive[b] = False
    order = np.argsort(heights, kind="stable")
    return Hierarchy(pairs[order])


def _from_linkage(merges: FloatMatrix) -> Hierarchy:
    """SciPy's merges, whose clusters are numbered, with a point standing for each cluster."""
    n = len(merges) + 1
    stands_for = np.arange(2 * n - 1)
    pairs = np.zeros((n - 1, 2), dtype=np.int64)
    for step, (a, b) in enumerate(merges[:, :2].astype(np.int64)):
        pairs[step] = stands_for[a], stands_for[b]
        stands_for[n + step] = stands_for[a]
    return Hierarchy(pairs)
