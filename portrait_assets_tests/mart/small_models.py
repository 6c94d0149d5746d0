"""Rows of what is predicted of the thirty customers of the small file: two models and a card."""

from __future__ import annotations

from datetime import date
from typing import Any

MARCH, APRIL = date(2024, 3, 31), date(2024, 4, 30)
Row = dict[str, Any]
SILENCE = {"target": "silence", "horizon": 1}
OVERDUE = {"target": "overdue", "horizon": 3}


def models(customers: list[str]) -> dict[str, list[Row]]:
    """By table, the rows of models; all are of April unless they say otherwise."""
    return {
        "predictions.prediction_decision": [
            SILENCE
            | {
                "name_en": "silence",
                "name_zh": "沉默",
                "model_version": "abc",
                "basis": "model",
                "family": "trees",
                "trained_from": "2023-01",
                "trained_until": "2023-12",
                "fitted_in": "2024-02",
                "action": "kept",
                "reason_en": "The model fitted in 2024-02 stays.",
                "reason_zh": "沿用2024-02拟合的模型。",
                "scored": 30,
            },
            {
                "target": "spend",
                "horizon": 1,
                "model_version": "def",
                "basis": "baseline",
                "family": "last month",
                "fitted_in": "2024-04",
                "action": "baseline",
                "reason_en": "There are 9 customer-months.",
                "reason_zh": "仅有9个客户月。",
                "scored": 30,
            },
        ],
        "predictions.prediction_backtest": [
            SILENCE
            | {
                "as_of": as_of,
                "base_month": base,
                "basis": "model",
                "customers": 30,
                "hits": 12,
                "auc": area,
                "auc_low": area - 0.06,
                "auc_high": area + 0.06,
                "baseline": "recency",
                "baseline_auc": 0.731,
                "gain_low": 0.021,
                "gain_high": 0.187,
                "lift": 2.345,
                "baseline_lift": 1.987,
                "brier": 0.1234,
                "baseline_brier": 0.1678,
                "base_brier": 0.24,
                "predicted_rate": 0.421,
                "rate": 0.4,
                "calibration": 1.05,
                "calibration_error": 0.034,
                "placebo_auc": 0.504,
                "psi": 0.045,
                "verdict": "better",
            }
            for as_of, base, area in ((MARCH, "2024-02", 0.808), (APRIL, "2024-03", 0.835))
        ],
        "predictions.prediction_calibration": [
            SILENCE
            | {
                "base_month": "2024-03",
                "tenth": place,
                "customers": 15,
                "hits": hits,
                "predicted_rate": predicted,
                "baseline_predicted_rate": predicted + 0.1,
                "rate": hits / 15,
                "low": hits / 15 - 0.1,
                "high": hits / 15 + 0.1,
            }
            for place, hits, predicted in ((1, 9, 0.62), (2, 3, 0.22))
        ],
        "predictions.prediction": [
            SILENCE
            | {
                "customer_id": who,
                "basis": "model",
                "rank": place,
                "band": "highest" if place <= 12 else "low",
                "reason_1": ("+recency_days" if place <= 11 else "-spend_12m")
                if place <= 12
                else None,
            }
            for place, who in enumerate(customers, 1)
        ],
    }


def stages() -> dict[str, list[Row]]:
    """How stages of the life cycle did in two windows: better than rules, and in one not judged."""
    better = {"gain_low": 0.111, "gain_high": 0.149, "verdict": "better"}
    unknown = {"gain_low": None, "gain_high": None, "verdict": "not judged"}
    return {
        "predictions.lifecycle_backtest": [
            {
                "as_of": as_of,
                "measure": measure,
                "base_month": base,
                "customers": 30,
                "silent": 12,
                "value": value,
                "rule_value": by_rules,
            }
            | gain
            for as_of, measure, base, value, by_rules, gain in (
                (MARCH, "log loss", "2024-02", 0.702, 0.803, unknown),
                (APRIL, "log loss", "2024-03", 0.691, 0.821, better),
                (APRIL, "auc", "2024-03", 0.836, 0.735, better),
            )
        ]
    }


def values(customers: list[str]) -> dict[str, list[Row]]:
    """By table, the rows of lifetime values; the first half of the customers brings most."""
    half = len(customers) // 2
    return {
        "predictions.customer_value": [
            {
                "customer_id": who,
                "horizon": 3,
                "method": "BG/NBD",
                "basis": "purchases",
                "expected_spend": 90 if place < half else 10,
                "expected_purchases": 1.5,
                "p_alive": 0.8,
            }
            for place, who in enumerate(customers)
        ],
        "predictions.value_model": [
            {
                "method": method,
                "status": status,
                "reason_en": "It did best.",
                "reason_zh": "表现最佳。",
                "mean_absolute_error": error,
                "total_bias": bias,
                "spend_bias": bias,
                "season_bias": bias / 2,
                "judged": 30,
            }
            for method, status, error, bias in (
                ("Pareto/NBD", "not chosen", 0.81, 0.25),
                ("BG/NBD", "chosen", 0.79, -0.043),
            )
        ],
        "predictions.contract_model": [
            {
                "category": "loan",
                "contracts": 40,
                "ended": 7,
                "expected_margin": 1_234,
                "judged_expected": 900,
                "judged_actual": 1_000,
                "total_bias": -0.1,
            }
        ],
    }


def cards() -> dict[str, list[Row]]:
    """By table, the rows of a card of overdue."""
    rates = {"bads": 3, "expected_of_known": 0.11, "actual_bad_rate": 0.1, "low": 0.03}
    known = rates | {"known": 30, "high": 0.26, "auc": 0.787, "baseline_auc": 0.711}
    return {
        "predictions.credit_decision": [
            OVERDUE
            | {
                "name_en": "overdue",
                "name_zh": "逾期",
                "model_version": "k1",
                "action": "pinned",
                "reason_en": "Pinned k1 from 2024-04 on.",
                "reason_zh": "自2024-04起固定版本k1。",
                "fitted_in": "2024-01",
                "scored": 30,
                "not_allowed": 4,
            }
        ],
        "predictions.credit_curve": [
            OVERDUE | {"kind": "vintage", "base_month": "2024-01", "approved": 30} | known,
            OVERDUE | {"kind": "vintage", "base_month": "2024-04", "approved": 30, "known": 0},
            *(
                OVERDUE
                | {"kind": "cut", "base_month": "2024-01", "cut": cut, "approved": approved}
                | {"approval_share": approved / 30}
                | known
                for cut, approved in ((600, 12), (580, 30))
            ),
        ],
        "predictions.scorecard": [
            OVERDUE
            | {
                "item": place,
                "part": "bin",
                "feature": "spend_12m",
                "bin": place,
                "label": label,
                "label_zh": label_zh,
                "rows": rows,
                "bads": 3,
                "bad_rate": 3 / rows,
                "points": points,
            }
            for place, label, label_zh, rows, points in (
                (1, "up to 250", "250以下", 40, -17),
                (2, "more", "250以上", 9, 23),
            )
        ],
    }


DRIFT = {
    "kind": "score",
    "subject": "silence",
    "against": "month before",
    "psi": 0.123,
    "psi_p95": 0.067,
    "verdict": "warn",
}


def fairness() -> list[Row]:
    """A model that picks out fewer of the women, and a card that accepts all alike."""
    return [
        {
            "tag_code": code,
            "tag_value": value,
            "attribute": "gender",
            "level": level,
            "measure": measure,
            "outcome": outcome,
            "customers": 15,
            "selected": selected,
            "rate": selected / 15,
            "rest_rate": rest / 15,
            "difference": (selected - rest) / 15,
            "low": (selected - rest) / 15 - 0.1,
            "high": (selected - rest) / 15 + 0.1,
            "ratio": selected / rest,
            "verdict": verdict,
        }
        for code, value, measure, outcome, level, selected, rest, verdict in (
            ("model silence", "(top fifth)", "selection rate", None, "F", 3, 6, "differs"),
            (
                *("scorecard overdue", "accept", "true positive rate", "not overdue"),
                *("M", 12, 11, "parity"),
            ),
        )
    ]
