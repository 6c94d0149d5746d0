"""A card tells what gave a prediction, its interval, and why, in both languages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from rich.console import Console

from portrait_assets.app.cli.rooms.card import print_card
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE
from portrait_assets.stages.tags.cards.card import Card, CardTag
from portrait_assets.stages.tags.cards.predictions import Predicted, predicted_of
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.tables import ensure_table

JUNE = date(2024, 6, 30)
LABELS = {
    "recency_days": ("Days since the last purchase", "距上次购买天数"),
    "spend_3m": ("Spend of 3 months", "近3月消费"),
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch_database() as con:
        for table in (PREDICTION, CUSTOMER_VALUE, LIFECYCLE_STAGE):
            ensure_table(con, table)
        con.execute(
            "INSERT INTO predictions.prediction BY NAME SELECT * FROM (VALUES "
            "('a', 'silence', 'model', 'm1', 0.42, 0.39, 0.45, 'high', '+recency_days', "
            "'-spend_3m', '+unnamed'), "
            "('a', 'purchase', 'baseline', 'b1', NULL, NULL, NULL, 'low', NULL, NULL, NULL), "
            "('b', 'silence', 'model', 'm1', 0.9, 0.8, 0.95, 'highest', NULL, NULL, NULL)"
            ") AS p(customer_id, target, basis, model_version, score, low, high, band, reason_1, "
            f"reason_2, reason_3), (SELECT DATE '{JUNE}' AS as_of, 1 AS horizon, 1 AS rank)"
        )
        con.execute(
            "INSERT INTO predictions.lifecycle_stage BY NAME SELECT * FROM (VALUES "
            "('a', 'churn', DATE '2024-05-31', NULL), ('a', 'growth', NULL, DATE '2024-06-30')"
            f") AS s(customer_id, stage, entered_on, left_on), (SELECT DATE '{JUNE}' AS as_of, "
            "'gaps' AS basis)"
        )
        yield con


def printed(predicted: Predicted, chinese: bool) -> str:
    inputs = ("predicted_silence_band", "recency_days")
    tag = CardTag(
        *("lapse_risk", "Lapse risk", "流失风险", "principle", "high", "High", "高"),
        confidence=0.94,
        version=3,
        decided_as_of=JUNE,
        rule="predicted_silence_band IN ('highest', 'high')",
        evidence=(("predicted_silence_band", "high"), ("Recency", "5")),
        inputs=inputs,
        predictions=predicted.of_inputs(inputs),
    )
    console = Console(file=io.StringIO(), width=400)
    print_card(Card("a", JUNE, None, None, (tag,), ()), console, chinese)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_card_tells_model_interval_and_reasons(con: duckdb.DuckDBPyConnection):
    found = printed(predicted_of(con, "a", JUNE, LABELS), chinese=False)
    assert (
        "by rank: a fixed share of customers; silence by model m1: 42 % (39 % to 45 %), "
        "raised by Days since the last purchase, unnamed, lowered by Spend of 3 months; "
        "Recency = 5"
    ) in found
    assert "predicted_silence_band" not in found


def test_and_in_chinese(con: duckdb.DuckDBPyConnection):
    found = printed(predicted_of(con, "a", JUNE, LABELS), chinese=True)
    assert (
        "silence（模型m1）：概率42%（39%至45%），升高因素：距上次购买天数、unnamed，"
        "降低因素：近3月消费"
    ) in found


def test_a_baseline_without_a_rate_is_named_as_such(con: duckdb.DuckDBPyConnection):
    found = predicted_of(con, "a", JUNE, LABELS)
    (purchase,) = found.of_inputs(["predicted_purchase"])
    assert (purchase.basis, purchase.version, purchase.probability) == ("baseline", "b1", None)
    assert "predicted_purchase" not in found.values, "what is not known is no value"


def test_values_are_those_of_the_customer_and_the_stage_that_is_held(
    con: duckdb.DuckDBPyConnection,
):
    values = predicted_of(con, "a", JUNE, LABELS).values
    assert values["predicted_silence"] == "0.42"
    assert (values["lifecycle"], values["lifecycle_since"]) == ("churn", "2024-05-31")


def test_a_file_without_predictions_has_none():
    with scratch_database() as con:
        assert predicted_of(con, "a", JUNE, LABELS) == Predicted({}, {})
