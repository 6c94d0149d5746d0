"""Monthly aggregates: the matrix over them is that of one query over the rows themselves."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.oracles.features_by_hand import features_by_hand
from portrait_assets.testing.worlds.feature_bank import MONTHS, bank
from portrait_assets.testing.worlds.features import MONTHLY_TABLES, World


@pytest.fixture(scope="module")
def world() -> World:
    return bank(seed=1)


@pytest.fixture(scope="module")
def matrix(world: World) -> pl.DataFrame:
    return world.matrix(MONTHS[-1], part_customers=30)


@pytest.mark.slow
def test_aggregating_by_month_first_changes_no_value(world: World, matrix: pl.DataFrame):
    for name in CLEANED:
        world.con.execute(f"CREATE VIEW {name} AS FROM cleaned.{name}")
    with Engine(world.con).rows(PRODUCT, Scope(MONTHS[-1])) as product:
        assert isinstance(product, Query)
        world.con.execute(f"CREATE TEMP TABLE product AS {product.sql}")
    at_once = world.con.sql(features_by_hand(MONTHS[-1])).pl().sort("customer_id")
    at_once = at_once.select(FEATURE_MATRIX.column_names).cast(FEATURE_MATRIX.polars_schema)
    assert_frame_equal(at_once, matrix, check_exact=True)
    with_values = {name for name in matrix.columns if matrix[name].null_count() < matrix.height}
    assert {"market_reaction_12m", "withdrawal_reaction_12m", "campaign_uplift_12m"} <= with_values


@pytest.mark.parametrize(
    "name", ["recency_days", "spend_trend_3m", "missing_attributes", "spend_12m",
             "top_category_share_12m", "response_rate_12m", "risk_appetite_12m",
             "market_reaction_12m"]
)  # fmt: skip
def test_a_feature_alone_has_the_value_that_it_has_in_the_matrix(
    world: World, matrix: pl.DataFrame, name: str
):
    of_all = dict(matrix.select("customer_id", name).iter_rows())
    assert world.feature(name, MONTHS[-1]) == of_all
    assert any(value is not None for value in of_all.values())


def test_monthly_aggregates_lie_in_customers_order(world: World):
    for table in MONTHLY_TABLES[1:]:
        rows = world.table(table)
        assert rows["customer_id"].n_unique() > 10
        for (month,), of_month in rows.group_by("month", maintain_order=True):
            assert of_month["customer_id"].is_sorted(), f"{table.full_name} of {month}"
