"""What was fitted is stored as rows, with which some customers can be computed by themselves."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.stages.features.contract import FEATURE_MATRIX, FITTED
from portrait_assets.stages.features.matrix import BASES
from portrait_assets.stages.features.matrix import FEATURE_MATRIX as MATRIX
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import Fits, is_fit, stored_fits
from portrait_assets.storage.steps import Scope, Step, upstream
from portrait_assets.testing.worlds.feature_bank import MONTHS, bank
from portrait_assets.testing.worlds.features import World


@pytest.fixture(scope="module")
def world() -> World:
    """A bank with its fits of the last month stored."""
    world = bank(seed=5)
    fits = Fits(world.con)
    Engine(world.con, on_standing=fits.keep).frame(MATRIX, Scope(MONTHS[-1]))
    world.con.execute(create_table_sql(FITTED, column_types(FITTED)))
    for frame in fits.rows:
        world._insert(FITTED, frame)
    return world


def test_a_handful_of_customers_is_computed_from_the_stored_fits(world: World):
    whole = world.matrix(MONTHS[-1])
    few = whole["customer_id"].to_list()[3:8]
    names = ", ".join(f"'{name}'" for name in few)
    given = stored_fits(world.con, FITTED, MONTHS[-1], MATRIX)
    rows = Engine(world.con, given).frame(MATRIX, Scope(MONTHS[-1], f"customer_id IN ({names})"))
    rows = rows.select(FEATURE_MATRIX.column_names).cast(FEATURE_MATRIX.polars_schema)
    assert_frame_equal(rows, whole.filter(pl.col("customer_id").is_in(few)), check_exact=True)


@pytest.mark.slow
def test_without_the_fits_they_would_be_compared_with_themselves(world: World):
    """The population of a fit is everyone, however few customers are computed."""
    few = Scope(MONTHS[-1], "customer_id < 'c2'")
    whole = world.matrix(MONTHS[-1])
    rows = Engine(world.con).frame(MATRIX, few).select(FEATURE_MATRIX.column_names)
    expected = whole.filter(pl.col("customer_id") < "c2")
    assert 0 < expected.height < whole.height
    assert_frame_equal(
        rows.cast(FEATURE_MATRIX.polars_schema)["response_rate_12m"].to_frame(),
        expected["response_rate_12m"].to_frame(),
    )


def test_every_fit_is_stored_with_its_types(world: World):
    fits = {step.name for step in upstream(MATRIX) if isinstance(step, Step) and is_fit(step)}
    stored = world.table(FITTED)
    assert set(stored["step"]) == fits
    assert {step.name for step in BASES.values()} <= fits
    ratio = stored.filter(pl.col("step") == "base_uplift")
    assert ratio["column_type"].to_list() == ["DOUBLE"]
    assert float(ratio["value"][0] or 0) > 0
    assert set(stored.filter(pl.col("step") == "base_category")["column_name"]) == {
        "category_no",
        "line_share",
        "buyers",
    }


def test_a_month_that_has_no_fits_gives_none(world: World):
    assert stored_fits(world.con, FITTED, "1999-01", MATRIX) == {}


def test_rows_are_numbered_in_an_order_of_their_own(world: World):
    """Equal inputs give equal contents, whatever order DuckDB computes rows in."""
    stored = world.table(FITTED).filter(
        pl.col("step") == "base_category", column_name="category_no"
    )
    numbers = stored.sort("row_no")["value"].cast(pl.Int64)
    assert numbers.len() > 1
    assert numbers.is_sorted()
