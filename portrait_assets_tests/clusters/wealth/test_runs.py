"""What goes from one month to the next in wealth segments, with a stated store."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth import run as wealthy
from portrait_assets.stages.clusters.wealth.choosing import Chosen
from portrait_assets.stages.clusters.wealth.contract import (
    WEALTH_DECISION,
    WEALTH_PROOF,
)
from portrait_assets.stages.clusters.wealth.inputs import Wealth
from portrait_assets.stages.clusters.wealth.run import WealthRun
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.targets.contract import PRODUCT_TARGET
from portrait_assets_tests.clusters.month_store import MONTHS, Make, Noted, Stored, ids

KNOWN = Wealth(ids("a", "b", "c"), pl.DataFrame({"category": ["fund", "deposit"]}), ("x", "y"))
UNKNOWN = KNOWN._replace(amounts=("x",))


@pytest.fixture
def wealth_run(no_engine: None, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(
        rows: dict[tuple[Table, str], pl.DataFrame] | None = None, wealth: Wealth = KNOWN
    ) -> Any:
        stored: Any = Stored(rows or {})
        monkeypatch.setattr(wealthy, "wealth_of", lambda engine, month: wealth)
        monkeypatch.setattr(wealthy, "without_objectors", lambda wealth, engine, month: wealth)
        return WealthRun(stored, MONTHS[6:], MONTHS, 4, 1)

    return make


@pytest.mark.parametrize(
    ("winner", "is_fitted", "proves", "describes"),
    [
        ("none", False, False, False),
        ("champion", False, False, True),
        ("champion", True, True, True),
        ("challenger", True, True, True),
        ("first", True, True, True),
    ],
)
def test_a_month_has_the_segments_of_the_model_that_holds(
    wealth_run: Make,
    monkeypatch: pytest.MonkeyPatch,
    winner: str,
    is_fitted: bool,
    proves: bool,
    describes: bool,
):
    of = wealth_run()
    model: Any = SimpleNamespace(segments=4, version="v1")
    asked: list[Any] = []

    def chosen(wealth: Any, months: int, before: Any, number: int) -> Chosen:
        asked.append((months, before, number))
        holds = None if winner == "none" else model
        return Chosen(holds, winner, "a reason", model if is_fitted else None)

    done = Noted()
    monkeypatch.setattr(wealthy, "chosen", chosen)
    monkeypatch.setattr(of, "_prove", lambda *_: done.giving(None, "proven"), raising=False)
    monkeypatch.setattr(
        of, "_describe", lambda *_: done.giving(ids("a"), "described"), raising=False
    )
    of._model, of._verdict = "before", {"free_choice": 3, "is_found": False}
    rows = of._of_month("2024-09")
    assert asked == [(9, "before", 4)], "months of the source up to and with this one"
    assert done == [("proven",)] * proves + [("described",)] * describes
    (decision,) = of.rows(WEALTH_DECISION).iter_rows(named=True)
    assert (decision["asked"], decision["winner"], decision["reason"]) == (4, winner, "a reason")
    assert decision["as_of"] == date(2024, 9, 30)
    if winner == "none":
        assert rows.is_empty()
        assert (decision["segments"], decision["model_version"]) == (0, None)
        assert decision["free_choice"] is None
        assert decision["statement_en"].startswith("Four wealth segments cannot be made of these")
        assert of._model is None
    else:
        assert (decision["segments"], decision["model_version"]) == (4, "v1")
        assert (decision["free_choice"], decision["is_found"]) == (3, False)


def test_without_balances_by_product_all_is_forgotten(wealth_run: Make):
    of = wealth_run(wealth=UNKNOWN)
    of._model, of._proof, of._names = "model", ids(), {1: Label("x", "甲")}
    assert of._of_month("2024-09").is_empty()
    assert (of._model, of._segments, of._proof, of._names, of._verdict) == (
        None,
        None,
        None,
        {},
        {},
    )
    assert of.rows(WEALTH_DECISION).is_empty()


def taken(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["customer_id", "category", "horizon"], orient="row")


def test_what_customers_took_later_is_one_word_of_each(wealth_run: Make):
    """In the three months after the base; of several products the first by name."""
    rows = {
        (FEATURE_MATRIX, "2024-06"): ids("a"),
        (PRODUCT_TARGET, "2024-09"): taken(
            *(("a", "fund", 3), ("a", "deposit", 3), ("b", "fund", 1), ("c", "card", 3)),
        ),
    }
    of = wealth_run(rows)
    later = of._later("2024-09", 3)
    assert later.did.rows() == [("a", "deposit"), ("b", "none"), ("c", "none")]
    assert of._later("2024-12", 6).did.rows() == later.did.rows()
    assert of._later("2024-10", 3) is None, "no features of July"
    assert of._later("2024-12", 3) is None
    assert wealth_run(rows, UNKNOWN)._later("2024-09", 3) is None
    assert of._taken("2024-09").height == 3
    assert of._taken("2024-08").is_empty()


def test_a_proof_is_of_customers_six_and_three_months_ago(
    wealth_run: Make, monkeypatch: pytest.MonkeyPatch
):
    of = wealth_run()
    asked, given = Noted(), Noted()
    monkeypatch.setattr(
        of, "_later", lambda month, ago: asked.giving(f"{ago} ago", ago), raising=False
    )
    proof = SimpleNamespace(
        rows=pl.DataFrame({"segments": [4]}), free=5, is_found=True, statement=Label("yes", "是")
    )
    monkeypatch.setattr(wealthy, "prove", lambda *those: given.giving(proof, *those[2:]))
    of._prove(KNOWN, "model", "2024-09")
    assert (asked, given) == ([(6,), (3,)], [("6 ago", "3 ago")])
    assert of._proof["proven_on"].item() == date(2024, 9, 30)
    assert of._verdict == {
        **{"free_choice": 5, "is_found": True},
        **{"statement_en": "yes", "statement_zh": "是"},
    }
    of._put(WEALTH_PROOF, of._proof, "2024-10")
    assert of.rows(WEALTH_PROOF)["as_of"].to_list() == [date(2024, 10, 31)]
