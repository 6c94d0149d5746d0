"""K-means: compact segments around their means."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.algorithms.kmeans import (
    inertia,
    kmeans_centres,
    kmeans_labels,
)
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.families.family import Family, Sample, label_means

RESTARTS = 20
"""With five, single fits ended in a poor optimum, and the stability of the right k was chance."""
MANY = 20
RESTARTS_OF_MANY = 2
"""Among more than twenty centres single ones go astray, which restarts hardly mend."""
RESTART_ROWS = 20_000
"""New starts are compared on so many points; Lloyd's steps are then taken on all."""
REFIT_RESTARTS = 10
"""Ten come within 1 % of the inertia of fifty (`benchmarks/clusters_scale.py`)."""
BETTER_START = 0.998
"""Another start replaces the chosen centres when its inertia is below this part of theirs."""


@dataclass(frozen=True, eq=False)
class KMeans(Family):
    """The family of k-means."""

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of the best of some restarts."""
        restarts = RESTARTS if k <= MANY else RESTARTS_OF_MANY
        return kmeans_labels(
            sample.points, k, weights=sample.weights, restarts=restarts, seed=sample.seed
        )

    def centres(
        self, points: FloatMatrix, known: FloatMatrix, labels: IntVector, seed: int
    ) -> FloatMatrix:
        """Lloyd's steps on all points, from the best of the chosen centres and new starts."""
        start = label_means(known, labels)
        some = points[:RESTART_ROWS]
        chosen = kmeans_centres(some, len(start), start=start)
        other = kmeans_centres(some, len(start), restarts=REFIT_RESTARTS, seed=seed)
        if _inertia(some, other) < BETTER_START * _inertia(some, chosen):
            chosen = other
        return kmeans_centres(points, len(start), start=chosen)


def _inertia(points: FloatMatrix, centres: FloatMatrix) -> float:
    return inertia(points, centres, nearest_rows(points, centres))


FAMILY = KMeans("k-means", order=0, split_parameters=(0.0,), is_centroid=True)
