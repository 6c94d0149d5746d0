"""What is found of models, cards and values: each kind of fault once, and nothing without one."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.predictions.contract import PREDICTION_BACKTEST, PREDICTION_CALIBRATION
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE
from portrait_assets.stages.predictions.value.contract import VALUE_MODEL
from portrait_assets.stages.predictions.value.contracts.contract import CONTRACT_MODEL
from portrait_assets.stages.validation.predictions.findings import (
    card_findings,
    prediction_findings,
)
from portrait_assets.stages.validation.predictions.totals import value_findings

GOOD = {
    "target": "silence",
    "horizon": 1,
    "basis": "model",
    "customers": 1_000,
    "hits": 300,
    "auc": 0.8,
    "baseline": "recency",
    "baseline_auc": 0.7,
    "gain_low": 0.05,
    "gain_high": 0.15,
    "placebo_auc": 0.503,
    "verdict": "better",
}
TENTH = {
    "target": "silence",
    "horizon": 1,
    "basis": "model",
    "tenth": 1,
    "customers": 1_000,
    "hits": 300,
    "predicted_rate": 0.31,
}


def found(tenth: dict[str, Any] | None = None, **changed: object) -> dict[str, dict[str, Any]]:
    """By metric the finding of a model."""
    tests = pl.DataFrame([GOOD | changed], schema=PREDICTION_BACKTEST.polars_schema)
    tenths = pl.DataFrame([TENTH | (tenth or {})], schema=PREDICTION_CALIBRATION.polars_schema)
    rows = prediction_findings(tests, tenths).to_dicts()
    assert {row["subject"] for row in rows} == {"model silence"}
    assert all(row["advice_en"] and row["advice_zh"] for row in rows), "each has its sentences"
    return {row["metric"]: row for row in rows}


def test_a_good_model_passes():
    rows = found()
    assert {row["verdict"] for row in rows.values()} == {"pass"}
    gain = rows["AUC less baseline"]
    assert (gain["value"], gain["low"], gain["high"]) == (pytest.approx(0.1), 0.05, 0.15)
    assert rows["calibration"]["value"] == pytest.approx(310 / 300)
    assert rows["calibration"]["advice_en"].startswith("310 expected and 300 happened, of 1000")


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"auc": 0.6, "verdict": "worse"}, "fail"),
        ({"auc": 0.69, "verdict": "not surely better"}, "warn"),
        ({"auc": 0.71, "verdict": "not surely better"}, "pass"),
        ({"verdict": "not judged"}, "not judged"),
        ({"basis": "baseline", "auc": 0.7, "verdict": "not surely better"}, "not judged"),
        ({"auc": None}, "not judged"),
    ],
)
def test_a_model_below_its_baseline_is_found(changed: dict[str, Any], verdict: str):
    row = found(**changed)["AUC less baseline"]
    assert row["verdict"] == verdict
    assert ("fell below" in row["advice_en"]) is (verdict in ("fail", "warn"))


@pytest.mark.parametrize(
    ("tenth", "verdict"),
    [
        ({"predicted_rate": 0.4}, "warn"),
        ({"predicted_rate": 0.62}, "fail"),
        ({"predicted_rate": 0.14}, "fail"),
        ({"predicted_rate": 0.34}, "pass"),
        ({"customers": 20, "hits": 1, "predicted_rate": 0.1}, "not judged"),
        ({"hits": 0, "predicted_rate": 0.1}, "fail"),
    ],
    ids=["a third too high", "twice", "half", "13 % too high", "few", "none happened"],
)
def test_bad_calibration_is_found(tenth: dict[str, Any], verdict: str):
    assert found(tenth)["calibration"]["verdict"] == verdict


def test_where_nothing_happened_no_tenth_is_off_by_a_share_of_it():
    row = found({"hits": 0, "predicted_rate": 0.1})["calibration"]
    assert row["value"] is None
    assert row["advice_en"] == (
        "100 expected and 0 happened, of 1000 customers, which is beyond chance. Use the order, "
        "and no probability or total."
    )
    assert row["advice_zh"].startswith("100人预期发生、0人实际发生，共1000位客户，超出偶然。")
    few = found({"hits": 0, "customers": 50, "predicted_rate": 0.03})["calibration"]
    assert few["advice_en"] == "Too few were expected for a verdict."


def test_of_several_targets_one_that_nobody_reached_may_be_so_by_chance():
    """5 expected and 0 happened has a p-value of 2.2 %, and among three targets 6.5 %."""
    rare = TENTH | {"target": "rare", "customers": 100, "hits": 0, "predicted_rate": 0.05}
    others = [TENTH | {"target": name, "predicted_rate": 0.3} for name in ("a", "b")]
    tenths = pl.DataFrame([rare, *others], schema=PREDICTION_CALIBRATION.polars_schema)
    tests = pl.DataFrame([GOOD], schema=PREDICTION_BACKTEST.polars_schema)
    row = prediction_findings(tests, tenths).filter(subject="model rare").row(0, named=True)
    assert row["advice_en"] == "5 expected and 0 happened, of 100 customers."
    assert row["advice_zh"] == "5人预期发生、0人实际发生，共100位客户。"


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"placebo_auc": 0.53}, "fail"),
        ({"placebo_auc": 0.519}, "pass"),
        ({"placebo_auc": 0.53, "hits": 19}, "not judged"),
    ],
)
def test_shuffled_outcomes_that_are_predicted_are_found(changed: dict[str, Any], verdict: str):
    assert found(**changed)["placebo AUC"]["verdict"] == verdict


def test_without_a_window_that_was_predicted_it_says_so():
    nothing = prediction_findings(PREDICTION_BACKTEST.empty(), PREDICTION_CALIBRATION.empty())
    assert nothing["verdict"].to_list() == ["not judged"]
    assert nothing["advice_en"][0] == "No window that this month closes was predicted yet."


VINTAGE = {
    "target": "default",
    "horizon": 6,
    "kind": "vintage",
    "base_month": "2024-03",
    "known": 2_000,
    "bads": 100,
    "expected_of_known": 0.052,
    "actual_bad_rate": 0.05,
    "auc": 0.75,
    "auc_low": 0.7,
    "auc_high": 0.8,
    "baseline": "overdue",
    "baseline_auc": 0.7,
}


@pytest.mark.parametrize(
    ("changed", "gain", "calibration"),
    [
        ({}, "pass", "pass"),
        ({"baseline_auc": 0.75}, "pass", "pass"),
        ({"baseline_auc": 0.77}, "warn", "pass"),
        ({"baseline_auc": 0.8}, "warn", "pass"),  # as high as the interval's end
        ({"baseline_auc": 0.81}, "fail", "pass"),
        ({"expected_of_known": 0.065}, "pass", "warn"),
        ({"expected_of_known": 0.11}, "pass", "fail"),
        # Far, and within chance: of 100 customers 5 are bad where 8 were expected.
        ({"known": 100, "bads": 5, "expected_of_known": 0.08}, "pass", "pass"),
        ({"bads": 0, "actual_bad_rate": 0.0}, "pass", "fail"),
    ],
)
def test_a_card_whose_vintage_did_not_come_true_is_found(
    changed: dict[str, object], gain: str, calibration: str
):
    older = VINTAGE | {"base_month": "2024-02", "auc_high": 0.1, "expected_of_known": 0.9}
    open_one = VINTAGE | {"base_month": "2024-09", "known": 0, "auc": None}
    curve = pl.DataFrame([older, VINTAGE | changed, open_one], schema=CREDIT_CURVE.polars_schema)
    rows = card_findings(curve).select("subject", "metric", "verdict").rows()
    assert rows == [
        ("scorecard default", "AUC less baseline", gain),
        ("scorecard default", "calibration", calibration),
    ]


def test_no_card_has_no_finding():
    assert card_findings(CREDIT_CURVE.empty()).is_empty()


def test_values_far_off_in_total_are_found():
    methods = pl.DataFrame(
        [
            {"method": "BG/NBD", "status": "chosen", "total_bias": 0.9, "season_bias": -0.31},
            {"method": "Pareto/NBD", "status": "not chosen", "total_bias": 0.5},
        ],
        schema=VALUE_MODEL.polars_schema,
    )
    contracts = pl.DataFrame(
        [{"category": "loan", "total_bias": 0.05}, {"category": "card", "total_bias": None}],
        schema=CONTRACT_MODEL.polars_schema,
    )
    rows = value_findings(methods, contracts).select("subject", "value", "verdict").rows()
    assert rows == [
        ("customer value", -0.31, "warn"),
        ("contract value loan", 0.05, "pass"),
        ("contract value card", None, "not judged"),
    ]
