"""Which records are one customer: today, those with the same identifier in the source."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from portrait_assets.cleaned.contract import IDENTITY_MAP
from portrait_assets.cleaned.typing import as_text

EVIDENCE = "same identifier in the source"


def new_identities(tables: Iterable[pl.LazyFrame], known: pl.DataFrame) -> pl.DataFrame:
    """The identifiers seen for the first time, as `cleaned.identity_map` holds them.

    Args:
        tables: raw tables with `month` and `customer_id`, of the months to be mapped.
        known: the identity map of all months before those.

    Returns:
        One row per new identifier in the month in which it is first seen.
    """
    seen = [
        table.select("month", as_text("customer_id").alias("source_customer_id"))
        .group_by("source_customer_id")
        .agg(pl.col("month").min())
        for table in tables
    ]
    return (
        pl.concat(seen)
        .drop_nulls("source_customer_id")
        .group_by("source_customer_id")
        .agg(pl.col("month").min())
        .join(known.lazy(), on="source_customer_id", how="anti")
        .with_columns(
            pl.col("source_customer_id").alias("customer_id"),
            (pl.col("month") + "-01").str.to_date().alias("valid_from"),
            pl.lit(1.0).alias("match_probability"),
            pl.lit(EVIDENCE).alias("evidence"),
        )
        .select(IDENTITY_MAP.column_names)
        .sort("month", "source_customer_id")
        .collect(engine="streaming")
    )


def with_customer_id(frame: pl.DataFrame, identity_map: pl.DataFrame) -> pl.DataFrame:
    """The frame with the source's `customer_id` replaced by the customer that it belongs to."""
    moved = identity_map.filter(pl.col("source_customer_id") != pl.col("customer_id"))
    if moved.is_empty():
        return frame
    lookup = moved.select(
        pl.col("source_customer_id").alias("customer_id"), pl.col("customer_id").alias("person")
    )
    return (
        frame.join(lookup, on="customer_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce("person", "customer_id").alias("customer_id"))
        .drop("person")
    )
