"""Champion and challenger: warm refits, and when a new model may replace the active one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score, silhouette_score

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.algorithms.nearest import (
    means_by,
    means_of_enough,
    nearest_rows,
)
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.fitting import new_segments
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.model_rows import round_significant
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.selection.evidence import compare_bootstraps
from portrait_assets.methods.statistics.distributions.stability import psi
from portrait_assets.stages.clusters.rule import RULE, Challenge, SegmentRule

WARM = "warm refit of the champion: "


class Decision(NamedTuple):
    """Which model is active, why, and the compared numbers with the smallest shares.

    ``winner`` is ``champion`` or ``challenger``, or ``first`` where there was none before; the
    numbers are None where nothing was compared.
    """

    winner: str
    reason: str
    champion_silhouette: float | None = None
    challenger_silhouette: float | None = None
    champion_smallest_share: float | None = None
    challenger_smallest_share: float | None = None


def decide(
    champion: ClusterModel,
    challenger: ClusterModel,
    features: pl.DataFrame,
    *,
    most_relabelled: float = 1,
    rule: SegmentRule = RULE,
) -> Decision:
    """Compare two models on the newest month; the champion stays unless beaten by a margin.

    A challenger that would relabel a larger share than ``most_relabelled`` is turned down. Both
    are judged in the challenger's prepared space, on the same customers: the mean silhouette
    (P. Rousseeuw 1987), never without the smallest share. A model with one segment has none.
    """
    margin, stable = rule.challenge.margin, rule.stability.stable
    sample = canonical_sample(features, rule.challenge.compared_rows, seed=0)
    points = challenger.preparation.transform(sample)
    old = assign(champion, sample)["segment_id"].to_numpy()
    new = assign(challenger, sample)["segment_id"].to_numpy()
    old_score, new_score = _silhouette(points, old), _silhouette(points, new)
    numbers = (old_score, new_score, _smallest_share(old), _smallest_share(new))
    if challenger.version == champion.version:
        return Decision("champion", "the refit is the same model", *numbers)
    relabelled = float((old != new).mean())
    if relabelled > most_relabelled:
        reason = f"the refit would relabel {relabelled:.1%} of customers, who have not moved"
        return Decision("champion", reason, *numbers)
    if (challenger.nature == "separate") != (champion.nature == "separate"):
        winner = "challenger" if challenger.nature == "separate" else "champion"
        return Decision(winner, f"only the {winner}'s segments lie apart", *numbers)
    if challenger.supported != champion.supported:
        winner = "challenger" if challenger.supported else "champion"
        return Decision(winner, f"only the {winner}'s segments are supported by data", *numbers)
    if new_score is None:
        return Decision("champion", "the challenger finds no separate segments", *numbers)
    is_worse = challenger.bootstrap_agreement < stable <= champion.bootstrap_agreement
    if old_score is not None and is_worse:
        return Decision("champion", "the challenger's segments are not stable", *numbers)
    if old_score is None or new_score >= old_score + margin:
        reason = f"the challenger's silhouette is better by at least {margin:g}"
        return Decision("challenger", reason, *numbers)
    return Decision("champion", f"no gain in silhouette of at least {margin:g}", *numbers)


def warm_refit(
    champion: ClusterModel, features: pl.DataFrame, *, rule: SegmentRule = RULE
) -> ClusterModel:
    """Move the champion's prototypes to the newest month (Lloyd's steps), labels as they are.

    Preparation, segments and their ids stay. Prototypes become means of disjoint groups of enough
    customers of their own segment, so that there may be fewer of them; those of a segment of few
    stay where they are, which is where enough were.
    """
    rounds = rule.challenge.refit_rounds
    sample = canonical_sample(features, rule.challenge.refit_rows, seed=champion.seed)
    with one_thread():
        points = champion.preparation.transform(sample)
        before, segments = champion.prototypes, champion.prototype_segments
        prototypes, kept = _moved(points, before, segments, rounds)
        shown = points[: rule.stability.centroid_rows]

        def label(drawn: FloatMatrix) -> IntVector:
            centres, of = _moved(drawn, before, segments, rounds)
            return of[nearest_rows(shown, centres)]

        agreement = compare_bootstraps(shown, label, champion.seed)
    ids = kept[nearest_rows(points, prototypes)]
    return replace(
        champion,
        prototypes=round_significant(prototypes),
        prototype_segments=kept,
        fitted_rows=features.height,
        reason=WARM + champion.reason.removeprefix(WARM),
        segments=new_segments(ids),
        bootstrap_agreement=agreement,
    )


def retest_agreement(
    model: ClusterModel,
    before: pl.LazyFrame,
    now: pl.DataFrame,
    *,
    rule: Challenge = RULE.challenge,
) -> float:
    """Adjusted Rand index of the segments that a model sees the same customers in, in two months.

    The test-retest reliability of segments: kinds of customers last, 1 is the same segments.
    Customers of only one month, or beyond `retest_rows`, are left out; 1 where none are in both.
    """
    sample = canonical_sample(now, rule.retest_rows, seed=0)
    earlier = before.select("customer_id", *model.preparation.columns)
    shared = earlier.join(sample.lazy(), on="customer_id", how="semi").collect()
    both = assign(model, shared).join(assign(model, sample), on="customer_id", suffix="_now")
    old, new = both["segment_id"].to_numpy(), both["segment_id_now"].to_numpy()
    return round(float(adjusted_rand_score(old, new)), 6) if both.height else 1.0


def mix_drift(
    before: Mapping[int, float], after: Mapping[int, float], rule: Challenge = RULE.challenge
) -> float:
    """Population stability index between the shares of segments at two times (0: the same).

    Above `drift_limit` the mix has drifted and a refit is due. A segment without customers counts
    as `least_share`.
    """
    ids = sorted({*before, *after})
    shares = pl.DataFrame(
        [(before.get(segment, 0.0), after.get(segment, 0.0)) for segment in ids],
        schema={"before": pl.Float64, "after": pl.Float64},
        orient="row",
    )
    drift = shares.select(psi(pl.col("before"), pl.col("after"), floor=rule.least_share)).item()
    return round(float(drift), 9)


def _silhouette(points: FloatMatrix, labels: IntVector) -> float | None:
    found = len(np.unique(labels))
    if found < 2 or found >= len(labels):
        return None
    return round(float(silhouette_score(points, labels)), 6)


def _smallest_share(labels: IntVector) -> float:
    counts = np.unique(labels, return_counts=True)[1]
    return round(float(counts.min(initial=len(labels)) / max(1, len(labels))), 6)


def _moved(
    points: FloatMatrix, prototypes: FloatMatrix, segments: IntVector, rounds: int
) -> tuple[FloatMatrix, IntVector]:
    """The prototypes after Lloyd's steps on the points, until they rest or so many rounds.

    The last step makes them means of enough. Taken in each, it would draw them together. Next to
    them the segments that they are of.
    """
    free = prototypes
    for _ in range(rounds - 1):
        means = means_by(points, nearest_rows(points, free), free)
        if np.array_equal(means, free):
            break
        free = means
    found, in_segment = np.unique(segments), segments[nearest_rows(points, free)]
    moved = []
    for segment in found:
        members, own = points[in_segment == segment], segments == segment
        is_enough = len(members) >= SMALLEST_CELL
        moved.append(means_of_enough(members, free[own]) if is_enough else prototypes[own])
    return np.vstack(moved), np.repeat(found, [len(each) for each in moved])
