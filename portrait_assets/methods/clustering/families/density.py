"""HDBSCAN: dense regions of any shape, in which density may differ."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.core.arrays import IntVector
from portrait_assets.methods.clustering.algorithms.density import density_labels
from portrait_assets.methods.clustering.families.family import Family, Sample

SMALLEST_SHARES = (0.008, 0.015, 0.03, 0.06)
"""Smallest cluster as a share of the sample, in steps of about two around the 2 % of a segment."""
SMALLEST_ROWS = 5
"""Fewer points are no dense region."""
LEAST_ROWS = 10
"""Twice the smallest cluster: with fewer points there can't be two."""


@dataclass(frozen=True, eq=False)
class Density(Family):
    """The family of HDBSCAN; its parameter is the smallest cluster's share of the sample."""

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of everyone; who is in no dense region has that of the nearest who is."""
        smallest = max(SMALLEST_ROWS, int(parameter * len(sample.points)))
        return density_labels(sample.points, smallest)[0]


FAMILY = Density(
    "density",
    order=1,
    parameters=SMALLEST_SHARES,
    finds_number=True,
    least_rows=LEAST_ROWS,
    follows_gaps=True,
)
