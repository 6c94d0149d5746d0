"""Months of a warehouse: spells carried from one to the next, judged, and checked."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.lifecycle.assets import TABLES, backtests, spells_of
from portrait_assets.stages.predictions.lifecycle.checks import BETTER, NO_GAP, ONE_STAGE
from portrait_assets.stages.predictions.lifecycle.contract import (
    LIFECYCLE_BACKTEST,
    LIFECYCLE_STAGE,
)
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome, packaged_targets
from portrait_assets.storage.dagster.checks import TableCheck
from portrait_assets_tests.predictions.prediction_world import PredictionWorld

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05"]
TARGETS = packaged_targets()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PredictionWorld:
    folder = tmp_path_factory.mktemp("lifecycle")
    targets = Targets((outcome("silence"), outcome("spend")))
    world = PredictionWorld(folder, customers=600, targets=targets)
    world.predict()
    warehouse = world.warehouse
    warehouse.write(LIFECYCLE_STAGE, MONTHS, spells_of(warehouse, TARGETS, MONTHS))
    warehouse.write(LIFECYCLE_BACKTEST, MONTHS, backtests(warehouse, TARGETS, MONTHS, 10))
    return world


@pytest.mark.slow
def test_each_month_by_itself_is_what_all_give_together(world: PredictionWorld):
    warehouse = world.warehouse
    stored = warehouse.read(LIFECYCLE_STAGE, [MONTHS[-1]])
    (alone,) = spells_of(warehouse, TARGETS, MONTHS[-1:])
    assert alone.equals(stored)
    assert {"maturity", "dormancy"} <= set(stored["stage"])
    assert stored["left_on"].drop_nulls().unique().to_list() == [last_day(MONTHS[-1])]


def test_windows_that_are_over_are_judged_beside_the_rules(world: PredictionWorld):
    rows = world.warehouse.read(LIFECYCLE_BACKTEST, MONTHS)
    assert rows["base_month"].unique().sort().to_list() == MONTHS[1:-1]
    newest = rows.filter(pl.col("as_of") == last_day(MONTHS[-1])).sort("measure")
    assert newest["verdict"].to_list() == ["better", "better"], "here rules put all in one stage"
    assert newest["rule_value"].to_list() == pytest.approx([0.5, math.log(2)], abs=0.01)
    assert backtests(world.warehouse, TARGETS, MONTHS, 1_000).is_empty(), "too few to be shown"


def test_windows_of_different_lengths_are_not_judged_together(world: PredictionWorld):
    longer = replace(outcome("silence"), prediction_horizon=2)
    targets = Targets((longer, outcome("spend")))
    assert backtests(world.warehouse, targets, MONTHS, 10).is_empty()


@pytest.mark.parametrize(
    ("check", "table"),
    [(ONE_STAGE, LIFECYCLE_STAGE), (NO_GAP, LIFECYCLE_STAGE), (BETTER, LIFECYCLE_BACKTEST)],
)
def test_a_month_as_it_was_made_passes(world: PredictionWorld, check: TableCheck, table: Table):
    assert world.found(check, table).failures == 0


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (ONE_STAGE, {"left_on": last_day(MONTHS[-1])}),
        (NO_GAP, {"entered_on": last_day("2023-01")}),
        (NO_GAP, {"left_on": last_day("2023-01")}),
    ],
    ids=["in no stage", "in it since another day", "left before it began"],
)
def test_a_spell_in_disorder_is_found(
    world: PredictionWorld, check: TableCheck, change: dict[str, object]
):
    rows = world.warehouse.read(LIFECYCLE_STAGE, [MONTHS[-1]])
    wrong = rows.with_columns(pl.lit(value).alias(name) for name, value in change.items())
    assert world.found(check, LIFECYCLE_STAGE, wrong).failures > 0


def test_stages_that_tell_less_than_rules_are_found(world: PredictionWorld):
    rows = world.warehouse.read(LIFECYCLE_BACKTEST, [MONTHS[-1]])
    worse = rows.with_columns(verdict=pl.lit("worse"))
    finding = world.found(BETTER, LIFECYCLE_BACKTEST, worse)
    assert finding.failures == len(rows)
    assert "(rules 0." in finding.detail


def test_stages_are_about_customers_and_their_backtest_is_not():
    assert [[c.name for c in table.columns if c.identifies] for table in TABLES] == [
        ["customer_id"],
        [],
    ]
