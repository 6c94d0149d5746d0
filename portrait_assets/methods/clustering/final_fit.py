"""The final fit of a chosen candidate on a large sample, and its labelled prototypes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.kmeans import inertia, kmeans_centres
from portrait_assets.methods.clustering.algorithms.micro import micro_clusters
from portrait_assets.methods.clustering.algorithms.mixture import mixture_labels
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.prototypes import Prototypes, condense
from portrait_assets.methods.clustering.selection.choice import Choice
from portrait_assets.methods.clustering.selection.families import fit_one

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

MIXTURE_ROWS = 20_000
MICRO_ROWS = 50_000
RESTART_ROWS = 20_000
RESTARTS = 10
BETTER_START = 0.998
"""Another start replaces the chosen centres when its inertia is below this part of theirs."""
SAME_PARTITION = 0.95
"""A refit is taken when it agrees this well (adjusted Rand index) with the chosen labels."""


def fit_prototypes(points: FloatMatrix, choice: Choice, seed: int) -> Prototypes:
    """Prototypes of the chosen candidate, refitted on all sampled points.

    The first points are those that the choice was made on. A refit that is another partition than
    the chosen one is dropped, and the points inherit the label of the nearest chosen point.
    """
    small = len(choice.labels)
    if len(np.unique(choice.labels)) == 1:
        centre = points.mean(axis=0, keepdims=True) if points.size else points[:1]
        return Prototypes(centre, np.zeros(1, dtype=np.int64), 1.0)
    if choice.candidate.family == "k-means" and not choice.candidate.refined:
        centres = kmeans_refit(points, points[:small], choice.labels, seed)
        return Prototypes(centres, np.arange(len(centres)), 1.0)
    if small == len(points):
        return condense(points, choice.labels, seed)
    labels = _refit(points, choice, seed)
    used = points[: len(labels)]
    return condense(used, labels, seed)


def kmeans_refit(
    points: FloatMatrix, small: FloatMatrix, labels: IntVector, seed: int
) -> FloatMatrix:
    """Centres by Lloyd's steps on all points, from the best of the chosen and ten new starts."""
    k = int(labels.max()) + 1
    start = np.array([small[labels == s].mean(axis=0) for s in range(k)])
    some = points[:RESTART_ROWS]
    chosen = kmeans_centres(some, k, start=start)
    other = kmeans_centres(some, k, restarts=RESTARTS, seed=seed)
    if _inertia(some, other) < BETTER_START * _inertia(some, chosen):
        chosen = other
    return kmeans_centres(points, k, start=chosen)


def _inertia(points: FloatMatrix, centres: FloatMatrix) -> float:
    return inertia(points, centres, nearest_rows(points, centres))


def _refit(points: FloatMatrix, choice: Choice, seed: int) -> IntVector:
    """Labels of the first points: a refit when it keeps the chosen partition, or inherited."""
    small = len(choice.labels)
    family, k = choice.candidate.family, int(choice.labels.max()) + 1
    if choice.candidate.refined:
        some = points[:MIXTURE_ROWS]
        return choice.labels[nearest_rows(some, points[:small])]
    if family == "mixture":
        some = points[:MIXTURE_ROWS]
        labels = mixture_labels(some, choice.labels, some=points[:small])
    elif family in ("ward", "genie"):
        some = points[:MICRO_ROWS]
        micro = micro_clusters(some, seed=seed)
        of_centre = fit_one(
            micro.centres, choice.candidate._replace(k=k), weights=micro.sizes, seed=seed
        )
        labels = of_centre[micro.members]
    else:
        some = points[:MIXTURE_ROWS]
        return choice.labels[nearest_rows(some, points[:small])]
    same_count = len(np.unique(labels)) == k
    if same_count and adjusted_rand_score(labels[:small], choice.labels) >= SAME_PARTITION:
        return labels
    return choice.labels[nearest_rows(some, points[:small])]
