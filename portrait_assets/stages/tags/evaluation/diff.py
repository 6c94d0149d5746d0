"""The effect of a change of the catalogue, before it is active."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from portrait_assets.methods.expressions.expression import NUMERIC
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Shape, Status, TagError
from portrait_assets.stages.tags.evaluation.evaluate import evaluate

DIFF_SCHEMA = pl.Schema(
    {
        "tag_code": pl.String(),
        "tag_value": pl.String(),
        "before": pl.Int64(),
        "after": pl.Int64(),
        "entering": pl.Int64(),
        "leaving": pl.Int64(),
    }
)
"""Columns of a catalogue diff; the counts are customers."""


def with_drafts_active(catalogue: Catalogue, codes: Collection[str] | None = None) -> Catalogue:
    """The catalogue as if the drafts of these tags (all drafts when None) were active.

    Raises:
        TagError: when a code has no draft, or there is no draft at all.
    """
    drafts = {tag.code for tag in catalogue.tags if tag.status is Status.DRAFT}
    wanted = drafts if codes is None else set(codes)
    for code in sorted(wanted - drafts):
        raise TagError(f"Tag {catalogue.tag(code).code} has no draft; there is nothing to compare.")
    if not wanted:
        raise TagError("No tag has a draft; write one into the source's tags.yaml first.")
    tags = []
    for tag in catalogue.tags:
        if tag.code in wanted and tag.status is not Status.DRAFT:
            continue
        active = tag.code in wanted and tag.status is Status.DRAFT
        tags.append(replace(tag, status=Status.ACTIVE, effective_from=None) if active else tag)
    return replace(catalogue, tags=tuple(tags))


def catalogue_diff(
    before: Catalogue,
    after: Catalogue,
    features: pl.DataFrame,
    segments: pl.DataFrame | None,
    previous: pl.DataFrame | None,
    as_of: date,
    given: Collection[str] | None = None,
    permissions: pl.DataFrame | None = None,
    predicted: Mapping[Table, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Customers entering and leaving each value, with the columns of DIFF_SCHEMA.

    Only values that someone enters or leaves are listed. Tags that are numbers or dates count as
    one value 'any'. The frames, and `given`, are those of `evaluate`, of one month.
    """
    old, new = (
        _values(
            each,
            evaluate(
                each, features, segments, previous, as_of, given, permissions, predicted
            ).tag_table,
        )
        for each in (before, after)
    )
    keys = ["customer_id", "tag_code", "tag_value"]
    both = old.with_columns(was=True).join(
        new.with_columns(becomes=True), on=keys, how="full", coalesce=True
    )
    was, becomes = pl.col("was").fill_null(False), pl.col("becomes").fill_null(False)
    return (
        both.group_by("tag_code", "tag_value")
        .agg(
            was.sum().cast(pl.Int64).alias("before"),
            becomes.sum().cast(pl.Int64).alias("after"),
            (becomes & ~was).sum().cast(pl.Int64).alias("entering"),
            (was & ~becomes).sum().cast(pl.Int64).alias("leaving"),
        )
        .filter((pl.col("entering") > 0) | (pl.col("leaving") > 0))
        .sort("tag_code", "tag_value")
        .select(DIFF_SCHEMA.names())
    )


def _values(catalogue: Catalogue, tag_table: pl.DataFrame) -> pl.DataFrame:
    numbers = [
        tag.code
        for tag in catalogue.tags
        if tag.shape is Shape.OPEN and tag.type in (*NUMERIC, Type.DATE)
    ]
    value = pl.when(pl.col("tag_code").is_in(numbers)).then(pl.lit("any")).otherwise("tag_value")
    return tag_table.select("customer_id", "tag_code", value.alias("tag_value"))
