"""Segments that themselves fall apart clearly are split again.

Groups of groups are common: two far groups, each of five, give a perfect score at k=2. So every
large, compact segment of the chosen partition is put to the same choice on its own points, and is
split where a valley lies between the parts. The numbers are `selection_rule.Refinement`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.selection_rule import Refinement


class Split(NamedTuple):
    """The best partition of one segment: labels from 0 and how it fares."""

    labels: IntVector
    p_value: float
    second_share: float

    def is_clear(self, rule: Refinement) -> bool:
        """Whether the segment is to be split."""
        return self.second_share >= rule.second_share and self.p_value < rule.clear


def refine(
    points: FloatMatrix,
    unseen: FloatMatrix,
    labels: IntVector,
    best_split: Callable[[FloatMatrix, FloatMatrix], Split | None],
    rule: Refinement,
) -> IntVector:
    """Labels (from 0) after splitting the segments that fall apart, some levels deep.

    ``best_split`` gives the best partition of the points of one segment, or None; it also gets
    the unseen points that are nearest to one of them.
    """
    refined = labels.copy()
    nearest = nearest_rows(unseen, points)
    settled: set[int] = set()
    for _ in range(rule.depth):
        # A split elsewhere can make a segment large or compact by comparison: look at all again.
        pending = [s for s in _candidates(points, refined, rule) if s not in settled]
        for segment in pending:
            rows = np.flatnonzero(refined == segment)
            split = best_split(points[rows], unseen[refined[nearest] == segment])
            if split is None or not split.is_clear(rule):
                settled.add(segment)
                continue
            moved = split.labels > 0
            refined[rows[moved]] = int(refined.max()) + split.labels[moved]
        if not pending:
            break
    return _without_strays(points, refined, rule)


def _without_strays(points: FloatMatrix, labels: IntVector, rule: Refinement) -> IntVector:
    """Labels from 0 where parts too small to act on have joined their nearest neighbours'."""
    counts = np.bincount(labels)
    least = min(rule.stray_share, rule.stray_part / len(counts))
    small = counts < least * len(labels)
    stray = small[labels]
    joined = labels.copy()
    if stray.any() and not stray.all():
        joined[stray] = labels[~stray][nearest_rows(points[stray], points[~stray])]
    return np.unique(joined, return_inverse=True)[1].astype(np.int64)


def _candidates(points: FloatMatrix, labels: IntVector, rule: Refinement) -> list[int]:
    """Segments that are large and compact enough to be looked into."""
    found, counts = np.unique(labels, return_counts=True)
    means = np.array([points[labels == s].mean(axis=0) for s in found])
    own = found[nearest_rows(points, means)] == labels
    least = rule.large * float(np.median(counts)) if len(found) > rule.few else 0.0
    return [
        int(s)
        for s, count in zip(found, counts, strict=True)
        if count >= max(rule.fewest_rows, least) and own[labels == s].mean() >= rule.compact
    ]
