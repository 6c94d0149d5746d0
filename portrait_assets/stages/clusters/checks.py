"""Checks of the clusters room: everyone has one segment, and a segment is more than a handful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import (
    CLUSTER_ASSIGNMENT,
    CLUSTER_DECISION,
    CLUSTER_MODEL,
    CLUSTER_SEGMENT,
)
from portrait_assets.stages.clusters.micro.checks import PARTS_EARN_IT, PARTS_LARGE
from portrait_assets.stages.clusters.micro.contract import MICRO_PROOF, MICRO_SEGMENT
from portrait_assets.stages.clusters.names.checks import NAMES_DISTINCT, NAMES_EXPLAINED, NAMES_TRUE
from portrait_assets.stages.clusters.names.contract import SEGMENT_EVENT, SEGMENT_NAME
from portrait_assets.stages.clusters.wealth.checks import (
    WEALTH_AS_ASKED,
    WEALTH_EVERYONE,
    WEALTH_NAMES_DISTINCT,
    WEALTH_NAMES_EXPLAINED,
)
from portrait_assets.stages.clusters.wealth.contract import (
    WEALTH_DECISION,
    WEALTH_DESCRIPTION,
    WEALTH_SEGMENT,
)
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.partitions import select_sql

SMALLEST_SHARE = 0.01


def everyone_of_the_matrix(subject: Subject) -> Finding:
    """The customers are exactly those of the feature matrix."""
    months = [subject.month]
    subject.warehouse.require(FEATURE_MATRIX, months)
    here, expected, apart = subject.warehouse.select(
        "SELECT count(h.customer_id), count(e.customer_id), "
        "count(*) FILTER (h.customer_id IS NULL OR e.customer_id IS NULL) "
        f"FROM (SELECT DISTINCT customer_id FROM ({select_sql(subject.table, months)})) AS h "
        f"FULL JOIN (SELECT customer_id FROM ({select_sql(FEATURE_MATRIX, months)})) AS e "
        "ON h.customer_id = e.customer_id"
    ).row(0)
    return Finding(apart, f"{here} customers of {expected} in the feature matrix")


def _no_tiny_segment(subject: Subject) -> Finding:
    tiny = subject.rows.filter(pl.col("share") < SMALLEST_SHARE)
    shares = ", ".join(
        f"{row['segment_id']}: {row['share']:.1%}"
        for row in subject.rows.sort("segment_id").iter_rows(named=True)
    )
    return Finding(tiny.height, f"shares by segment {shares}")


def _segments_stable(subject: Subject) -> Finding:
    unstable = subject.rows.filter(~pl.col("is_stable"))
    return Finding(unstable.height, " ".join(subject.rows["statement_en"]))


def _of_enough(subject: Subject) -> Finding:
    """Levels and segments whose share of the rows that it is counted over is that of few."""
    is_fitted = (pl.col("part") == "model") & (pl.col("key") == "fitted_rows")
    fitted = subject.rows.filter(is_fitted)["value"].max()
    of = subject.rows.filter(
        pl.col("part").is_in(["level", "segment"]) & (pl.col("key") == "share")
    )
    samples = RULE.samples
    most = pl.when(part="level").then(samples.preparation_rows).otherwise(samples.fit_rows)
    rows = (pl.col("value") * pl.min_horizontal(most, pl.lit(fitted))).round()
    few = of.filter((rows > 0) & (rows < SMALLEST_CELL)).sort("part", "item", "position")
    shown = ", ".join(f"{part} {item}" for part, item in few.select("part", "item").iter_rows())
    return Finding(few.height, shown or f"{of.height} levels and segments")


EVERYONE_ASSIGNED = TableCheck("everyone_assigned", everyone_of_the_matrix, blocking=True)
NO_TINY_SEGMENT = TableCheck(
    "no_tiny_segment",
    _no_tiny_segment,
    f"No segment holds less than {SMALLEST_SHARE:.0%} of the customers.",
    severity=WARN,
)


MODEL_OF_ENOUGH = TableCheck(
    "model_of_enough",
    _of_enough,
    f"No level and no segment of a model rests on fewer than {SMALLEST_CELL} customers.",
    severity=WARN,
)
SEGMENTS_STABLE = TableCheck(
    "segments_stable",
    _segments_stable,
    f"Two bootstrap refits agree at an adjusted Rand index of {RULE.stability.stable:g} or better.",
    severity=WARN,
)


CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CLUSTER_MODEL: (MODEL_OF_ENOUGH,),
    CLUSTER_DECISION: (SEGMENTS_STABLE,),
    CLUSTER_ASSIGNMENT: (EVERYONE_ASSIGNED,),
    CLUSTER_SEGMENT: (NO_TINY_SEGMENT, NAMES_DISTINCT, NAMES_EXPLAINED),
    SEGMENT_NAME: (NAMES_TRUE,),
    SEGMENT_EVENT: (WEALTH_NAMES_EXPLAINED,),
    WEALTH_SEGMENT: (WEALTH_EVERYONE,),
    WEALTH_DESCRIPTION: (WEALTH_NAMES_DISTINCT,),
    WEALTH_DECISION: (WEALTH_AS_ASKED,),
    MICRO_SEGMENT: (PARTS_LARGE,),
    MICRO_PROOF: (PARTS_EARN_IT,),
}
