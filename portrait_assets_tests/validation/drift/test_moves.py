"""Who moved between segments and tiers, and by what customers are counted, by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.validation.backtests.buckets import bucket_sql
from portrait_assets.stages.validation.backtests.cells import SUMS, Cells
from portrait_assets.stages.validation.backtests.claims import Buckets, Claim
from portrait_assets.stages.validation.backtests.orders import bucket_order
from portrait_assets.stages.validation.drift.migration import migration
from portrait_assets.stages.validation.drift.moves import _bins
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

MATRIX = matrix_of(Column("value_tier", Type.TEXT, "Tier", "层级"))


def test_moves_are_between_a_month_and_the_one_before_it(tmp_path: Path):
    """Who is in no segment of a month enters in the next one, or has left."""
    world = SmallWorld(tmp_path, MATRIX, 5)
    tiers = ["high", "high", "low", "low", None]
    world.add("2024-01", {"segment_id": [1, 1, 1, 2, None], "value_tier": tiers})
    world.add("2024-02", {"segment_id": [1, 1, 2, None, 2], "value_tier": tiers})
    world.add("2024-04", {"segment_id": [1] * 5, "value_tier": tiers})
    found = migration(world.warehouse, MATRIX, ["2024-01", "2024-02", "2024-04"])
    assert found["as_of"].unique().to_list() == [date(2024, 2, 29)]
    names = ["value_before", "value_after", "customers", "share"]
    assert found.filter(dimension="segment").select(names).rows() == [
        ("1", "1", 2, round(2 / 3, 6)),
        ("1", "2", 1, round(1 / 3, 6)),
        ("2", None, 1, 1.0),
        (None, "2", 1, None),
    ]
    assert found.filter(dimension="value_tier").select(names).rows() == [
        ("high", "high", 2, 1.0),
        ("low", "low", 2, 1.0),
    ]


def test_several_values_of_a_customer_are_one_bucket_in_any_order():
    likes = pl.DataFrame({"likes": [["tea", "jam"], ["jam", "tea"], ["tea"], [], None]})
    column = Column("likes", Type.TEXTS, "Likes", "喜好")
    with scratch_database() as con:
        con.register("people", likes)
        found = con.sql(f"SELECT {bucket_sql(column, Buckets.LEVELS)} AS b FROM people AS p").pl()
    assert found["b"].to_list() == ["jam + tea", "jam + tea", "tea", None, None]


@pytest.mark.parametrize("last", [7.0, 9.0])
def test_a_value_on_an_edge_lies_below_it_and_none_is_after_the_last(last: float):
    values = pl.Series([0.0, 2.0, 2.5, 4.0, last, None], dtype=pl.Float64)
    tenths = np.array([0, 4, 9, 10])
    assert _bins(values, np.array([2.0, 4.0]), tenths).tolist() == [0, 0, 4, 4, 9, 10]


def test_each_half_of_the_customers_is_ordered_as_the_other_half_was():
    """Nothing is known of a window before: of either half the rates are those of the other."""
    cells = np.zeros((len(SUMS), 2, 2))
    cells[0] = 10
    cells[1] = [[1, 9], [8, 2]]
    claim = Claim("likes", outcome("purchase"), learned=True)
    order, tag = bucket_order(claim, Cells(("tea", "jam"), cells), None)
    assert order.buckets == ("1:tea", "0:jam", "0:tea", "1:jam")
    assert [order.names[at] for at in order.values] == ["tea", "jam", "tea", "jam"]
    hits = dict(zip(tag.buckets, tag.hits.tolist(), strict=True))
    assert hits == {"0:tea": 1, "0:jam": 9, "1:tea": 8, "1:jam": 2}
