"""Checks of the tags room: one row per customer, and only tags and values of the catalogue."""

from __future__ import annotations

import dagster as dg
import polars as pl

from portrait_assets.clusters.checks import EVERYONE_ASSIGNED
from portrait_assets.tags.contract import TAG_CATALOGUE, TAG_TABLE, portrait_matrix_table
from portrait_assets.tags.tag import Catalogue
from portrait_assets.warehouse.checks import (
    SHAPE,
    VALUES,
    Finding,
    Subject,
    TableCheck,
    room_checks,
)


def _only_from_catalogue(subject: Subject) -> Finding:
    catalogue = subject.warehouse.read(TAG_CATALOGUE, [subject.month])
    # A value that is kept carries the version that decided it, which may be no longer in force.
    known = catalogue.select("tag_code", "tag_version", "tag_values")
    held = subject.rows.select("tag_code", "tag_version", "tag_value").unique()
    listed = pl.col("tag_values").list.len() > 0
    stray = held.join(known, on=["tag_code", "tag_version"], how="left").filter(
        pl.col("tag_values").is_null()
        | (listed & ~pl.col("tag_values").list.contains(pl.col("tag_value")))
    )
    return Finding(
        stray.height, f"{held.height} tag values held, {stray.height} not in the catalogue"
    )


ONLY_FROM_CATALOGUE = TableCheck(
    "only_from_catalogue",
    "Every tag, version and value held is one that the catalogue of the month lists.",
    _only_from_catalogue,
    blocking=True,
)


def tags_checks(
    catalogue: Catalogue, partitions: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    """The checks of the tag tables."""
    return room_checks(
        "tags",
        {
            TAG_CATALOGUE: (SHAPE, VALUES),
            TAG_TABLE: (SHAPE, VALUES, ONLY_FROM_CATALOGUE),
            portrait_matrix_table(catalogue): (SHAPE, VALUES, EVERYONE_ASSIGNED),
        },
        partitions,
    )
