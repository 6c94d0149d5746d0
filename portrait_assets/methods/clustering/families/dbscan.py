"""DBSCAN: dense regions of any shape by one reach for all."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.core.arrays import IntVector
from portrait_assets.methods.clustering.algorithms.density import dbscan_labels
from portrait_assets.methods.clustering.families.density import LEAST_ROWS
from portrait_assets.methods.clustering.families.family import Family, Sample

DENSE_SHARES = (0.8, 0.9, 0.97, 1.0)
"""Share of the sample in dense regions, from much noise around the segments to none."""


@dataclass(frozen=True, eq=False)
class Dbscan(Family):
    """The family of DBSCAN; its parameter is the share of the sample in dense regions."""

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of everyone; who is in no dense region has that of the nearest who is."""
        return dbscan_labels(sample.points, parameter)[0]


FAMILY = Dbscan(
    "dbscan",
    order=2,
    parameters=DENSE_SHARES,
    finds_number=True,
    least_rows=LEAST_ROWS,
    kind="density",
    is_evidence=False,
    is_misled_by_chains=True,
    follows_gaps=True,
)
