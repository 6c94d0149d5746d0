"""What structureless data reach, by rows, dimensions and segments: the bar for real segments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SEGMENTS = (2, 3, 4, 6, 9, 14, 22, 40)
"""Upper ends of the classes of segments; the last class is open."""
NULL_SCORES: dict[int, tuple[float, ...]] = {
    1: (1.97, 1.95, 1.92, 1.88, 1.82, 1.75, 1.55, 1.45, 1.40),
    2: (1.84, 1.70, 1.68, 1.55, 1.53, 1.59, 1.35, 1.35, 1.30),
    3: (1.70, 1.50, 1.45, 1.45, 1.45, 1.25, 1.25, 1.15, 1.10),
    5: (1.50, 1.30, 1.30, 1.30, 1.20, 1.15, 1.00, 0.95, 0.90),
}
"""Highest score (stability + agreement) of structureless sets, by dimensions, per class."""
SCORE_MARGIN = 0.04
CLEAR_VALLEY = 0.3
CLEAR_VALLEY_OF_A_LINE = 0.5
"""Few points lie on a border across a line, so that its valley is told less surely."""
LINE = 1.3
"""Fewer effective dimensions than this are a line."""
VALLEY_ALLOWANCE = 0.10
"""With a clear density valley a score may fall this far below the bar."""


class NullCase(NamedTuple):
    """The shape of the data that the bar is for; ``dimensions`` are effective ones."""

    rows: int
    dimensions: float
    segments: int


def effective_dimensions(points: npt.NDArray[np.float64]) -> float:
    """How many dimensions share the variance: (sum of variances)^2 / sum of their squares.

    The variances are those of principal components; a stretched cloud counts as a line.
    """
    if len(points) < 2 or points.shape[1] == 0:
        return 1.0
    covariance = np.atleast_2d(np.cov(points.T))
    trace = float(np.trace(covariance))
    squares = float((covariance**2).sum())
    return trace * trace / squares if squares > 0 else 1.0


def null_score(case: NullCase) -> float:
    """The highest score found on structureless data of this shape.

    Between the tabled dimensions it is interpolated in the logarithm of the dimensions.
    """
    column = int(np.searchsorted(SEGMENTS, case.segments))
    known = sorted(NULL_SCORES)
    scores = [NULL_SCORES[d][column] for d in known]
    return float(np.interp(np.log(max(case.dimensions, 1.0)), np.log(known), scores))


def beats_structureless(score: float, valley: float, case: NullCase) -> bool:
    """Whether a winner is better than structureless data of the same shape."""
    bar = null_score(case)
    least = CLEAR_VALLEY if case.dimensions >= LINE else CLEAR_VALLEY_OF_A_LINE
    clear = valley >= least and score >= bar - VALLEY_ALLOWANCE
    return clear or score >= bar + SCORE_MARGIN
