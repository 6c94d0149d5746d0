"""What moved between two months: tags gained, lost and changed."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from portrait_assets.tags.contract import TAG_CHANGES
from portrait_assets.tags.expression import NUMERIC
from portrait_assets.tags.tag import Catalogue, Shape
from portrait_assets.warehouse.connection import literal, literals
from portrait_assets.warehouse.contract import Type


def tag_changes(
    catalogue: Catalogue,
    previous: pl.DataFrame | None,
    current: pl.DataFrame,
    as_of: date,
    con: duckdb.DuckDBPyConnection | None = None,
) -> pl.DataFrame:
    """One row per customer and tag whose values differ, with the columns of TAG_CHANGES.

    Args:
        catalogue: tells which tags are numbers or dates; those move by nature and are left out.
        previous: the tag table of the month before; None (no changes) for the first month.
        current: the tag table of the month.
        as_of: the last day of the month.
        con: the connection to compute in; one in memory when None.
    """
    if previous is None:
        return TAG_CHANGES.empty()
    own = con is None
    con = con if con is not None else duckdb.connect()
    try:
        con.register("changes_before", previous)
        con.register("changes_after", current)
        sql = changes_sql(
            catalogue, "SELECT * FROM changes_before", "SELECT * FROM changes_after", as_of
        )
        found: pl.DataFrame = con.sql(sql).pl()
        return found
    finally:
        con.unregister("changes_before")
        con.unregister("changes_after")
        if own:
            con.close()


def changes_sql(catalogue: Catalogue, previous_sql: str, current_sql: str, as_of: date) -> str:
    """The query behind `tag_changes`, for tag tables that are too large for frames."""
    moving = [
        tag.code
        for tag in catalogue.published
        if tag.shape is not Shape.OPEN or tag.type not in (*NUMERIC, Type.DATE)
    ]
    codes = f"tag_code IN ({literals(moving) or literal('')})"
    return (
        f"SELECT DATE {literal(as_of.isoformat())} AS as_of, customer_id, tag_code, "
        "CASE WHEN count(before) = 0 THEN 'gained' WHEN count(after) = 0 THEN 'lost' "
        "ELSE 'changed' END AS change, "
        "string_agg(before, ', ' ORDER BY before) AS value_before, "
        "string_agg(after, ', ' ORDER BY after) AS value_after FROM ("
        "SELECT coalesce(a.customer_id, b.customer_id) AS customer_id, "
        "coalesce(a.tag_code, b.tag_code) AS tag_code, "
        "b.tag_value AS before, a.tag_value AS after "
        f"FROM (SELECT * FROM ({previous_sql}) WHERE {codes}) b "
        f"FULL JOIN (SELECT * FROM ({current_sql}) WHERE {codes}) a "
        "ON a.customer_id = b.customer_id AND a.tag_code = b.tag_code "
        "AND a.tag_value = b.tag_value WHERE a.tag_value IS NULL OR b.tag_value IS NULL"
        ") GROUP BY customer_id, tag_code ORDER BY tag_code, customer_id"
    )
