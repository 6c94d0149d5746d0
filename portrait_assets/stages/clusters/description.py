"""What a month's segments are like: names, sizes, quality, rules, typical customers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.clustering.quality import segment_quality
from portrait_assets.methods.clustering.rules import segment_rules
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.champions.active import USES
from portrait_assets.stages.clusters.contract import (
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
    CLUSTER_TYPICAL,
    UNSAID_OF_FEW,
    USED_FEATURES,
    VALUE_FEATURE,
)
from portrait_assets.stages.clusters.names.bounds import Scale
from portrait_assets.stages.clusters.names.history.lasting import Named, Naming, name_segments
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.profile import (
    profile_segments,
    segment_sizes,
    typical_customers,
)
from portrait_assets.stages.features.declared.feature import Feature

_CALLED = {
    "purchases_1m": "purchases in the month",
    "purchases_3m": "purchases in 3 months",
    "spend_1m": "spend in the month",
    "spend_3m": "spend in 3 months",
}


def _scale(feature: Feature) -> Scale:
    """What it is called, without what it is shrunk to or abbreviated as, and its unit."""
    en = _CALLED.get(feature.name, feature.en.split(" (")[0].split(",")[0])
    label = Label(en[0].lower() + en[1:], re.sub("（[^）]*）", "", feature.zh))
    return Scale(label, feature.unit)


SCALES = {feature.name: _scale(feature) for feature in USED_FEATURES}


class Description(NamedTuple):
    """Rows of `cluster_segment`, `cluster_profile` and `cluster_typical`, without the month.

    `naming` has the names that were derived, whatever names people gave.
    """

    segments: pl.DataFrame
    profile: pl.DataFrame
    typical: pl.DataFrame
    naming: Naming


def describe(
    matrix: pl.DataFrame,
    assigned: pl.DataFrame,
    model: ClusterModel,
    is_new: bool,
    given: Mapping[int, Mapping[str, str]],
    as_of: date,
    before: Mapping[int, Named],
    smallest: int = EVERY_CELL,
) -> Description:
    """Describe the segments of a month.

    Args:
        matrix: the feature matrix of the month.
        assigned: customer_id and segment_id of everyone in it.
        model: the active model of the month.
        is_new: whether the model became active in this month; in later months the status of its
            segments is ``kept``.
        given: names that people gave, by segment id and language.
        as_of: the month's last day.
        before: the names that the segments had in the month before.
        smallest: fewest customers of a level that is listed by itself, and of a segment that is
            described: one of fewer keeps the name that it had, and has size and origin besides.
    """
    given_ids = pl.Series([[*given]], dtype=pl.List(pl.Int64))
    uses = [use for use in USES if use.name in model.preparation.columns]
    sizes = segment_sizes(matrix, assigned).drop("value_share")
    is_few = pl.col("customers") < smallest
    few = sizes.filter(is_few)["segment_id"].to_list()
    # What is compared with, or adds up to 1, is of the others: the difference would be of few.
    others = assigned.filter(~pl.col("segment_id").is_in(few))
    of_others = matrix.join(others, on="customer_id", how="semi") if few else matrix
    profile = profile_segments(of_others, others, uses, VALUE_FEATURE, smallest)
    values = segment_sizes(of_others, others, VALUE_FEATURE).select("segment_id", "value_share")
    naming = name_segments(matrix, assigned, profile, as_of, before, given, SCALES, few)
    named = (
        sizes.join(_shown(naming, given), on="segment_id", how="left")
        .with_columns(
            pl.col("segment_id").is_in(given_ids).alias("name_is_given"),
            pl.lit(model.version).alias("model_version"),
        )
        .join(values, on="segment_id", how="left")
        .join(_origins(model, is_new), on="segment_id", how="left")
        .join(segment_quality(model, matrix, assigned).drop("share"), on="segment_id", how="left")
        .join(_rules(of_others, others, uses), on="segment_id", how="left")
        .with_columns(
            pl.col("status").fill_null("kept"), pl.when(~is_few).then(pl.col(UNSAID_OF_FEW))
        )
    )
    return Description(
        _columns(named, CLUSTER_SEGMENT),
        _columns(profile, CLUSTER_PROFILE),
        _columns(typical_customers(model, matrix, assigned), CLUSTER_TYPICAL),
        naming,
    )


def _shown(naming: Naming, given: Mapping[int, Mapping[str, str]]) -> pl.DataFrame:
    """The names that are shown: as people gave them, otherwise as they were derived."""
    rows = [
        (
            segment,
            given.get(segment, {}).get("en", named.name.en),
            given.get(segment, {}).get("zh", named.name.zh),
        )
        for segment, named in naming.names.items()
    ]
    schema = {"segment_id": pl.Int64(), "name_en": pl.String(), "name_zh": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _origins(model: ClusterModel, is_new: bool) -> pl.DataFrame:
    """Status and origins of the segments; those of a model that stayed are kept."""
    schema = {
        "segment_id": pl.Int64(),
        "status": pl.String(),
        "from_segments": pl.List(pl.String()),
    }
    rows = [
        (
            segment.segment_id,
            segment.status if is_new else "kept",
            [str(s) for s in (segment.from_segments if is_new else (segment.segment_id,))],
        )
        for segment in model.segments
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _rules(
    matrix: pl.DataFrame, assigned: pl.DataFrame, uses: Sequence[FeatureUse]
) -> pl.DataFrame:
    return segment_rules(matrix, assigned, uses).rename(
        {
            "sql": "rule_sql",
            "fidelity": "rule_fidelity",
            "precision": "rule_precision",
            "recall": "rule_recall",
        }
    )


def _columns(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    return frame.select(name for name in table.column_names if name != "as_of")
