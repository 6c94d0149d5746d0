"""Checks of the tags stage: one row per customer, and only tags and values of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

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
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.duckdb.store import Warehouse


def _only_from_catalogue(
    warehouse: Warehouse, table: Table, months: Sequence[str]
) -> Mapping[str, Finding]:
    """Every tag, version and value held is one that the catalogue of the month lists, or an earlier
    month used.
    """
    listed = warehouse.select(
        f"SELECT DISTINCT as_of, in_force, tag_code, tag_version, tag_values "
        f"FROM {TAG_CATALOGUE.full_name} WHERE as_of <= {literal(last_day(max(months)))}"
    )
    enumerated = literals(["", *listed.filter(_IS_LISTED)["tag_code"].unique().sort()])
    assigned = warehouse.select(
        "SELECT DISTINCT as_of, tag_code, tag_version, "
        f"CASE WHEN tag_code IN ({enumerated}) THEN tag_value END AS tag_value "
        f"FROM {table.full_name} WHERE as_of IN ({literals(map(last_day, months))})"
    )
    return {month: _strays(assigned, listed, last_day(month)) for month in months}


_IS_LISTED = pl.col("tag_values").list.len() > 0


def _strays(assigned: pl.DataFrame, listed: pl.DataFrame, day: date) -> Finding:
    # A kept value has the version that decided it, which the catalogue may no longer have.
    as_of = pl.col("as_of")
    versions = (
        listed.filter((as_of == day) | (as_of < day) & pl.col("in_force"))
        .select("tag_code", "tag_version", "tag_values")
        .unique()
    )
    # Values of a tag that only another month lists are not compared in this one.
    own = assigned.filter(as_of == day).drop("as_of")
    own = own.with_columns(
        pl.when(pl.col("tag_code").is_in(versions.filter(_IS_LISTED)["tag_code"].implode()))
        .then("tag_value")
        .alias("tag_value")
    ).unique()
    stray = own.join(versions, on=["tag_code", "tag_version"], how="left").filter(
        pl.col("tag_values").is_null()
        | (_IS_LISTED & ~pl.col("tag_values").list.contains(pl.col("tag_value")))
    )
    return Finding(
        stray.height, f"{own.height} tag values held, {stray.height} not in the catalogue"
    )


ONLY_FROM_CATALOGUE = TableCheck.of_each("only_from_catalogue", _only_from_catalogue, blocking=True)


def every_audience_has_members(audiences: Sequence[SavedAudience]) -> TableCheck:
    """The check that each of these saved audiences has at least one member."""

    def find(subject: Subject) -> Finding:
        sizes = subject.rows.filter("is_member")["audience_code"].value_counts()
        empty = sorted({a.code for a in audiences} - set(sizes["audience_code"]))
        observed = f"nobody is in {', '.join(empty)}" if empty else f"{len(audiences)} audiences"
        return Finding(len(empty), observed)

    return TableCheck(
        "somebody",
        find,
        "Every saved audience selects at least one customer.",
        severity=WARN,
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
