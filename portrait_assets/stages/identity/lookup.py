"""The customer of a record: as last known, and as of the month of each row."""

from __future__ import annotations

import polars as pl


def first_day() -> pl.Expr:
    """The first day of the row's `month`, as a date."""
    return (pl.col("month") + "-01").str.to_date()


def as_known(identity_map: pl.DataFrame) -> pl.DataFrame:
    """The last word on each record: one row per source_customer_id."""
    return identity_map.sort("month").unique("source_customer_id", keep="last", maintain_order=True)


def moved(identity_map: pl.DataFrame) -> pl.DataFrame:
    """The rows of the map about records that are or were someone else's, as asof joins take them.

    Returns:
        `customer_id` (the source's), `person` and `known_on`, in the order of `known_on`.
    """
    is_moved = pl.col("source_customer_id") != pl.col("customer_id")
    concerned = identity_map.filter(is_moved)["source_customer_id"].unique()
    return (
        identity_map.filter(pl.col("source_customer_id").is_in(concerned.implode()))
        .select(
            pl.col("source_customer_id").alias("customer_id"),
            pl.col("customer_id").alias("person"),
            first_day().alias("known_on"),
        )
        .sort("known_on")
    )


def with_customer_id(frame: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """The frame with the source's `customer_id` replaced by the customer as of the row's month.

    Args:
        frame: rows with `month` and `customer_id`.
        persons: what `moved` gives of the identity map.
    """
    if persons.is_empty():
        return frame
    rows = frame.with_row_index("place")
    concerned = rows.filter(pl.col("customer_id").is_in(persons["customer_id"].implode()))
    found = (
        concerned.select("place", "customer_id", first_day().alias("on"))
        .sort("on")
        .join_asof(
            persons, left_on="on", right_on="known_on", by="customer_id", check_sortedness=False
        )
        .select("place", "person")
    )
    return (
        rows.join(found, on="place", how="left", maintain_order="left")
        .with_columns(pl.coalesce("person", "customer_id").alias("customer_id"))
        .drop("person", "place")
    )
