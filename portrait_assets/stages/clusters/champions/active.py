"""Which cluster model is active in a month: the champion so far, or a challenger that beat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.selection.partition import divide
from portrait_assets.stages.clusters.champions.champion import (
    Decision,
    decide,
    mix_drift,
    retest_agreement,
    warm_refit,
)
from portrait_assets.stages.clusters.champions.statement import statement
from portrait_assets.stages.clusters.champions.tracking import track
from portrait_assets.stages.clusters.contract import (
    CLUSTER_CANDIDATES,
    CLUSTER_MODEL,
    DIVISION_FEATURES,
    USED_FEATURES,
)
from portrait_assets.stages.clusters.rule import RULE

USES = tuple(FeatureUse(feature.name, str(feature.element)) for feature in USED_FEATURES)


class ActiveModel(NamedTuple):
    """The model of a month, and the row of `clusters.cluster_decision` with the reasons."""

    model: ClusterModel
    decision: dict[str, object]


def kept_uses(selection: pl.DataFrame) -> list[FeatureUse]:
    """The features that clusters may use, without those that the selection of a month left out.

    Args:
        selection: rows of `features.feature_selection` of one month.
    """
    left_out = set(selection.filter(~pl.col("is_kept"))["feature"])
    return [use for use in USES if use.name not in left_out]


def active_model(
    features: pl.DataFrame,
    months_of_history: int,
    champion: ClusterModel | None,
    uses: Sequence[FeatureUse] = USES,
    before: pl.LazyFrame | None = None,
) -> ActiveModel:
    """The model of a month: a pure function of its features and of the model before.

    Behaviour shows over months, so before a quarter has passed all customers are one segment.
    Then they are divided. After each full year, when features cover twelve months, segments are
    chosen anew, now also among those that lie apart (`separate_or_divided`). They are chosen anew
    as well when the mix has drifted since they were chosen, or since the champion last won against
    newly chosen ones: a drift that it has withstood calls for no further challenger. At the end of
    each quarter in between, the champion refitted to the newest month challenges the active one. A
    challenger that wins keeps the champion's segment ids where the segments are the same.

    Args:
        features: the feature matrix of the month.
        months_of_history: months of the source up to and with this one.
        champion: the model of the month before; None for the first.
        uses: the features that a newly chosen model may use.
        before: the feature matrix of the month before, which newly chosen segments must hold in.
    """
    when = RULE.challenge
    if champion is None:
        first = fit_model(features, uses, segments=1, rule=RULE)
        none = Decision("first", "there was no model before")
        return ActiveModel(first, _row(first, 0.0, none))
    mix = _mix(champion, features, when.drift_rows)
    drift = _drift(champion, mix)
    is_drifted = drift > when.drift_limit
    is_quarter = months_of_history > 0 and months_of_history % when.refit_months == 0
    if not is_quarter and not is_drifted:
        why = "the model moves at quarter's ends, or when the mix of segments has drifted"
        return ActiveModel(champion, _row(champion, drift, Decision("champion", why)))
    is_year = months_of_history % when.choice_months == 0
    is_moved = not is_drifted and len(champion.segments) > 1 and not is_year
    if is_moved:
        challenger = warm_refit(champion, features, rule=RULE)
        most = when.most_relabelled
        decision = decide(champion, challenger, features, most_relabelled=most, rule=RULE)
    else:
        if months_of_history >= when.choice_months:
            challenger = separate_or_divided(features, uses, before)
        else:
            challenger = divided(features, uses)
        decision = decide(champion, challenger, features, rule=RULE)
    if decision.winner == "champion":
        kept = champion if is_moved else champion.with_baseline(mix)
        return ActiveModel(kept, _row(kept, drift, decision, challenger))
    winner, _ = track(champion, challenger, features, rule=RULE.tracking)
    return ActiveModel(winner, _row(winner, drift, decision, challenger))


def separate_or_divided(
    features: pl.DataFrame, uses: Sequence[FeatureUse], before: pl.LazyFrame | None
) -> ClusterModel:
    """Segments that lie apart, where there are some to act on; otherwise a division that holds.

    The candidates of both are in the table, those of the division as family ``division``, and the
    reason states why segments that lie apart were not taken.
    """
    separate = fit_model(features, uses, rule=RULE)
    fault = _fault(separate, features, before)
    if fault is None:
        return separate
    model = divided(features, uses)
    others = separate.candidates.with_columns(chosen=pl.lit(False))
    return replace(
        model,
        candidates=pl.concat([model.candidates, others]),
        reason=f"{model.reason}; {fault}",
    )


def divided(features: pl.DataFrame, uses: Sequence[FeatureUse]) -> ClusterModel:
    """A division of customers who differ by degree."""
    degrees = [use for use in uses if use.name in DIVISION_FEATURES]
    return fit_model(features, degrees or uses, geometry="degrees", chooser=divide, rule=RULE)


def _fault(model: ClusterModel, features: pl.DataFrame, before: pl.LazyFrame | None) -> str | None:
    """Why nobody could act on segments that are to lie apart; None where one can."""
    if model.nature != "separate":
        return model.reason
    prefix = f"not taken: {model.reason}, but "
    stable, limit = RULE.stability.stable, RULE.challenge.retest_limit
    if model.bootstrap_agreement < stable:
        return prefix + f"bootstrap refits agree at {model.bootstrap_agreement:.3f}, below {stable}"
    largest = max(segment.share for segment in model.segments)
    if largest > RULE.winning.dominant_share:
        return prefix + f"{largest:.1%} of the customers are in one segment"
    if before is None:
        return None
    agreement = retest_agreement(model, before, features, rule=RULE.challenge)
    if agreement < limit:
        return prefix + (
            "the same customers' segments of this month and the one before agree at "
            f"{agreement:.3f}, below {limit}"
        )
    return None


def model_rows(model: ClusterModel) -> pl.DataFrame:
    """The model as rows of `clusters.cluster_model`, without the month."""
    rows = model.to_rows().with_columns(pl.lit(model.version).alias("model_version"))
    return rows.select(name for name in CLUSTER_MODEL.column_names if name != "as_of")


def candidate_rows(model: ClusterModel) -> pl.DataFrame:
    """What the model was chosen from, as rows of `clusters.cluster_candidates`."""
    rows = model.candidates.with_columns(pl.lit(model.version).alias("model_version"))
    return rows.select(name for name in CLUSTER_CANDIDATES.column_names if name != "as_of")


def _mix(model: ClusterModel, features: pl.DataFrame, rows: int) -> dict[int, float]:
    """Share of the customers by segment, as the model labels them now."""
    if len(model.segments) < 2:
        return {segment.segment_id: 1.0 for segment in model.segments}
    now = assign(model, canonical_sample(features, rows, model.seed))
    counts = now["segment_id"].value_counts().iter_rows()
    return {segment: round(count / max(1, now.height), 6) for segment, count in counts}


def _drift(model: ClusterModel, mix: Mapping[int, float]) -> float:
    """Drift of the mix from the model's baseline."""
    baseline = {segment.segment_id: segment.baseline_share for segment in model.segments}
    return mix_drift(baseline, mix, RULE.challenge) if len(baseline) > 1 else 0.0


def _row(
    model: ClusterModel,
    drift: float,
    decision: Decision,
    challenger: ClusterModel | None = None,
) -> dict[str, object]:
    trust = statement(model, RULE.stability.stable)
    return {
        "model_version": model.version,
        "algorithm": model.algorithm,
        "segments": len(model.segment_ids),
        "nature": model.nature,
        "winner": decision.winner,
        "reason": decision.reason,
        "chosen_because": model.reason,
        "challenger_version": None if challenger is None else challenger.version,
        "challenger_because": None if challenger is None else challenger.reason,
        "champion_silhouette": decision.champion_silhouette,
        "challenger_silhouette": decision.challenger_silhouette,
        "champion_smallest_share": decision.champion_smallest_share,
        "challenger_smallest_share": decision.challenger_smallest_share,
        "margin": RULE.challenge.margin,
        "mix_drift": drift,
        "refit_due": drift > RULE.challenge.drift_limit,
        "bootstrap_agreement": model.bootstrap_agreement,
        "is_stable": trust.is_stable,
        "statement_en": trust.en,
        "statement_zh": trust.zh,
    }
