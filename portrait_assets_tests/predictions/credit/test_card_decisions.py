"""A card is approved, pinned and gone back from like a model, by lines of the same file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.approvals import APPROVALS_FILE
from portrait_assets.core.settings import Settings
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE, SCORECARD
from portrait_assets.stages.predictions.governance.approvals import (
    NO_CARD,
    Action,
    ApprovalError,
    Kind,
    decision_on,
    source_decisions,
)
from portrait_assets.stages.predictions.governance.listing import decide, listed_cards
from portrait_assets_tests.predictions.credit.credit_world import CreditWorld
from portrait_assets_tests.predictions.prediction_world import decided

MONTHS = 6
on_card = partial(decided, kind=Kind.SCORECARD)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CreditWorld]:
    """Six months, of which the first four are scored; the card is fitted in April."""
    world = CreditWorld(tmp_path_factory.mktemp("decided"), customers=400, months=MONTHS)
    world.score(world.month_names[:4])
    yield world
    world.warehouse.close()


def card_of(world: CreditWorld, month: str) -> str:
    return str(world.credit_decision(month)["model_version"])


@pytest.mark.slow
def test_an_approval_fits_anew_and_the_challenger_takes_over(world: CreditWorld):
    first = card_of(world, "2024-04")
    world.score(["2024-05"], approvals=[on_card(Action.APPROVE, "2024-05")])
    may = world.credit_decision("2024-05")
    assert (may["action"], may["fitted_in"], may["tried_in"]) == ("refitted", "2024-05", "2024-05")
    assert may["model_version"] == may["challenger_version"] != first
    assert str(may["reason_en"]).startswith("Fitted again, for it was approved. The card is ")


def test_a_pinned_card_stays_and_one_gone_back_to_scores_as_it_did(world: CreditWorld):
    first = card_of(world, "2024-04")
    world.score(["2024-05"], approvals=[on_card(Action.APPROVE, "2024-05")])
    second = card_of(world, "2024-05")
    world.score(["2024-06"], approvals=[on_card(Action.PIN, "2024-06", second)])
    assert world.credit_decision("2024-06")["action"] == "pinned"
    assert card_of(world, "2024-06") == second
    world.score(["2024-06"], approvals=[on_card(Action.ROLLBACK, "2024-06", first)])
    june = world.credit_decision("2024-06")
    assert (june["model_version"], june["fitted_in"]) == (first, "2024-04")
    assert str(june["reason_en"]).startswith(f"Gone back to {first} from 2024-06 on by Li Na")
    rows = [
        world.rows(SCORECARD, month).drop("as_of", "model_version").sort("item")
        for month in ("2024-04", "2024-06")
    ]
    assert rows[0].equals(rows[1])
    assert set(world.rows(CREDIT_SCORE, "2024-06")["model_version"]) == {first}


def test_no_card_can_be_pinned_so_that_nobody_is_scored(world: CreditWorld):
    world.score(["2024-05"], approvals=[on_card(Action.PIN, "2024-05", NO_CARD)])
    may = world.credit_decision("2024-05")
    assert (may["action"], may["model_version"], may["scored"]) == ("pinned", None, 0)
    assert world.rows(CREDIT_SCORE, "2024-05").is_empty()


def test_a_version_that_no_month_has_scores_nobody_and_says_so(world: CreditWorld):
    world.score(["2024-05"], approvals=[on_card(Action.PIN, "2024-05", "deadbeef")])
    may = world.credit_decision("2024-05")
    assert (may["action"], may["scored"]) == ("no card", 0)
    assert "Version deadbeef, which Li Na decided for" in str(may["reason_en"])
    assert "there is no card, and nobody is scored" in str(may["reason_en"])


def test_a_card_with_a_protected_column_cannot_be_gone_back_to(world: CreditWorld):
    stored = world.rows(SCORECARD, "2024-04")
    is_clue = pl.col("feature") == "digital_share_12m"
    renamed = pl.when(is_clue).then(pl.lit("age")).otherwise("feature")
    world.warehouse.write(SCORECARD, ["2024-04"], stored.with_columns(renamed.alias("feature")))
    try:
        pin = on_card(Action.PIN, "2024-05", str(stored["model_version"][0]))
        world.score(["2024-05"], approvals=[pin])
    finally:
        world.warehouse.write(SCORECARD, ["2024-04"], stored)
    may = world.credit_decision("2024-05")
    assert (may["action"], may["scored"]) == ("no card", 0)
    assert "rests on a protected attribute" in str(may["reason_en"])


def test_a_decision_on_the_model_is_none_on_the_card(world: CreditWorld):
    on_model = decided(Action.PIN, "2024-05", NO_CARD)
    world.score(["2024-05"], approvals=[on_model])
    assert world.credit_decision("2024-05")["action"] == "kept"
    both = [on_model, on_card(Action.APPROVE, "2024-05")]
    assert decision_on(both, "silence", "2024-05") is on_model
    assert decision_on(both, "silence", "2024-05", Kind.SCORECARD) is both[1]


HISTORY = [
    # month, version, fitted in, action
    ("2024-01-31", None, None, "no card"),
    ("2024-02-29", "k1", "2024-02", "fitted"),
    ("2024-03-31", "k1", "2024-02", "kept"),
    ("2024-04-30", "k2", "2024-04", "refitted"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A published file with decisions on the card of four months, and one vintage that is over."""
    settings = Settings(data_dir=tmp_path, source="corner_shop")
    settings.source_dir.mkdir(parents=True)
    settings.warehouse_dir.mkdir(parents=True)
    con = duckdb.connect(str(settings.portrait_file))
    con.execute("CREATE SCHEMA predictions")
    con.register(
        "given",
        pl.DataFrame(
            [
                (date.fromisoformat(day), "default", 6, version, fitted, action, "w", 9)
                for day, version, fitted, action in HISTORY
            ],
            schema=[
                *("as_of", "target", "horizon", "model_version", "fitted_in"),
                *("action", "reason_en", "scored"),
            ],
            orient="row",
        ),
    )
    con.execute("CREATE TABLE predictions.credit_decision AS FROM given")
    con.execute(
        "CREATE TABLE predictions.credit_curve AS FROM (VALUES "
        "(DATE '2024-04-30', 'default', 6, 'vintage', '2023-09', 50, 0.7::DOUBLE), "
        "(DATE '2024-04-30', 'default', 6, 'vintage', '2023-10', 50, 0.8), "
        "(DATE '2024-04-30', 'default', 6, 'vintage', '2024-04', 0, NULL), "
        "(DATE '2024-04-30', 'default', 6, 'cut', '2023-10', 50, NULL)) "
        "AS t(as_of, target, horizon, kind, base_month, known, auc)"
    )
    con.close()
    return settings


def decide_on(settings: Settings, action: Action, version: str | None = None) -> str | None:
    return decide(
        settings, "default", action, "2024-05", "Li Na", "agreed", version, Kind.SCORECARD
    ).model_version


def test_the_command_writes_what_the_next_run_reads(settings: Settings):
    assert decide_on(settings, Action.PIN) == "k2"
    assert decide_on(settings, Action.ROLLBACK) == "k1"
    assert decide_on(settings, Action.PIN, NO_CARD) == NO_CARD
    assert decide_on(settings, Action.APPROVE) is None
    found = source_decisions(settings.source_dir)
    assert [(each.kind, each.model_version) for each in found] == [
        (Kind.SCORECARD, version) for version in ("k2", "k1", NO_CARD, None)
    ]
    assert "kind: scorecard\n" in (settings.source_dir / APPROVALS_FILE).read_text()


def test_what_is_no_card_is_refused(settings: Settings):
    message = "No month has default by version baseline; choose none or one of k1, k2"
    with pytest.raises(ApprovalError, match=message):
        decide_on(settings, Action.PIN, "baseline")
    with pytest.raises(ApprovalError, match="No scorecard scores churn; choose one of default"):
        decide(
            settings, "churn", Action.APPROVE, "2024-05", "Li Na", "agreed", None, Kind.SCORECARD
        )
    with pytest.raises(ApprovalError, match="No model predicts default; there is none yet"):
        decide(settings, "default", Action.APPROVE, "2024-05", "Li Na", "agreed")
    assert not (settings.source_dir / APPROVALS_FILE).exists()


def test_cards_are_listed_with_the_newest_vintage_that_is_over(settings: Settings):
    (newest,) = listed_cards(settings.portrait_file)
    assert (newest["model_version"], newest["proof"]["base_month"]) == ("k2", "2023-10")
    (january,) = listed_cards(settings.portrait_file, "2024-01")
    assert (january["model_version"], january["proof"]) == (None, None)
