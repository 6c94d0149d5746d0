"""Stages are judged by the window after them, with rates of the window before."""

from __future__ import annotations

import math

import polars as pl
import pytest

from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.predictions.lifecycle.backtest import (
    BOUGHT,
    PRIOR,
    SILENT,
    SPENT_MUCH,
    _verdict,
    backtest_rows,
    outcomes_of,
    rates_by_stage,
)


def world(tells: bool, rows: int = 100) -> pl.DataFrame:
    """A stage that tells silence in 9 of 10, or that does not, beside one rule stage for all."""
    outcome = [SILENT if n % 2 else BOUGHT for n in range(rows)]
    stage = [("churn" if n % 2 else "growth") for n in range(rows)]
    stage = ["churn" if n % 10 == 0 else s for n, s in enumerate(stage)]
    return pl.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(rows)],
            "stage": stage if tells else ["growth"] * rows,
            "rule_stage": ["steady"] * rows if tells else stage,
            "outcome": outcome,
        }
    )


def found(learned: pl.DataFrame, judged: pl.DataFrame) -> dict[str, dict[str, object]]:
    rows = backtest_rows(learned, judged, "2024-03", "2024-02")
    return {str(row["measure"]): row for row in rows}


def test_a_stage_has_the_rates_of_its_customers_and_a_few_of_all():
    rates = rates_by_stage(world(tells=True), "stage")
    silent_of_churn, churned = 50, 60
    assert rates["churn"][SILENT] == pytest.approx(
        (silent_of_churn + PRIOR * 0.5) / (churned + PRIOR)
    )
    assert rates[None].tolist() == [0.5, 0.5, 0.0]


def test_stages_that_tell_more_than_rules_are_better_in_both_measures():
    row = found(world(tells=True), world(tells=True))
    assert {each["verdict"] for each in row.values()} == {"better"}
    churn = (50 + 5) / 70
    growth = (0 + 5) / 50
    loss = -(50 * math.log(churn) + 10 * math.log(1 - churn) + 40 * math.log(1 - growth)) / 100
    assert row["log loss"]["value"] == pytest.approx(loss, abs=1e-6)
    assert row["log loss"]["rule_value"] == pytest.approx(math.log(2), abs=1e-6)
    # Of 50 silent and 50 others: 40 others lie below all silent, and 10 are level with them.
    assert row["auc"]["value"] == pytest.approx(0.9)
    assert row["auc"]["rule_value"] == 0.5


def test_stages_that_tell_less_are_worse_and_equal_ones_are_not_surely_better():
    assert {r["verdict"] for r in found(world(False), world(False)).values()} == {"worse"}
    same = world(tells=True).with_columns(rule_stage="stage")
    rows = found(same, same)
    assert {each["verdict"] for each in rows.values()} == {"not surely better"}
    assert {each["gain"] for each in rows.values()} == {0.0}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.000001, 0.2, "better"),
        (0.0, 0.2, "not surely better"),
        (0.0000004, 0.2, "not surely better"),
        (-0.2, 0.0, "not surely better"),
        (-0.2, -0.0000004, "not surely better"),
        (-0.2, -0.000001, "worse"),
        (float("nan"), 0.2, "not judged"),
        (-0.2, float("inf"), "not judged"),
    ],
)
def test_an_interval_that_touches_0_is_not_surely_anything(low: float, high: float, verdict: str):
    assert _verdict(Interval((low + high) / 2, low, high)) == verdict


def test_few_of_either_outcome_are_not_judged():
    few = world(tells=True, rows=30)
    assert {each["verdict"] for each in found(few, few).values()} == {"not judged"}


def test_a_stage_that_was_not_there_before_has_the_rates_of_all():
    judged = world(tells=True).with_columns(stage=pl.lit("dormancy"))
    assert found(world(tells=True), judged)["auc"]["value"] == 0.5


def test_rates_are_those_of_the_window_before_whatever_happened_then():
    """Who was silent in `churn` now buys, so that what was learnt is wrong."""
    learned = world(tells=True)
    judged = learned.with_columns(outcome=1 - pl.col("outcome"))
    row = found(learned, judged)
    assert (SILENT, BOUGHT) == (0, 1)
    assert row["auc"]["value"] == pytest.approx(0.1)
    churn, growth = (50 + 5) / 70, (0 + 5) / 50
    loss = -(50 * math.log(1 - churn) + 10 * math.log(churn) + 40 * math.log(growth)) / 100
    assert row["log loss"]["value"] == pytest.approx(loss, abs=1e-6)


def test_what_customers_did_is_of_whom_both_targets_are_known():
    def hits(**of: bool | None) -> pl.DataFrame:
        schema = {"customer_id": pl.String, "hit": pl.Boolean}
        return pl.DataFrame({"customer_id": [*of], "hit": [*of.values()]}, schema=schema)

    labels = {
        "silence": hits(a=True, b=False, c=False, d=None),
        "spend": hits(a=False, b=False, c=True, d=True),
    }
    assert outcomes_of(labels).rows() == [("a", SILENT), ("b", BOUGHT), ("c", SPENT_MUCH)]
