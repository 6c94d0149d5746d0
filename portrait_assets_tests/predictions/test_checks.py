"""Each check of predictions passes on what was materialized, and fails on what was changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.backtests.backtest import FEWEST, PLACEBO_DISTANCE
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
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.predictions.prediction_world import PredictionWorld

MONTH = "2024-05"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictionWorld]:
    world = PredictionWorld(tmp_path_factory.mktemp("checked"), customers=300, months=5)
    world.predict()
    yield world
    world.warehouse.close()


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_no_stored_probability_is_certain(world: PredictionWorld, score: float):
    rows = world.rows(PREDICTION, MONTH)
    one = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(score)).otherwise("score")
    wrong = world.found(CONTRACT, PREDICTION, rows.with_columns(score=one))
    assert wrong.failures == 1
    assert "score" in wrong.detail


def test_what_is_materialized_passes_all_checks(world: PredictionWorld):
    tables = (
        *(PREDICTION, PREDICTION_MODEL, PREDICTION_DECISION),
        *(PREDICTION_BACKTEST, PREDICTION_CALIBRATION),
    )
    for table in tables:
        assert world.rows(table, MONTH).height > 0
        for check in (CONTRACT, *CHECKS.get(table, ())):
            assert world.found(check, table).failures == 0, (table.name, check.name)


def test_a_probability_above_1_breaks_the_contract(world: PredictionWorld):
    rows = world.rows(PREDICTION, MONTH).with_columns(score=pl.lit(1.2))
    assert world.found(CONTRACT, PREDICTION, rows).failures > 0


def failures(check: TableCheck, table: Table, *rows: dict[str, object]) -> int:
    """What a check that looks at rows alone finds in these; what they leave out is null."""
    frame = table.empty()
    given = pl.DataFrame(rows, schema_overrides={n: frame.schema[n] for n in rows[0]})
    every = pl.concat([frame, given], how="diagonal")
    return check.find(Subject(cast(Warehouse, None), table, MONTH, lambda: every)).failures


SCORED: dict[str, object] = {"target": "silence", "horizon": 1, "rank": 1, "basis": "model"}
SCORED |= {"score": 0.5, "low": 0.5, "high": 0.5, "reason_1": "recency_days"}


@pytest.mark.parametrize(
    ("changed", "is_found"),
    [
        ({}, False),
        ({"low": 0.51}, True),
        ({"high": 0.49}, True),
        ({"low": None, "high": None}, False),
        ({"basis": "baseline"}, True),
        ({"basis": "baseline", "reason_1": None}, False),
        ({"score": None}, True),
        ({"score": None, "reason_1": None, "basis": "baseline"}, False),
    ],
)
def test_a_score_outside_of_its_interval_or_without_its_reasons_is_found(
    changed: dict[str, object], is_found: bool
):
    assert failures(WITHIN, PREDICTION, SCORED | changed) == is_found


@pytest.mark.parametrize(
    ("changed", "is_found"),
    [
        ({"rank": 2, "score": 0.6}, True),
        ({"rank": 2, "score": 0.5}, False),
        ({"rank": 1, "score": 0.6}, False),  # Alike in rank, as of one band.
        ({"rank": 2, "score": 0.6, "target": "default"}, False),
        ({"rank": 2, "score": 0.6, "horizon": 3}, False),
    ],
)
def test_a_score_above_that_of_the_rank_before_is_found(changed: dict[str, object], is_found: bool):
    assert failures(RANKED, PREDICTION, SCORED, SCORED | changed) == is_found


@pytest.mark.parametrize(
    ("hits", "customers", "area", "is_found"),
    [
        (FEWEST, 2 * FEWEST, 0.51 + PLACEBO_DISTANCE, True),
        (FEWEST, 2 * FEWEST, 0.49 - PLACEBO_DISTANCE, True),
        (FEWEST, 2 * FEWEST, 0.49 + PLACEBO_DISTANCE, False),
        (FEWEST - 1, 2 * FEWEST, 0.9, False),
        (FEWEST, 2 * FEWEST - 1, 0.9, False),
    ],
)
def test_a_placebo_is_judged_where_enough_happened_and_enough_did_not(
    hits: int, customers: int, area: float, is_found: bool
):
    row = {"target": "silence", "hits": hits, "customers": customers, "placebo_auc": area}
    assert failures(PLACEBO, PREDICTION_BACKTEST, row) == is_found


def test_a_rank_against_the_score_is_found(world: PredictionWorld):
    rows = world.rows(PREDICTION, MONTH)
    swapped = rows.with_columns(rank=(301 - pl.col("rank")).cast(pl.UInt32))
    assert world.found(RANKED, PREDICTION, swapped).failures > 100


def test_a_coefficient_that_was_changed_gives_other_scores(world: PredictionWorld):
    rows = world.rows(PREDICTION_MODEL, MONTH)
    is_term = (pl.col("part") == "term") & (pl.col("feature") == "digital_share_12m")
    changed = rows.with_columns(pl.when(is_term).then(9.0).otherwise("value").alias("value"))
    assert not changed.equals(rows)
    result = world.found(SCORES_AGAIN, PREDICTION_MODEL, changed)
    assert result == Finding(1, "300 scores of 300 customers; differing: silence")


def test_a_customer_who_is_not_accounted_for_is_found(world: PredictionWorld):
    rows = world.rows(PREDICTION_DECISION, MONTH)
    fewer = rows.with_columns(scored=pl.col("scored") - 1)
    result = world.found(EVERYONE, PREDICTION_DECISION, fewer)
    assert result == Finding(1, "1 targets of 300 customers; not accounted for: silence")
    assert world.found(EVERYONE, PREDICTION_DECISION, rows.clear()).failures == 1
    more = rows.with_columns(not_asked=pl.lit(2))
    assert world.found(EVERYONE, PREDICTION_DECISION, more).failures == 0, "two erased since"


def test_a_placebo_away_from_half_and_a_worse_model_are_warned_of(world: PredictionWorld):
    rows = world.rows(PREDICTION_BACKTEST, MONTH)
    far = rows.with_columns(placebo_auc=pl.lit(0.521), verdict=pl.lit("worse"))
    assert world.found(PLACEBO, PREDICTION_BACKTEST, far) == Finding(1, "silence")
    assert world.found(COMES_TRUE, PREDICTION_BACKTEST, far) == Finding(1, "silence")


def test_probabilities_that_are_twice_what_happened_are_found(world: PredictionWorld):
    rows = world.rows(PREDICTION_CALIBRATION, MONTH)
    doubled = rows.with_columns(
        predicted_rate=(2 * pl.col("predicted_rate")).clip(upper_bound=0.99)
    )
    expected = (doubled["predicted_rate"] * doubled["customers"]).sum()
    assert world.found(CALIBRATED, PREDICTION_CALIBRATION, doubled) == Finding(
        1, f"silence by model expected {expected:,.0f} and {rows['hits'].sum()} happened"
    )
