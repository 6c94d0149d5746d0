"""Values of a month are those of the methods on the same purchases, and rest on the past alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.core.months import last_day
from portrait_assets.methods.lifetime.backtest import backtest
from portrait_assets.methods.lifetime.transactions import Purchases, purchases
from portrait_assets.methods.lifetime.values import lifetime_values
from portrait_assets.methods.lifetime.windows import Window
from portrait_assets.stages.predictions.value.comparing import windows_of
from portrait_assets.stages.predictions.value.contract import (
    CUSTOMER_VALUE,
    VALUE_MODEL,
    VALUE_PARAMETER,
)
from portrait_assets.testing.worlds.features import day
from portrait_assets_tests.predictions.value.value_world import ValueWorld

JUNE, JULY, AUGUST = "2024-06", "2024-07", "2024-08"
TABLES = (CUSTOMER_VALUE, VALUE_MODEL, VALUE_PARAMETER)
DAYS_AFTER_JUNE = 92


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValueWorld]:
    world = ValueWorld(tmp_path_factory.mktemp("values"))
    world.value()
    yield world
    world.warehouse.close()


def test_values_are_those_of_the_methods_on_the_same_purchases(world: ValueWorld):
    oracle = lifetime_values(world.until(JUNE).lazy(), last_day(JUNE), DAYS_AFTER_JUNE)
    rows = world.rows(CUSTOMER_VALUE, JUNE).sort("customer_id")
    assert rows["method"].unique().to_list() == [oracle.method] == ["BG/NBD"]
    assert rows["customer_id"].to_list() == oracle.values["customer_id"].to_list()
    for name, close in (("expected_purchases", 1e-6), ("p_alive", 1e-6), ("expected_spend", 0.006)):
        found = rows[name].cast(pl.Float64).to_list()
        assert found == pytest.approx(oracle.values[name].to_list(), abs=close), name
    assert rows["horizon"].unique().to_list() == [3]
    assert rows["unit"].unique().to_list() == ["EUR"]


def test_the_model_has_log_likelihood_and_backtest_of_the_window_that_is_over(world: ValueWorld):
    sold = world.until(JUNE)
    oracle = lifetime_values(sold.lazy(), last_day(JUNE), DAYS_AFTER_JUNE)
    window = Window(last_day("2024-03"), last_day(JUNE))
    judged = backtest(Purchases(purchases(sold.lazy())), world.first_day(), window)
    models = {row["method"]: row for row in world.rows(VALUE_MODEL, JUNE).iter_rows(named=True)}
    for fitted in oracle.fits:
        assert models[fitted.name]["log_likelihood"] == pytest.approx(fitted.log_likelihood)
        assert models[fitted.name]["converged"] == fitted.is_usable
    for score in judged.scores:
        row = models[score.name]
        if score.problem:
            assert row["mean_absolute_error"] is None
            assert score.problem in row["reason_en"]
        else:
            assert row["mean_absolute_error"] == pytest.approx(score.mean_absolute_error)
            assert row["total_bias"] == pytest.approx(score.bias)
            assert row["spend_bias"] == pytest.approx(score.spend_bias, abs=1e-4)
    assert [name for name, row in models.items() if row["status"] == "chosen"] == ["BG/NBD"]
    assert models["BG/NBD"]["valued"] == oracle.values.height
    parameters = world.rows(VALUE_PARAMETER, JUNE)
    of_fit = parameters.filter((pl.col("method") == "BG/NBD") & (pl.col("part") == "fit"))
    found = dict(zip(of_fit["key"], of_fit["value"], strict=True))
    for key, value in oracle.fits[0].parameters.items():
        assert found[key] == pytest.approx(value)


def test_intervals_hold_most_of_what_came_true(world: ValueWorld):
    after = world.sales.filter(
        (pl.col("occurred_at").dt.date() > last_day(JUNE))
        & (pl.col("occurred_at").dt.date() <= last_day("2024-09"))
    )
    bought = after.group_by("customer_id").len("bought")
    rows = world.rows(CUSTOMER_VALUE, JUNE).join(bought, on="customer_id", how="left")
    within = pl.col("bought").fill_null(0).is_between("low", "high")
    assert rows.select(within.mean()).item() > 0.9


def test_before_half_a_year_there_are_no_values_and_it_is_said_why(world: ValueWorld):
    may = world.rows(VALUE_MODEL, "2024-05")
    assert world.rows(CUSTOMER_VALUE, "2024-05").is_empty()
    assert world.rows(VALUE_PARAMETER, "2024-05").is_empty()
    assert may["status"].unique().to_list() == ["not judged"]
    assert may["reason_en"][0].startswith("The history is of 5 months")


def test_where_nobody_comes_back_it_is_said(tmp_path: Path):
    world = ValueWorld(tmp_path, customers=20, months=6, comes_back=False)
    world.value([JUNE])
    assert world.rows(CUSTOMER_VALUE, JUNE).is_empty()
    assert world.rows(VALUE_MODEL, JUNE)["reason_en"][0].startswith("Nobody has bought on a second")
    world.warehouse.close()


def test_the_method_is_kept_for_a_quarter_with_its_parameters(world: ValueWorld):
    june, august = (world.rows(VALUE_PARAMETER, month).drop("as_of") for month in (JUNE, AUGUST))
    assert_frame_equal(june, august, check_row_order=False)
    models = world.rows(VALUE_MODEL, AUGUST)
    assert models["compared_in"].unique().to_list() == [JUNE]
    rows = world.rows(CUSTOMER_VALUE, AUGUST)
    assert rows["customer_id"].sort().to_list() == sorted(
        world.until(AUGUST)["customer_id"].unique()
    )


@pytest.mark.slow
def test_in_one_run_or_month_by_month_it_is_the_same_and_later_months_change_nothing(
    world: ValueWorld, tmp_path: Path
):
    shorter = ValueWorld(tmp_path, months=7)
    for month in (JUNE, JULY):
        shorter.value([month])
    for table in TABLES:
        for month in (JUNE, JULY):
            found = shorter.rows(table, month)
            assert_frame_equal(
                found, world.rows(table, month), check_row_order=False, check_exact=True
            )
    shorter.warehouse.close()


@pytest.mark.slow
def test_who_objects_has_no_value_and_is_not_learned_from(tmp_path: Path):
    gone = {f"c{number:04d}": JUNE for number in range(100, 250)}
    leaving = ValueWorld(tmp_path, months=6, leaves=gone)
    leaving.value([JUNE])
    left = leaving.until(JUNE).filter(~pl.col("customer_id").is_in(list(gone)))
    oracle = lifetime_values(left.lazy(), last_day(JUNE), DAYS_AFTER_JUNE)
    rows = leaving.rows(CUSTOMER_VALUE, JUNE).sort("customer_id")
    assert rows["customer_id"].to_list() == oracle.values["customer_id"].to_list()
    models = leaving.rows(VALUE_MODEL, JUNE)
    likelihood = models.filter(pl.col("method") == "BG/NBD")["log_likelihood"].item()
    assert likelihood == pytest.approx(oracle.fits[0].log_likelihood)
    leaving.warehouse.close()


@pytest.mark.parametrize(
    ("first", "month", "windows"),
    [
        ("2024-01-05", "2024-06", [("2024-03-31", "2024-06-30")]),
        ("2022-04-05", "2024-02", [("2023-11-30", "2024-02-29")]),
        (
            "2022-03-05",
            "2024-02",
            [("2023-11-30", "2024-02-29"), ("2023-02-28", "2023-05-31")],
        ),
    ],
)
def test_windows_are_the_newest_that_is_over_and_the_same_season_a_year_before(
    first: str, month: str, windows: list[tuple[str, str]]
):
    found = windows_of(day(first), month)
    assert [(each.base, each.until) for each in found] == [(day(a), day(b)) for a, b in windows]
