"""Gaussian mixture: stretched and turned segments that may overlap.

k-means, which a mixture starts from, cuts long segments that lie side by side across. ``SPHERED``
starts from k-means on points without correlation and of equal variance in all directions, where
what has the most variance counts no more than what divides. It is one voice with other mixtures,
and none that is compared at first: the second look tries it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_labels
from portrait_assets.methods.clustering.algorithms.mixture import mixture_labels
from portrait_assets.methods.clustering.families.family import Candidate, Family, Sample
from portrait_assets.methods.clustering.families.kmeans import FAMILY as KMEANS

MOST_SEGMENTS = 31
"""The time of a fit grows with k; beyond, it would be most of the time of a choice."""
PARAMETERS_PER_ROW = 0.8
"""With more parameters than this per row covariances fit single points."""
LEAST_VARIANCE = 1e-6
"""Of the largest variance in any direction: less is rounding, which sphering would blow up."""


@dataclass(frozen=True, eq=False)
class Mixture(Family):
    """The family of Gaussian mixtures with full covariances.

    With ``is_sphered`` the k-means that a fit starts from is on sphered points.
    """

    is_sphered: bool = False

    def supports(self, rows: int, dims: int, k: int) -> bool:
        """Whether there are more rows than parameters, by a margin."""
        parameters = k * (dims + 1) * (dims + 2) / 2
        return parameters < PARAMETERS_PER_ROW * rows and k <= MOST_SEGMENTS

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of the mixture that starts from k-means, where fitted already from that one."""
        start = sample.labels.get(Candidate(KMEANS, 0.0, k))
        if self.is_sphered:
            start = kmeans_labels(sphered(sample.points), k, restarts=3, seed=sample.seed)
        elif start is None:
            start = kmeans_labels(sample.points, k, restarts=1, seed=sample.seed)
        return mixture_labels(sample.points, start)

    def refit(
        self, points: FloatMatrix, chosen: IntVector, parameter: float, seed: int
    ) -> IntVector:
        """Labels of the mixture that starts from the chosen labels."""
        return mixture_labels(points, chosen, some=points[: len(chosen)])


def sphered(points: FloatMatrix) -> FloatMatrix:
    """Points around their mean, turned and scaled so that their covariance is the identity.

    A direction in which nothing varies stays without variance.
    """
    away = points - points.mean(axis=0)
    covariance = np.atleast_2d(np.cov(away.T))
    variances, directions = np.linalg.eigh(covariance)
    least = max(LEAST_VARIANCE * float(variances.max()), np.finfo(float).tiny)
    found: FloatMatrix = away @ directions / np.sqrt(np.maximum(variances, least))
    return found


FAMILY = Mixture("mixture", order=0, split_parameters=(0.0,), starts_from=KMEANS, may_overlap=True)
SPHERED = Mixture(
    "mixture from sphered points", order=0, kind="mixture", may_overlap=True, is_sphered=True
)
