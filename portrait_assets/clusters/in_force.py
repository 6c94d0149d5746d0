"""Which cluster model is in force in a month: the champion so far, or a challenger that beat it."""

from __future__ import annotations

import polars as pl

from portrait_assets.clusters.champion import decide, warm_refit
from portrait_assets.clusters.contract import CLUSTER_MODEL, USED_FEATURES
from portrait_assets.clusters.model import ClusterModel, FeatureUse, fit_model
from portrait_assets.clusters.partition import divide
from portrait_assets.clusters.tracking import track

USES = [FeatureUse(feature.name, str(feature.element)) for feature in USED_FEATURES]
QUARTER = 3
YEAR = 12


def model_in_force(
    features: pl.DataFrame, months_of_history: int, champion: ClusterModel | None
) -> ClusterModel:
    """The model of a month: a pure function of its features and of the model before.

    Behaviour shows over months, so before a quarter has passed all customers are one segment.
    Then their number is chosen (`partition.divide`), and chosen anew a year later. At the end of
    each quarter in between, the champion moved to the newest month challenges the one in force.
    A challenger that wins keeps the champion's segment ids where the segments are the same.

    Args:
        features: the feature matrix of the month.
        months_of_history: months of the source up to and with this one.
        champion: the model of the month before; None for the first.
    """
    if champion is None:
        champion = fit_model(features, USES, segments=1)
    if months_of_history < QUARTER or months_of_history % QUARTER:
        return champion
    is_chosen_anew = months_of_history % YEAR == QUARTER
    challenger = (
        fit_model(features, USES, rule=divide) if is_chosen_anew else warm_refit(champion, features)
    )
    if months_of_history == QUARTER:
        return challenger
    if decide(champion, challenger, features).winner == "champion":
        return champion
    return track(champion, challenger, features)[0]


def model_rows(model: ClusterModel) -> pl.DataFrame:
    """The model as rows of `clusters.cluster_model`, without the month."""
    rows = model.to_rows().with_columns(pl.lit(model.version).alias("model_version"))
    return rows.select(name for name in CLUSTER_MODEL.column_names if name != "as_of")
