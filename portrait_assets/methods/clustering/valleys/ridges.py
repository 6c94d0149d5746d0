"""Whether density dips on every way from one segment to another, not only on the straight line.

The middles of the two halves of an arc have nobody between them, and the density along the line
through them is lower there: a valley of the projection only, for along the arc density is even. Two
groups are apart where density is lower somewhere on every way between them, so on the best one, the
ridge: what is lowest on it is the saddle between the two peaks. As clusters are the connected parts
of level sets, J. Hartigan (1975), "Clustering algorithms"; saddles between peaks are those of
F. Chazal, L. Guibas, S. Oudot, P. Skraba (2013), "Persistence-based clustering in Riemannian
manifolds".

Density is the number of neighbours within a reach, so that differences have standard errors. The
numbers are those of `selection_rule.Ridges`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from portrait_assets.core.arrays import BoolVector, FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.clustering.selection_rule import Ridges


def dips(points: FloatMatrix, labels: IntVector, rule: Ridges) -> Iterator[float]:
    """How far the saddle between two segments is below the lower peak, in standard errors.

    One number for every two segments, those of the largest first; none for a segment that is too
    small for a density.
    """
    tree = KDTree(points)
    sizes = np.bincount(labels)
    most = min(np.sqrt(len(points)), float(np.sort(sizes)[-2:].min()) * rule.part_of_segment)
    neighbours = max(int(most), rule.fewest_neighbours)
    reaches = tree.query(points, min(neighbours + 1, len(points)))[0][:, -1]
    wanted = [int(s) for s in np.argsort(-sizes, kind="stable") if sizes[s] > neighbours]
    for first, second in combinations(wanted, 2):
        reach = max(
            float(np.quantile(reaches[labels == own], rule.dense_share)) for own in (first, second)
        )
        yield _dip(tree, labels == first, labels == second, reach, rule)


def _dip(tree: KDTree, first: BoolVector, second: BoolVector, reach: float, rule: Ridges) -> float:
    pairs = tree.query_pairs(reach, output_type="ndarray")
    counts = np.bincount(pairs.ravel(), minlength=len(first)).astype(np.float64)
    peaks = [float(np.quantile(counts[own], 1 - rule.dense_share)) for own in (first, second)]
    tops = [own & (counts >= peak) for own, peak in zip((first, second), peaks, strict=True)]
    lower = min(peaks)
    saddle = _saddle(pairs, counts, lower, (tops[0], tops[1]))
    return (lower - saddle) / float(np.sqrt(lower + saddle + 1))


def _saddle(
    pairs: IntVector, counts: FloatVector, highest: float, tops: tuple[BoolVector, BoolVector]
) -> float:
    """The largest count that no point on some way between the tops is below; 0 without a way.

    It is ``highest`` at most.
    """
    levels = np.unique(counts[counts <= highest])
    lowest = np.minimum(counts[pairs[:, 0]], counts[pairs[:, 1]])
    low, high, found = 0, len(levels) - 1, 0.0
    while low <= high:
        middle = (low + high) // 2
        kept = pairs[lowest >= levels[middle]]
        graph = coo_array((np.ones(len(kept)), kept.T), shape=(len(counts), len(counts)))
        parts = connected_components(graph, directed=False)[1]
        if np.intersect1d(parts[tops[0]], parts[tops[1]]).size:
            found, low = float(levels[middle]), middle + 1
        else:
            high = middle - 1
    return found
