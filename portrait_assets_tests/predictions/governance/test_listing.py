"""What `portrait predictions` prints fits a terminal, and says in full what a table cannot."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from portrait_assets.app.cli.rooms.predictions import print_cards, print_predictions, print_stages
from portrait_assets.stages.predictions.governance.listing import _newest

PROOF = {
    "base_month": "2024-03",
    "auc": 0.8881,
    "auc_low": 0.871,
    "auc_high": 0.905,
    "baseline": "recency",
    "baseline_auc": 0.837,
    "lift": 3.42,
    "predicted_rate": 0.213,
    "rate": 0.209,
    "verdict": "not surely better",
}
ROW = {
    "target": "silence",
    "horizon": 1,
    "basis": "model",
    "family": "logistic",
    "model_version": "0123456789abcdef",
    "fitted_in": "2024-02",
    "action": "kept",
    "reason_en": "The model fitted in 2024-02 stays.",
    "scored": 2469,
    "proof": PROOF,
}


def test_a_proof_is_the_newest_of_the_target_by_the_month_of_the_decision():
    def proof(month: int, **of: Any) -> dict[str, Any]:
        return {"target": "silence", "horizon": 1, "as_of": date(2024, month, 28)} | of

    known = [proof(2), proof(3), proof(3, target="spend"), proof(3, horizon=3), proof(4)]
    assert _newest(known, proof(3)) == proof(3)
    assert _newest(known, proof(1)) is None


def printed(show: Any, rows: list[dict[str, Any]], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show(rows, console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [80, 120])
def test_numbers_are_in_one_line_and_a_long_target_is_wrapped(width: int):
    long = "response_by_kind:a type of campaign with a long name"
    rule = {"basis": "baseline", "family": "spend of last month", "proof": None}
    lines = printed(print_predictions, [ROW, ROW | {"target": long} | rule], width)
    assert max(map(len, lines)) <= width
    (line,) = (line for line in lines if line.startswith(" silence"))
    assert line.split() == ["silence", "logistic", "0.888", "0.837", "3.4", "unsure"]
    assert f"{long} within 1 month" in " ".join(lines).replace("  ", " ")
    text = " ".join(line.strip() for line in lines)
    assert (
        "silence within 1 month: kept, version 0123456789abcdef of 2024-02 (logistic). The model "
        "fitted in 2024-02 stays. Scores of 2024-03: AUC 0.888 (0.871 to 0.905), baseline recency "
        "0.837; 21.3% expected, 20.9% happened."
    ) in text


def test_a_target_without_a_card_says_why():
    vintage = PROOF | {"expected_of_known": 0.05, "actual_bad_rate": 0.04}
    for name in ("predicted_rate", "rate", "lift", "verdict"):
        del vintage[name]
    none = {"model_version": None, "action": "no card", "proof": None, "scored": 0}
    lines = printed(print_cards, [ROW | {"proof": vintage}, ROW | {"target": "overdue"} | none], 80)
    (line,) = (line for line in lines if line.startswith(" overdue"))
    assert line.split() == ["overdue", "none", "–", "–", "0"]
    (line,) = (line for line in lines if line.startswith(" silence"))
    assert line.split() == ["silence", "0123456789abcdef", "0.888", "0.837", "2,469"]
    text = " ".join(line.strip() for line in lines)
    assert "5.0% expected, 4.0% happened." in text
    assert "overdue within 1 month: no card (scorecard). The model fitted in 2024-02 stays." in text


def test_stages_of_the_life_cycle_stand_beside_stages_by_rules():
    auc = {"base_month": "2017-11", "measure": "auc", "value": 0.8361, "rule_value": 0.735}
    loss = {"base_month": "2017-11", "measure": "log loss", "value": 0.69, "rule_value": 0.819}
    better = {"gain_low": 0.074, "gain_high": 0.126, "verdict": "better"}
    few = {"gain_low": None, "gain_high": None, "verdict": "not judged"}
    lines = printed(print_stages, [auc | better, loss | few], 80)
    assert " ".join(line.strip() for line in lines) == (
        "Stages of the life cycle of 2017-11: AUC of silence 0.836, by rules 0.735: better (0.074 "
        "to 0.126); log loss 0.690, by rules 0.819: not judged."
    )
