"""Evidence for or against a clustering, without labels: agreement, stability, purity, separation.

Papers: U. von Luxburg (2010), "Clustering stability: an overview"; C. Hennig (2007), "Cluster-wise
assessment of cluster stability" (bootstrap refits); D. Moulavi et al. (2014), "Density-based
clustering validation" (separation); P. Rousseeuw (1987), "Silhouettes".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.arrays import FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.clustering.algorithms.genie import (
    REACH_NEIGHBOURS,
    SpanningTree,
    spanning_tree,
)
from portrait_assets.methods.clustering.algorithms.kmeans import fit_several
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows, squared_distances

PURITY_NEIGHBOURS = 10


class Neighbourhood(NamedTuple):
    """What is computed once per sample: each point's neighbours, and the spanning tree."""

    neighbours: IntVector
    tree: SpanningTree


def neighbourhood(points: FloatMatrix) -> Neighbourhood:
    """Neighbours, shape (rows, up to ten), and the tree by mutual reachability."""
    squared = squared_distances(points, points)
    np.fill_diagonal(squared, -1.0)
    nearest = min(PURITY_NEIGHBOURS, len(points) - 1)
    order = np.argsort(squared, axis=1, kind="stable")[:, 1 : nearest + 1]
    return Neighbourhood(order.astype(np.int64), spanning_tree(points, REACH_NEIGHBOURS))


def purity(near: Neighbourhood, labels: IntVector) -> float:
    """Mean share of a point's ten nearest neighbours with its own label."""
    return float((labels[near.neighbours] == labels[:, None]).mean())


def separation(near: Neighbourhood, labels: IntVector) -> float:
    """Density separation in [-1, 1] along the spanning tree, weighted by size.

    Per segment: the shortest edge that leaves it against the 95th percentile of its own edges,
    ``(out - in) / max(out, in)``; a tree-wide form of density-based clustering validation.
    """
    a, b = near.tree.pairs[:, 0], near.tree.pairs[:, 1]
    lengths = near.tree.lengths
    sizes = np.bincount(labels)
    leaves = labels[a] != labels[b]
    out = np.full(len(sizes), np.inf)
    np.minimum.at(out, labels[a][leaves], lengths[leaves])
    np.minimum.at(out, labels[b][leaves], lengths[leaves])
    within = np.zeros(len(sizes))
    for segment in range(len(sizes)):
        inside = lengths[~leaves & (labels[a] == segment)]
        within[segment] = np.quantile(inside, 0.95) if len(inside) else 0.0
    known = np.isfinite(out)
    largest = np.maximum(np.where(known, out, 1.0), within)
    value = np.where(known & (largest > 0), (out - within) / np.where(largest > 0, largest, 1), 1.0)
    return float((sizes * value).sum() / len(labels))


def compare_bootstraps(
    points: FloatMatrix, label: Callable[[FloatMatrix], IntVector], seed: int = 0
) -> float:
    """Adjusted Rand index of the labels of all points by two bootstrap samples of them."""
    rng = np.random.default_rng(seed)
    drawn = (points[np.sort(rng.integers(0, len(points), len(points)))] for _ in range(2))
    first, second = fit_several(label, drawn)
    return round(float(adjusted_rand_score(first, second)), 6)


def agreement(similar: FloatMatrix, groups: Sequence[str]) -> FloatVector:
    """How far other families find the same partition, shape (candidates,).

    For every candidate, the second largest of the other families' best adjusted Rand indices to
    it: at least two families that work differently must agree with it.
    """
    names = np.array(groups)
    kinds = sorted(set(groups))
    best = np.column_stack([similar[:, names == kind].max(axis=1) for kind in kinds])
    own = np.array([kinds.index(group) for group in groups])
    best[np.arange(len(own)), own] = -1.0
    if len(kinds) < 3:
        return np.asarray(best.max(axis=1))
    return np.asarray(np.sort(best, axis=1)[:, -2])


def pairwise_recovery(points: FloatMatrix, labels: IntVector, seed: int = 0) -> dict[int, float]:
    """Per label, how surely a random half of the points predicts the labels of the other half.

    The share of a segment's points that the nearest point of the other half labels rightly, over
    two halves; in the manner of prediction strength, R. Tibshirani, G. Walther (2005).
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(points))
    halves = np.array_split(order, 2)
    right = np.zeros(len(points), dtype=bool)
    for known, other in (halves, halves[::-1]):
        if len(known) and len(other):
            right[other] = (
                labels[known][nearest_rows(points[other], points[known])] == labels[other]
            )
    return {int(label): float(right[labels == label].mean()) for label in np.unique(labels)}
