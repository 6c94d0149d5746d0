"""`portrait lookalike`: who is ranked, who is set aside and why, and what is refused."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from portrait_assets.app.cli import app
from portrait_assets.app.cli.rooms.lookalike import sentences
from portrait_assets.app.lookalike.errors import LookalikeError
from portrait_assets.app.lookalike.finding import Asked, FoundLookalike, find_lookalike
from portrait_assets.methods.lookalike.lookalike import score as scored
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.privacy.egress import EgressError
from portrait_assets.stages.consent.channels import ChannelError
from portrait_assets_tests.lookalike.world import JUNE, MARCH, Town, is_wealthy, persons

FEW = Parameters(folds=2, most_trees=5, leaves=(8,), strengths=(1.0,))
STRANGERS = persons(range(1_000, 1_200))


def asking(seed: str, month: str | None = None, **more: Any) -> Asked:
    """What is asked for, with models of few trees."""
    return Asked(seed, month, parameters=FEW, **more)


@pytest.fixture(scope="module")
def bare_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def town(bare_town: Town, tmp_path: Path) -> Town:
    return bare_town.copied_to(tmp_path / "town")


@pytest.fixture(scope="module")
def shared_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Strangers, ten customers, three listed twice, and 30 of whom the wealthy joined in May."""
    town = Town(tmp_path_factory.mktemp("town"))
    town.add_prospects(STRANGERS)
    town.add_prospects(persons(range(2_000, 2_030)))
    rich = persons(range(2_000, 2_030)).filter(is_wealthy(persons(range(2_000, 2_030))))
    town.add_customers(rich, "2024-05", date(2024, 5, 3))
    town.add_prospects(persons(range(1, 11)))
    twice = pl.format("R{}", "number")
    town.add_prospects(persons(range(1_000, 1_003)), prospect_id=twice)
    return town


@pytest.fixture(scope="module")
def found(shared_town: Town) -> FoundLookalike:
    out = shared_town.settings.data_dir / "prospects.parquet"
    return find_lookalike(shared_town.settings, asking("wealthy", "2024-03"), out)


def refused(
    town: Town, asked: Asked, message: str, error: type[Exception] = LookalikeError
) -> None:
    out = town.settings.data_dir / "refused.csv"
    with pytest.raises(error, match=message) as raised:
        find_lookalike(town.settings, asked, out)
    assert "\n" not in str(raised.value)
    assert not out.exists()


def test_prospects_are_ranked_by_how_much_they_resemble_the_seed(found: FoundLookalike):
    assert found.rows.equals(found.rows.sort("rank", "prospect_id"))
    rows = found.rows.with_columns(number=pl.col("prospect_id").str.slice(1).cast(pl.Int64))
    both = rows.join(pl.concat([STRANGERS, persons(range(2_000, 2_030))]), on="number", how="left")
    assert roc_auc_score(is_wealthy(both), -both["rank"]) > 0.95
    assert found.seed.as_of == MARCH
    assert found.lookalike.members == is_wealthy(persons(range(1, 401))).sum()
    assert found.shared.names == ("age", "occupation")
    assert found.lookalike.proof.quality.low > 0.8


def test_customers_and_who_is_listed_twice_are_set_aside_with_the_reason(found: FoundLookalike):
    joined = int(is_wealthy(persons(range(2_000, 2_030))).sum())
    assert found.aside == {"customer": 10, "joined": joined, "twice": 3}
    assert found.prospects == 200 + 30 + 10 + 3
    assert found.rows.height == found.prospects - sum(found.aside.values())
    assert not found.rows["prospect_id"].is_in([f"Q{n}" for n in range(1, 11)]).any()


def age_at(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def test_who_joined_since_shows_what_the_score_was_worth(found: FoundLookalike):
    past = found.backtest
    assert past is not None
    people = persons(range(2_000, 2_030))
    joined = is_wealthy(people)
    assert (past.prospects, past.joined) == (230, joined.sum())
    every = pl.concat([STRANGERS, people])
    age = every["birth_date"].map_elements(lambda born: age_at(born, MARCH), return_dtype=pl.Int64)
    score = scored(found.lookalike, every.select(age, "occupation").rename({"birth_date": "age"}))
    by_hand = roc_auc_score([False] * 200 + joined.to_list(), -score["rank"])
    assert past.auc is not None
    assert past.auc.value == pytest.approx(by_hand, abs=1e-6)
    assert past.auc.low > 0.5
    assert past.lift is not None


def test_the_file_has_scores_reasons_and_what_is_not_known(
    found: FoundLookalike, shared_town: Town
):
    out = shared_town.settings.data_dir / "prospects.parquet"
    written = pl.read_parquet(out)
    assert written.columns == [
        *("prospect_id", "score", "rank", "band", "reason_1", "reason_2", "reason_3"),
        *("not_known", "allowed_channels"),
    ]
    assert written.equals(found.rows)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    entry = json.loads(shared_town.settings.register_file.read_text().splitlines()[0])
    assert (entry["outlet"], entry["purpose"], entry["rows"]) == (
        *("audience", "marketing"),
        written.height,
    )
    assert entry["subject_named"], "of a list of customers, not of so many"
    assert entry["about"] == {
        **{"seed": "wealthy", "month": "2024-03"},
        "written_to": str(out.resolve()),
    }


def test_nothing_of_later_months_is_learned(town: Town):
    town.add_prospects(STRANGERS[:20])
    out = town.settings.data_dir / "out.csv"
    before = find_lookalike(town.settings, asking("wealthy", "2024-03"), out).lookalike.model
    # Of the same customers something else is recorded in June.
    later = persons(range(1, 401)).with_columns(occupation=pl.lit("clerk"))
    town.add_customers(later, "2024-06", date(2020, 1, 1))
    again = find_lookalike(town.settings, asking("wealthy", "2024-03"), out).lookalike.model
    assert again.rows().equals(before.rows())


def test_prospects_are_asked_for_consent_to_marketing(town: Town):
    town.add_prospects(STRANGERS[:100])
    town.add_prospects(STRANGERS[100:], agreed=False)
    town.consents(
        ("Q1001", "marketing", None, False, "objection"),
        ("Q1002", "marketing", "sms", False, "objection"),
        ("Q1003", "profiling", None, False, "objection"),
        ("Q1150", "marketing", None, True, "consent"),
    )
    out = town.settings.data_dir / "out.csv"
    found = find_lookalike(town.settings, asking("wealthy", "2024-03"), out)
    assert found.rows.height == 99
    by_id = dict(found.rows.select("prospect_id", "allowed_channels").iter_rows())
    assert by_id["Q1002"] == "any but sms"
    assert by_id["Q1000"] == "any"
    assert found.refused == {
        ("profiling", "objection"): 1,
        ("marketing", "default"): 99,
        ("marketing", "objection"): 1,
    }
    ids = set(pl.read_csv(out)["prospect_id"])
    assert ids == {f"Q{n}" for n in range(1_000, 1_100)} - {"Q1001", "Q1003"} | {"Q1150"}


def test_of_a_child_only_a_guardian_counts(town: Town):
    town.add_prospects(STRANGERS[:20])
    town.add_prospects(STRANGERS[20:22], birth_date=pl.lit(date(2012, 7, 1)))
    town.consents(("Q1021", "marketing", None, True, "guardian"))
    out = town.settings.data_dir / "out.csv"
    found = find_lookalike(town.settings, asking("wealthy"), out)
    assert found.refused == {("marketing", "minor_without_guardian"): 1}
    ids = set(found.rows["prospect_id"])
    assert "Q1021" in ids
    assert "Q1020" not in ids


def test_a_channel_that_a_prospect_refuses_is_not_used(town: Town):
    town.add_prospects(STRANGERS[:50])
    town.consents(("Q1002", "marketing", "sms", False, "objection"))
    out = town.settings.data_dir / "out.csv"
    found = find_lookalike(town.settings, asking("wealthy", channel="sms"), out)
    assert found.refused == {("marketing", "objection"): 1}
    assert "allowed_channels" not in found.rows.columns


def test_consents_of_a_customer_are_not_those_of_a_prospect_of_the_same_identifier(town: Town):
    town.add_prospects(STRANGERS[:20])
    town.add_prospects(STRANGERS[20:21], agreed=False, prospect_id=pl.lit("C5"))
    town.add_prospects(STRANGERS[21:22], prospect_id=pl.lit("C6"))
    town.consents(
        ("C5", "marketing", None, True, "consent"), ("C6", "marketing", None, False, "objection")
    )
    out = town.settings.data_dir / "out.csv"
    ids = set(find_lookalike(town.settings, asking("wealthy"), out).rows["prospect_id"])
    assert "C5" not in ids
    assert "C6" in ids


def test_a_seed_may_be_a_file_of_customers_of_a_month(town: Town):
    town.add_prospects(STRANGERS)
    people = persons(range(1, 401))
    members = people.filter(is_wealthy(people))
    seed = members.select(as_of=pl.lit(MARCH), customer_id=pl.format("C{}", "number"))
    path = town.settings.data_dir / "seed.csv"
    seed.write_csv(path)
    out = town.settings.data_dir / "out.csv"
    of_file = find_lookalike(town.settings, asking(str(path)), out)
    saved = find_lookalike(town.settings, asking("wealthy", "2024-03"), out)
    assert of_file.seed.as_of == MARCH
    assert of_file.lookalike.model.version == saved.lookalike.model.version
    refused_month = Asked(str(path), "2024-06")
    refused(town, refused_month, r"seed\.csv has customers as of 2024-03; give a seed of one month")


def test_who_objects_to_profiling_is_not_learned_from(town: Town):
    town.add_prospects(STRANGERS[:20])
    town.consents(("C7", "profiling", None, False, "objection"))
    out = town.settings.data_dir / "out.csv"
    found = find_lookalike(town.settings, asking("wealthy"), out)
    assert found.lookalike.members + found.lookalike.others == 399


def test_attributes_may_be_left_out(town: Town):
    town.add_prospects(STRANGERS[:50])
    out = town.settings.data_dir / "out.csv"
    found = find_lookalike(town.settings, asking("wealthy", leave_out=("age",)), out)
    assert found.shared.names == ("occupation",)
    refused(
        town, Asked("wealthy", leave_out=("agee",)), r"'agee' is no attribute .*\(did you mean age"
    )


def test_what_cannot_be_done_is_refused_in_a_sentence(town: Town, tmp_path: Path):
    refused(town, Asked("wealthy"), "town has no prospects; provide them with prospects.sql")
    town.add_prospects(STRANGERS[:20])
    refused(town, Asked("few"), "The seed has 2 customers of 2024-06 who allow profiling, and what")
    refused(town, Asked("welthy"), r"nor a saved audience of town \(did you mean wealthy\?\)")
    refused(town, Asked("no.csv"), "There is no file no.csv")
    refused(
        town, Asked("wealthy", "2024-05"), "There is no portrait of 2024-05; choose a month from"
    )
    seed = tmp_path / "seed.csv"
    pl.DataFrame({"customer_id": [f"X{n}" for n in range(150)]}).write_csv(seed)
    refused(town, Asked(str(seed)), "None of the 150 identifiers of the seed is of a customer")
    pl.DataFrame({"person": ["C1"]}).write_csv(seed)
    refused(town, Asked(str(seed)), "seed.csv has no column customer_id")
    pl.DataFrame({"customer_id": [f"C{n}" for n in range(1, 396)]}).write_csv(seed)
    refused(town, Asked(str(seed)), "The seed is all but 5 of the 400 customers of 2024-06")
    with pytest.raises(LookalikeError, match=r"out\.txt ends in neither"):
        find_lookalike(town.settings, asking("wealthy"), tmp_path / "out.txt")


def test_without_an_attribute_in_common_nothing_is_learned(town: Town):
    town.add_prospects(
        STRANGERS[:20], birth_date=pl.lit(None, pl.Date), occupation=pl.lit("Angestellter")
    )
    refused(town, Asked("wealthy"), "Customers and prospects have no attribute in common")


def test_where_no_prospect_agreed_nothing_is_written(town: Town):
    town.add_prospects(STRANGERS[:20], agreed=False)
    town.add_prospects(persons(range(1, 3)))
    refused(
        *(town, Asked("wealthy")),
        "None of the 22 prospects may be approached: 2 are customers or listed twice, and 20 did",
    )


def test_where_nobody_was_asked_the_door_stays_closed(town: Town):
    town.add_prospects(STRANGERS[:20])
    town.settings.portrait_file.unlink()
    refused(town, Asked("wealthy"), "does not leave: nothing leaves for marketing", EgressError)


def test_what_was_done_is_said(found: FoundLookalike):
    printed = "\n".join(sentences(found))
    members = is_wealthy(persons(range(1, 401))).sum()
    assert f"Seed: {members} of the 400 customers in 2024-03 who allow profiling" in printed
    assert f"the audience wealthy has {members}" in printed
    assert "Learned from: age, occupation" in printed
    assert (
        "a customer when listed 10; joined since 23; listed under another identifier too 3"
        in printed
    )
    assert (
        "listed by 2024-03 who were no customers then, 23 (10.0%) have joined since; AUC" in printed
    )
    assert (
        "Not used, for it is not known of customers: gender, education, marital_status" in printed
    )


def test_the_newest_month_has_no_backtest(town: Town):
    town.add_prospects(STRANGERS[:20])
    out = town.settings.data_dir / "out.csv"
    found = find_lookalike(town.settings, asking("wealthy"), out)
    assert found.seed.as_of == JUNE
    assert found.backtest is None
    assert "No backtest" in "\n".join(sentences(found))


@pytest.mark.slow
def test_the_command_writes_the_file(shared_town: Town, tmp_path: Path):
    arguments = ["lookalike", "wealthy", "--month", "2024-03", "--source", "town"]
    where = ["--data-dir", str(shared_town.settings.data_dir), "--out", str(tmp_path / "p.csv")]
    result = CliRunner().invoke(app, [*arguments, *where])
    assert result.exit_code == 0, result.output
    assert "207 prospects written to" in result.output
    assert pl.read_csv(tmp_path / "p.csv").height == 207


def test_the_command_ends_with_a_refusal_in_a_sentence(shared_town: Town, tmp_path: Path):
    where = ["--data-dir", str(shared_town.settings.data_dir), "--out", str(tmp_path / "p.csv")]
    result = CliRunner().invoke(app, ["lookalike", "few", "--source", "town", *where])
    by_fax = ["lookalike", "wealthy", "--source", "town", "--channel", "fax", *where]
    assert isinstance(CliRunner().invoke(app, by_fax).exception, ChannelError)
    assert isinstance(result.exception, LookalikeError)
    assert "The seed has 2 customers" in str(result.exception)
