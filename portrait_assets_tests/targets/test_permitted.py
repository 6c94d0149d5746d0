"""What a source reports for a purpose is read of those alone who allow that purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.past.labels import LOTS, askable_step, labels_step
from portrait_assets.stages.tags.catalogue.inputs.predicted import predicted_columns
from portrait_assets.stages.targets.declared.entries import TargetError
from portrait_assets.stages.targets.declared.outcome import Kind, Outcome
from portrait_assets.stages.targets.declared.outcomes import (
    Targets,
    packaged_targets,
    source_targets,
)
from portrait_assets.stages.targets.declared.permitted import permitted
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step
from portrait_assets.testing.steps import run_step
from portrait_assets.testing.worlds.features import day, merges
from portrait_assets_tests.consent.world import consent
from portrait_assets_tests.targets.target_world import TargetWorld

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
EVERYONE = ["ann", "bob", "cem", "dan", "eve"]
YES, NO = (True, True, None), (True, False, None)
DEFAULT = Outcome(
    *("default", "default", "违约", "answer >= 0.5"),
    prediction_horizon=1,
    horizons=(1,),
    by=Kind.SOURCE,
    of="default",
    needs="outcomes",
    is_credit=True,
    purpose="credit",
)
MOVED = replace(DEFAULT, code="moved", of="moved", is_credit=False, purpose="profiling")
ASKED = [
    *(consent("credit", "2024-01-02", who=who) for who in ("ann", "bob", "dan")),
    consent("credit", "2024-01-02", "2024-04-10", who="bob"),
    consent("credit", "2024-04-10", who="cem"),
]
"""Of eve nothing is recorded."""


def report(who: str, on: str, name: str = "default") -> dict[str, Any]:
    return {
        "customer_id": who,
        "outcome": name,
        "observed_on": day(on),
        "value": 1.0,
        "month": on[:7],
    }


def bank(outcome: Outcome = DEFAULT, default: Mapping[str, bool] | None = None) -> TargetWorld:
    """All but dan default in February, and move in March."""
    reported = [report(who, "2024-02-09") for who in EVERYONE if who != "dan"]
    reported += [report(who, "2024-03-09", "moved") for who in EVERYONE]
    return TargetWorld(
        MONTHS,
        EVERYONE,
        Targets((outcome, MOVED)),
        default,
        consents=ASKED,
        outcomes=reported,
    )


def test_what_is_reported_for_credit_is_stored_of_who_allows_it_as_of_the_month():
    rows = bank().stored("source_outcome", "outcome")
    assert [(base, who) for base, _, who, name in rows if name == "default"] == [
        *(("2024-01", "ann"), ("2024-01", "bob"))
    ]
    assert {who for *_, who, name in rows if name == "moved"} == {*EVERYONE}


def test_of_whom_nothing_may_be_read_there_is_no_label_not_even_a_no():
    """Silence of the source is a no here; of cem and eve it is no silence."""
    own = replace(DEFAULT, unreported_is_no=True)
    assert bank(own).labels(own, "2024-01") == {"ann": YES, "bob": YES, "dan": NO}
    assert bank(own).labels(own, "2024-03") == {"ann": NO, "cem": NO, "dan": NO}


def test_where_silence_allows_it_only_who_withdrew_is_left_out():
    own = replace(DEFAULT, unreported_is_no=True)
    labels = bank(own, {"credit": True}).labels(own, "2024-03")
    assert labels == dict.fromkeys(["ann", "cem", "dan", "eve"], NO)


def test_who_withdraws_later_is_learned_from_no_more_and_who_agrees_later_not_of_then():
    own = Asked(replace(DEFAULT, unreported_is_no=True), 1)
    world = bank(own.outcome)
    step = labels_step([own], "2024-04", {"2024-01": LOTS})
    rows = Engine(world.con).frame(step, Scope("2024-04"))
    assert dict(rows.select("customer_id", "default").iter_rows()) == {"ann": True, "dan": False}


@pytest.mark.parametrize("condition", ["true", "answer IS NOT NULL"])
def test_who_does_not_allow_it_is_not_scored(condition: str):
    """Whether the target asks about everyone, or about whom is known afterwards only."""
    own = Asked(replace(DEFAULT, eligible=condition), 1)
    assert own.is_of_some
    world = bank(own.outcome)
    found = Engine(world.con).frame(askable_step(own), Scope("2024-04"))["customer_id"]
    assert found.to_list() == ["ann", "cem", "dan"]


def test_an_identifier_that_was_given_up_is_its_customer_s():
    """Eve was found to be bob in April, who has withdrawn then."""
    own = replace(DEFAULT, unreported_is_no=True)
    world = TargetWorld(MONTHS, ["bob", "eve"], Targets((own,)), {"credit": True}, consents=ASKED)
    assert world.labels(own, "2024-03") == {"eve": NO}
    for table, rows in zip(
        (IDENTITY_MAP, CUSTOMER_ALIAS), merges([("2024-04", "eve", "bob")]), strict=True
    ):
        world.con.register("merged", rows)
        world.con.execute(f"INSERT INTO {table.full_name} BY NAME FROM merged")
    assert world.labels(own, "2024-03") == {}


# -- how it is declared ------------------------------------------------------------------------

ONE = """
targets:
  - code: late
    name: {en: late, zh: 迟付}
    meaning: {en: A late payment., zh: 迟付。}
    hit: answer >= 0.5
    outcome: late
"""


def declared(folder: Path, text: str) -> Targets:
    (folder / "targets.yaml").write_text(text, encoding="utf-8")
    return source_targets(folder)


@pytest.mark.parametrize(
    ("more", "purpose"),
    [
        ("", "profiling"),
        ("    credit: true\n", "credit"),
        ("    purpose: marketing\n", "marketing"),
    ],
)
def test_a_risk_of_credit_is_reported_for_credit(tmp_path: Path, more: str, purpose: str):
    targets = declared(tmp_path, ONE + more)
    assert targets.named["late"].purpose == purpose
    assert targets.reported_for.by_name == (("late", purpose),)
    assert ("predicted_late" in predicted_columns(targets)) == (purpose == "profiling")


def test_all_other_names_have_one_purpose(tmp_path: Path):
    """A balance that is past due is derived from what the bank knows anyway, for its analysis."""
    assert packaged_targets().reported_for.purposes == ()
    assert packaged_targets().derived["overdue"].purpose == "profiling"
    targets = declared(tmp_path, ONE + "  - {code: answer, purpose: marketing}\n")
    assert targets.reported_for.sql("name") == (
        "CASE name WHEN 'late' THEN 'profiling' ELSE 'marketing' END"
    )


def test_a_purpose_of_what_is_derived_is_one_sentence(tmp_path: Path):
    with pytest.raises(TargetError, match=r"line 2: .*purpose is of outcomes of the source"):
        declared(tmp_path, "targets:\n  - {code: silence, purpose: credit}\n")


def test_a_refusal_of_any_channel_holds_beside_one_of_a_single_channel():
    """Silence allows it here, which a refusal by one channel leaves as it is."""
    answers = [
        ("bob", None, False),
        ("cem", None, False),
        ("cem", "sms", False),
        ("dan", "sms", False),
        ("eve", None, False),
        ("eve", "sms", True),
    ]
    day_ = {"as_of": day("2024-04-30"), "purpose": "credit"}
    names = ("customer_id", "channel", "allowed")
    consents = [dict(zip(names, each, strict=True)) | day_ for each in answers]
    who = Step("who", (), "SELECT 1", grain=Grain.ALL)
    step = permitted(who, ("credit",), THE_MONTH)
    named = {source.name: source for source in step.reads}
    given = {
        who: pl.DataFrame({"customer_id": EVERYONE}),
        named["alias"]: pl.DataFrame(schema={"alias_id": pl.String, "customer_id": pl.String}),
        named["customer_consent"]: pl.DataFrame(consents),
        named["consent_default"]: pl.DataFrame([day_ | {"allowed": True}]),
    }
    found = run_step(step, Scope("2024-04"), given)
    assert sorted(found["customer_id"]) == ["ann", "dan", "eve"]
