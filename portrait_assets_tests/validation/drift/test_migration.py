"""Migration accounts for every customer of both months."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.validation.drift.migration import migration
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.shop import SHOP_MONTHS

pytestmark = pytest.mark.slow  # They look at a whole run.


def test_moves_entries_and_exits_add_up_to_the_customers_of_both_months(
    warehouse: Warehouse, matrix: Table
):
    before, after = SHOP_MONTHS[1:3]
    gone = warehouse.read(matrix, [before])["customer_id"][0]
    warehouse.con.execute(
        f"DELETE FROM tags.portrait_matrix WHERE as_of = '2024-03-31' AND customer_id = '{gone}'"
    )
    found = migration(warehouse, matrix, [after]).filter(pl.col("dimension") == "segment")
    stayed = found.filter(pl.col("value_before").is_not_null())
    assert stayed["customers"].sum() == warehouse.read(matrix, [before]).height
    assert (
        found.filter(pl.col("value_after").is_not_null())["customers"].sum()
        == warehouse.read(matrix, [after]).height
    )
    assert found.filter(pl.col("value_after").is_null())["customers"].to_list() == [1]
    shares = stayed.group_by("value_before").agg(pl.col("share").sum().round(4))
    assert shares["share"].to_list() == [1.0] * shares.height


def test_the_first_month_has_no_migration(warehouse: Warehouse, matrix: Table):
    assert migration(warehouse, matrix, SHOP_MONTHS[:1]).is_empty()
