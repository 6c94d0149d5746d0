"""How far the segments depend on who happens to be there: two bootstrap refits, compared.

Paper: C. Hennig (2007), "Cluster-wise assessment of cluster stability".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.selection.choice import CHOICE_ROWS, Choice, refit

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

STABLE = 0.9
"""Two bootstrap refits of stable segments agree at this adjusted Rand index or better."""
KMEANS_ROWS = 20_000


def bootstrap_agreement(points: FloatMatrix, choice: Choice, seed: int = 0) -> float:
    """Adjusted Rand index of two refits of the choice on bootstrap samples of the points.

    Every refit labels all the points: by the nearest centre for k-means, by the nearest point for
    other families.
    """
    candidate = choice.candidate
    if int(choice.labels.max()) == 0:
        return 1.0
    is_kmeans = candidate.family == "k-means" and not candidate.refined
    some = points[: KMEANS_ROWS if is_kmeans else CHOICE_ROWS]

    def label(sample: FloatMatrix) -> IntVector:
        labels = refit(sample, candidate, seed)
        if not is_kmeans:
            return labels[nearest_rows(some, sample)]
        centres = np.array([sample[labels == s].mean(axis=0) for s in np.unique(labels)])
        return nearest_rows(some, centres)

    return compare_bootstraps(some, label, seed)


def compare_bootstraps(
    points: FloatMatrix, label: Callable[[FloatMatrix], IntVector], seed: int = 0
) -> float:
    """Adjusted Rand index of the labels of all points by two bootstrap samples of them."""
    rng = np.random.default_rng(seed)
    first, second = (
        label(points[np.sort(rng.integers(0, len(points), len(points)))]) for _ in range(2)
    )
    return round(float(adjusted_rand_score(first, second)), 6)
