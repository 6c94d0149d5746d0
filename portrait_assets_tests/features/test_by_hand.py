"""Monthly aggregates: the matrix over them is that of one query over the rows themselves."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.products import PRODUCT
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.feature_bank import MONTHS, bank
from portrait_assets.testing.feature_world import MONTHLY_TABLES, World
from portrait_assets.testing.features_by_hand import features_by_hand


@pytest.fixture(scope="module")
def world() -> World:
    return bank(seed=1)


def test_aggregating_by_month_first_changes_no_value(world: World):
    for name in CLEANED:
        world.con.execute(f"CREATE VIEW {name} AS FROM cleaned.{name}")
    with Engine(world.con).rows(PRODUCT, Scope(MONTHS[-1])) as product:
        assert isinstance(product, Query)
        world.con.execute(f"CREATE TEMP TABLE product AS {product.sql}")
    at_once = world.con.sql(features_by_hand(MONTHS[-1])).pl().sort("customer_id")
    at_once = at_once.select(FEATURE_MATRIX.column_names).cast(FEATURE_MATRIX.polars_schema)
    by_month = world.matrix(MONTHS[-1], part_customers=30)
    assert_frame_equal(at_once, by_month, check_exact=True)
    with_values = {
        name for name in by_month.columns if by_month[name].null_count() < by_month.height
    }
    assert {"market_reaction_12m", "withdrawal_reaction_12m", "campaign_uplift_12m"} <= with_values


def test_monthly_aggregates_lie_in_customers_order(world: World):
    for table in MONTHLY_TABLES[1:]:
        rows = world.table(table)
        assert rows["customer_id"].n_unique() > 10
        for (month,), of_month in rows.group_by("month", maintain_order=True):
            assert of_month["customer_id"].is_sorted(), f"{table.full_name} of {month}"
