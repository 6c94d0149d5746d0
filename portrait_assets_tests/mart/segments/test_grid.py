"""The business grid: a cell for everyone who is in a segment, and the segments beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from portrait_assets.schema.table import Table
from portrait_assets.stages.mart.segments.grid import business_grid
from portrait_assets.storage.duckdb.connection import scratch_database


@dataclass(frozen=True)
class _Matrix:
    """What the grid asks of the contract of the portrait matrix."""

    column_names: tuple[str, ...]
    full_name: str = "tags.portrait_matrix"


def cells(*tags: str) -> list[tuple[object, ...]]:
    """Of a base with these tags: customer, cell, wealth segment and part."""
    view = business_grid([cast(Table, _Matrix(("as_of", "customer_id", "segment_id", *tags)))])
    with scratch_database() as con:
        con.execute("CREATE SCHEMA tags; CREATE SCHEMA clusters")
        con.execute(
            "CREATE TABLE tags.portrait_matrix AS SELECT * FROM (VALUES "
            "('m', 'a', 1, 'high', 'family', 'bold'), ('m', 'b', 2, 'low', NULL, 'cautious'), "
            "('m', 'refuses', NULL, NULL, NULL, NULL)) "
            "AS t(as_of, customer_id, segment_id, value_tier, family_stage, risk_appetite)"
        )
        con.execute(
            "CREATE TABLE clusters.wealth_segment AS SELECT 'm' AS as_of, 'a' AS customer_id, "
            "7 AS segment_id, 'holding fund' AS name"
        )
        con.execute(
            "CREATE TABLE clusters.micro_segment AS SELECT 'm' AS as_of, 'a' AS customer_id, "
            "2 AS micro_id, 'holding fund: frequent' AS name"
        )
        query = (
            f"SELECT customer_id, cell, wealth_segment_id, micro_id FROM ({view.sql}) ORDER BY 1"
        )
        return con.execute(query).fetchall()


def test_a_cell_is_tier_stage_and_risk_and_who_refuses_profiling_is_in_none() -> None:
    assert cells("value_tier", "family_stage", "risk_appetite") == [
        ("a", "high / family / bold", 7, 2),
        ("b", "low / unknown / cautious", None, None),
    ]


def test_a_side_without_its_tag_is_unknown_of_everyone() -> None:
    assert cells("value_tier") == [
        ("a", "high / unknown / unknown", 7, 2),
        ("b", "low / unknown / unknown", None, None),
    ]
