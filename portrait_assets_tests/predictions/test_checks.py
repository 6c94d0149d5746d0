"""Each check of predictions passes on what was materialized, and fails on what was changed."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.checks import (
    CALIBRATED,
    CHECKS,
    COMES_TRUE,
    EVERYONE,
    PLACEBO,
    RANKED,
    SCORES_AGAIN,
    WITHIN,
)
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_BACKTEST,
    PREDICTION_CALIBRATION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.storage.dagster.checks import CONTRACT, Finding, Subject, TableCheck
from portrait_assets_tests.predictions.prediction_world import PredictionWorld

MONTH = "2024-05"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictionWorld]:
    world = PredictionWorld(tmp_path_factory.mktemp("checked"), customers=300, months=5)
    world.predict()
    yield world
    world.warehouse.close()


def found(
    world: PredictionWorld, check: TableCheck, table: Table, rows: pl.DataFrame | None = None
) -> Finding:
    stored = world.rows(table, MONTH) if rows is None else rows
    return check.find(Subject(world.warehouse, table, MONTH, lambda: stored))


def test_what_is_materialized_passes_all_checks(world: PredictionWorld):
    tables = (
        *(PREDICTION, PREDICTION_MODEL, PREDICTION_DECISION),
        *(PREDICTION_BACKTEST, PREDICTION_CALIBRATION),
    )
    for table in tables:
        assert world.rows(table, MONTH).height > 0
        for check in (CONTRACT, *CHECKS.get(table, ())):
            assert found(world, check, table).failures == 0, (table.name, check.name)


def test_a_probability_above_1_breaks_the_contract(world: PredictionWorld):
    rows = world.rows(PREDICTION, MONTH).with_columns(score=pl.lit(1.2))
    assert found(world, CONTRACT, PREDICTION, rows).failures > 0


def test_a_score_outside_of_its_interval_is_found(world: PredictionWorld):
    rows = world.rows(PREDICTION, MONTH).with_columns(high=pl.col("score") - 0.01)
    assert found(world, WITHIN, PREDICTION, rows) == Finding(300, "silence")


def test_a_rank_against_the_score_is_found(world: PredictionWorld):
    rows = world.rows(PREDICTION, MONTH)
    swapped = rows.with_columns(rank=(301 - pl.col("rank")).cast(pl.UInt32))
    assert found(world, RANKED, PREDICTION, swapped).failures > 100


def test_a_coefficient_that_was_changed_gives_other_scores(world: PredictionWorld):
    rows = world.rows(PREDICTION_MODEL, MONTH)
    is_term = (pl.col("part") == "term") & (pl.col("feature") == "digital_share_12m")
    changed = rows.with_columns(pl.when(is_term).then(9.0).otherwise("value").alias("value"))
    assert not changed.equals(rows)
    result = found(world, SCORES_AGAIN, PREDICTION_MODEL, changed)
    assert result == Finding(1, "300 scores of 300 customers; differing: silence")


def test_a_customer_who_is_not_accounted_for_is_found(world: PredictionWorld):
    rows = world.rows(PREDICTION_DECISION, MONTH)
    fewer = rows.with_columns(scored=pl.col("scored") - 1)
    result = found(world, EVERYONE, PREDICTION_DECISION, fewer)
    assert result == Finding(1, "1 targets of 300 customers; not accounted for: silence")
    assert found(world, EVERYONE, PREDICTION_DECISION, rows.clear()).failures == 1
    more = rows.with_columns(not_asked=pl.lit(2))
    assert found(world, EVERYONE, PREDICTION_DECISION, more).failures == 0, "two erased since"


def test_a_placebo_away_from_half_and_a_worse_model_are_warned_of(world: PredictionWorld):
    rows = world.rows(PREDICTION_BACKTEST, MONTH)
    far = rows.with_columns(placebo_auc=pl.lit(0.521), verdict=pl.lit("worse"))
    assert found(world, PLACEBO, PREDICTION_BACKTEST, far) == Finding(1, "silence")
    assert found(world, COMES_TRUE, PREDICTION_BACKTEST, far) == Finding(1, "silence")


def test_probabilities_that_are_twice_what_happened_are_found(world: PredictionWorld):
    rows = world.rows(PREDICTION_CALIBRATION, MONTH)
    doubled = rows.with_columns(
        predicted_rate=(2 * pl.col("predicted_rate")).clip(upper_bound=0.99)
    )
    expected = (doubled["predicted_rate"] * doubled["customers"]).sum()
    assert found(world, CALIBRATED, PREDICTION_CALIBRATION, doubled) == Finding(
        1, f"silence by model expected {expected:,.0f} and {rows['hits'].sum()} happened"
    )
