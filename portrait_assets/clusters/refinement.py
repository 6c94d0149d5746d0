"""Segments that themselves fall apart clearly are split again.

Groups of groups are common: two far groups, each of five, give a perfect score at k=2. So every
large, compact segment of the chosen partition is put to the same choice on its own points, and is
split where that beats structureless data by a wide margin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.clusters.nearest import nearest_rows

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

FEWEST_ROWS = 150
MARGIN = 0.10
"""A split must beat the score of structureless data by this much."""
SECOND_SHARE = 0.15
"""At least two parts have this share; a few strays beside one big part are no split."""
LEAST_VALLEY = 0.0
WIDE_MARGIN = 0.25
"""Above this gain no density valley is asked for: in many dimensions none may show."""
COMPACT = 0.9
"""A segment is compact when this share of it is nearest to its own mean; curves are not."""
LARGE = 1.5
"""Where there are more than three segments, one is large above this many median sizes."""
STRAY_SHARE = 0.02
DEPTH = 6


class Split(NamedTuple):
    """The best partition of one segment: labels from 0 and how it fares."""

    labels: IntVector
    score_above_null: float
    valley: float
    second_share: float

    @property
    def is_clear(self) -> bool:
        """Whether the segment is to be split."""
        better = self.score_above_null >= MARGIN and self.valley >= LEAST_VALLEY
        much_better = self.score_above_null >= WIDE_MARGIN
        return self.second_share >= SECOND_SHARE and (better or much_better)


def refine(
    points: FloatMatrix, labels: IntVector, best_split: Callable[[FloatMatrix], Split | None]
) -> IntVector:
    """Labels (from 0) after splitting the segments that fall apart, at most ``DEPTH`` levels deep.

    ``best_split`` gives the best partition of the points of one segment, or None.
    """
    refined = labels.copy()
    settled: set[int] = set()
    for _ in range(DEPTH):
        # A split elsewhere can make a segment large or compact by comparison: look at all again.
        pending = [s for s in _candidates(points, refined) if s not in settled]
        for segment in pending:
            rows = np.flatnonzero(refined == segment)
            split = best_split(points[rows])
            if split is None or not split.is_clear:
                settled.add(segment)
                continue
            moved = split.labels > 0
            refined[rows[moved]] = int(refined.max()) + split.labels[moved]
        if not pending:
            break
    return _without_strays(points, refined)


def _without_strays(points: FloatMatrix, labels: IntVector) -> IntVector:
    """Labels from 0 where parts too small to act on have joined their nearest neighbours'."""
    counts = np.bincount(labels)
    small = counts < min(STRAY_SHARE, 0.3 / len(counts)) * len(labels)
    stray = small[labels]
    joined = labels.copy()
    if stray.any() and not stray.all():
        joined[stray] = labels[~stray][nearest_rows(points[stray], points[~stray])]
    return np.unique(joined, return_inverse=True)[1].astype(np.int64)


def _candidates(points: FloatMatrix, labels: IntVector) -> list[int]:
    """Segments that are large and compact enough to be looked into."""
    found, counts = np.unique(labels, return_counts=True)
    means = np.array([points[labels == s].mean(axis=0) for s in found])
    own = found[nearest_rows(points, means)] == labels
    least = LARGE * float(np.median(counts)) if len(found) > 3 else 0.0
    return [
        int(s)
        for s, count in zip(found, counts, strict=True)
        if count >= max(FEWEST_ROWS, least) and own[labels == s].mean() >= COMPACT
    ]
