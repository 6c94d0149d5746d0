"""The candidates of all families on one sample: which there are, and their labels."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.families.family import Candidate, Family, Sample
from portrait_assets.methods.clustering.selection_rule import Compared


class _Everyone(Family):
    """All points as one segment: what is left where nothing else is chosen."""

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Zeros."""
        return np.zeros(len(sample.points), dtype=np.int64)


ONE_SEGMENT = Candidate(_Everyone("one segment", order=0), 0.0, 1)


def candidates_for(
    rows: int, dims: int, rule: Compared, also: int | None = None
) -> list[Candidate]:
    """Every candidate that ``rows`` points of ``dims`` dimensions can carry, in the order of ties.

    ``also`` adds a requested k.
    """
    wanted = {k for k in rule.numbers if k * rule.rows_per_segment <= rows} | {also or 2}
    numbers = sorted(k for k in wanted if 2 <= k <= rows)
    found = [c for family in rule.families for c in family.candidates(rows, dims, numbers)]
    return sorted(found, key=lambda candidate: candidate.position)


def fit_candidates(
    points: FloatMatrix, wanted: Collection[Candidate], *, seed: int = 0
) -> dict[Candidate, IntVector]:
    """Labels (from 0) of the wanted candidates in their order, shape (rows,) each."""
    sample = Sample(points, seed=seed)
    for candidate in wanted:
        fitted = candidate.family.fit(sample, candidate.parameter, candidate.k)
        sample.labels[candidate] = fitted
    return sample.labels


def fit_one(points: FloatMatrix, candidate: Candidate, *, seed: int = 0) -> IntVector:
    """Labels (from 0) of one candidate."""
    return fit_candidates(points, [candidate], seed=seed)[candidate]
