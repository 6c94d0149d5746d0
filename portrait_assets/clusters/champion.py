"""Champion and challenger: warm refits, and when a new model may replace the one in force."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from portrait_assets.clusters.kmeans import FloatMatrix, IntVector
from portrait_assets.clusters.model import ClusterModel, assign
from portrait_assets.clusters.model_rows import round_significant
from portrait_assets.clusters.nearest import nearest_rows
from portrait_assets.clusters.sampling import canonical_sample

MARGIN = 0.02
"""A challenger must beat the champion's silhouette by this much on the newest month."""
DRIFT_LIMIT = 0.25
"""Population stability index of the mix above which a refit is asked for."""
COMPARED_ROWS = 2_000
WARM = "warm refit of the champion: "
REFIT_ROWS = 200_000


class Decision(NamedTuple):
    """Which model is in force, why, and the compared numbers with the smallest shares."""

    winner: str
    reason: str
    champion_silhouette: float | None
    challenger_silhouette: float | None
    champion_smallest_share: float
    challenger_smallest_share: float


def decide(
    champion: ClusterModel,
    challenger: ClusterModel,
    features: pl.DataFrame,
    *,
    margin: float = MARGIN,
) -> Decision:
    """Compare two models on the newest month; the champion stays unless beaten by ``margin``.

    Both are judged in the challenger's prepared space, on the same customers: the mean silhouette
    (P. Rousseeuw 1987), never without the smallest share. A model with one segment has none.
    """
    sample = canonical_sample(features, COMPARED_ROWS, seed=0)
    points = challenger.preparation.transform(sample)
    old = assign(champion, sample)["segment_id"].to_numpy()
    new = assign(challenger, sample)["segment_id"].to_numpy()
    old_score, new_score = _silhouette(points, old), _silhouette(points, new)
    numbers = (old_score, new_score, _smallest_share(old), _smallest_share(new))
    if challenger.version == champion.version:
        return Decision("champion", "the refit is the same model", *numbers)
    if challenger.supported != champion.supported:
        winner = "challenger" if challenger.supported else "champion"
        return Decision(winner, f"only the {winner}'s segments are supported by data", *numbers)
    if new_score is None:
        return Decision("champion", "the challenger finds no separate segments", *numbers)
    if old_score is None or new_score >= old_score + margin:
        reason = f"the challenger's silhouette is better by at least {margin:g}"
        return Decision("challenger", reason, *numbers)
    return Decision("champion", f"no gain in silhouette of at least {margin:g}", *numbers)


def warm_refit(champion: ClusterModel, features: pl.DataFrame, *, rounds: int = 10) -> ClusterModel:
    """Move the champion's prototypes to the newest month (Lloyd's steps), labels as they are.

    Preparation, segments and their ids stay; prototypes that nobody is near stay where they are.
    """
    sample = canonical_sample(features, REFIT_ROWS, seed=champion.seed)
    prototypes = champion.prototypes.copy()
    with threadpool_limits(1):
        points = champion.preparation.transform(sample)
        for _ in range(rounds):
            moved = _means(points, nearest_rows(points, prototypes), prototypes)
            if np.array_equal(moved, prototypes):
                break
            prototypes = moved
    return replace(
        champion,
        prototypes=round_significant(prototypes),
        fitted_rows=features.height,
        reason=WARM + champion.reason.removeprefix(WARM),
    )


def mix_drift(previous: pl.DataFrame, current: pl.DataFrame) -> float:
    """Population stability index of the segments' shares between two assignments (0: the same).

    Above :data:`DRIFT_LIMIT` the mix has drifted and a refit is due. Empty segments count as half
    a customer.
    """
    counts = (
        previous.group_by("segment_id")
        .agg(pl.len().alias("before"))
        .join(
            current.group_by("segment_id").agg(pl.len().alias("after")),
            on="segment_id",
            how="full",
            coalesce=True,
        )
        .fill_null(0)
        .select(pl.col("before", "after").cast(pl.Float64).clip(lower_bound=0.5))
    )
    before = counts["before"].to_numpy() / max(1, previous.height)
    after = counts["after"].to_numpy() / max(1, current.height)
    return float(np.round(((after - before) * np.log(after / before)).sum(), 9))


def _silhouette(points: FloatMatrix, labels: IntVector) -> float | None:
    found = len(np.unique(labels))
    if found < 2 or found >= len(labels):
        return None
    return round(float(silhouette_score(points, labels)), 6)


def _smallest_share(labels: IntVector) -> float:
    counts = np.unique(labels, return_counts=True)[1]
    return round(float(counts.min(initial=len(labels)) / max(1, len(labels))), 6)


def _means(points: FloatMatrix, labels: IntVector, otherwise: FloatMatrix) -> FloatMatrix:
    means = otherwise.copy()
    counts = np.bincount(labels, minlength=len(otherwise))
    for dimension in range(points.shape[1]):
        sums = np.bincount(labels, weights=points[:, dimension], minlength=len(otherwise))
        filled = counts > 0
        means[filled, dimension] = sums[filled] / counts[filled]
    return means
