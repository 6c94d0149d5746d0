"""Gaussian mixture: stretched and turned segments that may overlap."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_labels
from portrait_assets.methods.clustering.algorithms.mixture import mixture_labels
from portrait_assets.methods.clustering.families.family import (
    Candidate,
    Family,
    FloatMatrix,
    IntVector,
    Sample,
)
from portrait_assets.methods.clustering.families.kmeans import FAMILY as KMEANS

MOST_SEGMENTS = 31
"""The time of a fit grows with k; beyond, it would be most of the time of a choice."""
PARAMETERS_PER_ROW = 0.8
"""With more parameters than this per row covariances fit single points."""


@dataclass(frozen=True, eq=False)
class Mixture(Family):
    """The family of Gaussian mixtures with full covariances."""

    def supports(self, rows: int, dims: int, k: int) -> bool:
        """Whether there are more rows than parameters, by a margin."""
        parameters = k * (dims + 1) * (dims + 2) / 2
        return parameters < PARAMETERS_PER_ROW * rows and k <= MOST_SEGMENTS

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of the mixture that starts from k-means, where fitted already from that one."""
        start = sample.labels.get(Candidate(KMEANS, 0.0, k))
        if start is None:
            start = kmeans_labels(sample.points, k, restarts=1, seed=sample.seed)
        return mixture_labels(sample.points, start)

    def refit(
        self, points: FloatMatrix, chosen: IntVector, parameter: float, seed: int
    ) -> IntVector:
        """Labels of the mixture that starts from the chosen labels."""
        return mixture_labels(points, chosen, some=points[: len(chosen)])


FAMILY = Mixture("mixture", order=0, split_parameters=(0.0,), starts_from=KMEANS, may_overlap=True)
