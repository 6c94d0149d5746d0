"""Which cluster model is in force in a month: the champion so far, or a challenger that beat it."""

from __future__ import annotations

import polars as pl

from portrait_assets.clusters.champion import decide
from portrait_assets.clusters.contract import CLUSTER_MODEL, USED_FEATURES
from portrait_assets.clusters.model import ClusterModel, FeatureUse, fit_model
from portrait_assets.clusters.tracking import track

USES = [FeatureUse(feature.name, str(feature.element)) for feature in USED_FEATURES]
CHALLENGE_EVERY_MONTHS = 3


def is_challenge_month(month: str) -> bool:
    """Whether the champion is challenged: in the last month of each quarter."""
    return int(month[5:]) % CHALLENGE_EVERY_MONTHS == 0


def model_in_force(
    features: pl.DataFrame, month: str, champion: ClusterModel | None
) -> ClusterModel:
    """The model of the month: a pure function of its features and of the month before's model.

    A challenger is fitted when there is no champion and at the end of each quarter. One that
    wins takes over the champion's segment ids where the segments are the same.
    """
    if champion is not None and not is_challenge_month(month):
        return champion
    challenger = fit_model(features, USES)
    if champion is None:
        return challenger
    if decide(champion, challenger, features).winner == "champion":
        return champion
    return track(champion, challenger, features)[0]


def model_rows(model: ClusterModel) -> pl.DataFrame:
    """The model as rows of `clusters.cluster_model`, without the month."""
    rows = model.to_rows().with_columns(pl.lit(model.version).alias("model_version"))
    return rows.select(name for name in CLUSTER_MODEL.column_names if name != "as_of")
