"""Checks of the tags stage: one row per customer, and only tags and values of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.checks import EVERYONE_ASSIGNED
from portrait_assets.stages.tags.audiences.saved_audiences import SavedAudience
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import (
    AUDIENCE_MEMBERSHIP,
    TAG_CATALOGUE,
    portrait_matrix_table,
)
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.dagster.checks import (
    Finding,
    Subject,
    TableCheck,
)
from portrait_assets.storage.duckdb.connection import literal, literals


def _only_from_catalogue(subject: Subject) -> Finding:
    # A kept value has the version that decided it, which the catalogue may no longer have.
    day = literal(last_day(subject.month))
    versions = subject.warehouse.select(
        f"SELECT DISTINCT tag_code, tag_version, tag_values FROM {TAG_CATALOGUE.full_name} "
        f"WHERE as_of = {day} OR as_of < {day} AND in_force"
    )
    listed = pl.col("tag_values").list.len() > 0
    enumerated = literals(["", *versions.filter(listed)["tag_code"].unique().sort()])
    assigned = subject.warehouse.select(
        "SELECT DISTINCT tag_code, tag_version, "
        f"CASE WHEN tag_code IN ({enumerated}) THEN tag_value END AS tag_value "
        f"FROM {subject.table.full_name} WHERE as_of = {day}"
    )
    stray = assigned.join(versions, on=["tag_code", "tag_version"], how="left").filter(
        pl.col("tag_values").is_null()
        | (listed & ~pl.col("tag_values").list.contains(pl.col("tag_value")))
    )
    return Finding(
        stray.height, f"{assigned.height} tag values held, {stray.height} not in the catalogue"
    )


ONLY_FROM_CATALOGUE = TableCheck(
    "only_from_catalogue",
    "Every tag, version and value held is one that the catalogue of the month lists, or an earlier "
    "month used.",
    _only_from_catalogue,
    blocking=True,
)


def every_audience_has_members(audiences: Sequence[SavedAudience]) -> TableCheck:
    """The check that each of these saved audiences has at least one member."""

    def find(subject: Subject) -> Finding:
        sizes = subject.rows.filter("is_member")["audience_code"].value_counts()
        empty = sorted({a.code for a in audiences} - set(sizes["audience_code"]))
        observed = f"nobody is in {', '.join(empty)}" if empty else f"{len(audiences)} audiences"
        return Finding(len(empty), observed)

    return TableCheck(
        "somebody",
        "Every saved audience selects at least one customer.",
        find,
        severity=dg.AssetCheckSeverity.WARN,
    )


def tags_checks(
    catalogue: Catalogue, audiences: Sequence[SavedAudience]
) -> dict[Table, Sequence[TableCheck]]:
    """The checks of the tag tables besides their contracts."""
    return {
        tag_table(catalogue): (ONLY_FROM_CATALOGUE,),
        portrait_matrix_table(catalogue): (EVERYONE_ASSIGNED,),
        AUDIENCE_MEMBERSHIP: (every_audience_has_members(audiences),) if audiences else (),
    }
