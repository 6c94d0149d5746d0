"""All that is held of one person: from their rows to what is decided by them, and nobody else's."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from portrait_assets.app.subject.account import (
    Account,
    _audiences,
    account_of,
    portable,
    require_customer,
)
from portrait_assets.app.subject.leaving import give_account
from portrait_assets.app.subject.page import as_json, as_page, write_account
from portrait_assets.app.subject.person import UnknownPersonError
from portrait_assets.app.subject.records import Holding, origins
from portrait_assets.core.errors import WarehouseBusyError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Register
from portrait_assets.privacy.egress import digest_of
from portrait_assets.schema.table import CUSTOMER_ID, Column, Table, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.stages.tags.contract import AUDIENCE_MEMBERSHIP
from portrait_assets.storage.dagster.room import Context, Room
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.testing.worlds.shop import SHOP_MONTHS

WHO = "K001"


@pytest.fixture(scope="module")
def account(all_months: Settings) -> Account:
    return account_of(all_months, WHO, "C3")


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        return con.execute(sql, [WHO]).fetchall()


def test_every_row_of_every_month_is_there_and_is_theirs(account: Account, all_months: Settings):
    rows_of = {each["table"]: each["rows"] for each in account.parts["records"]}
    for table in (
        *("raw.transactions", "raw.customers", "cleaned.transactions", "cleaned.customers"),
        *("cleaned.golden_record", "features.feature_matrix", "tags.portrait_matrix"),
        *("tags.tag_table", "clusters.cluster_assignment", "targets.target"),
    ):
        (number,) = query(all_months, f"SELECT count(*) FROM {table} WHERE trim(customer_id) = ?")[
            0
        ]
        assert len(rows_of[table]) == number > 0, table
        assert {row["customer_id"].strip() for row in rows_of[table]} == {WHO}


def test_what_was_not_taken_of_their_lines_is_there(account: Account, all_months: Settings):
    expected = query(
        all_months,
        "SELECT r.source_row, r.rule FROM cleaned.rejects AS r JOIN raw.transactions AS t "
        "USING (source_file, source_row) WHERE r.table_name = 'transactions' "
        "AND trim(t.customer_id) = ? ORDER BY ALL",
    )
    rejects = [each for each in account.parts["records"] if each["table"] == "cleaned.rejects"]
    found = [(row["source_row"], row["rule"]) for each in rejects for row in each["rows"]]
    assert sorted(found) == expected


def test_the_golden_record_has_the_file_and_row_of_each_value(
    account: Account, all_months: Settings
):
    region, file, row = query(
        all_months,
        "SELECT region, source_file, source_row FROM raw.customers WHERE customer_id = ?",
    )[0]
    by_name = {each["name"]: each for each in account.parts["golden_record"]}
    assert by_name["region"]["value"] == region
    assert by_name["region"]["origin"] == f"{file} {row}"
    assert by_name["region"]["zh"] == "地区"


def test_tags_of_each_month_have_their_rule_and_evidence(account: Account, all_months: Settings):
    tags = account.parts["tags"]
    assert {tag["as_of"][:7] for tag in tags} == set(SHOP_MONTHS)
    newest = {tag["tag"]: tag for tag in tags if tag["as_of"] == "2024-04-30"}
    value, recency = query(
        all_months,
        "SELECT m.recency_band, f.recency_days FROM tags.portrait_matrix AS m "
        "JOIN features.feature_matrix AS f USING (as_of, customer_id) "
        "WHERE customer_id = ? AND as_of = DATE '2024-04-30'",
    )[0]
    own = newest["recency_band"]
    assert own["value"] == value
    assert str(recency) in own["evidence"].values()
    assert "recency_days" in own["rule"]


def test_what_is_decided_names_the_rule_and_what_reads_it(account: Account):
    decisions = {each["tag"]: each for each in account.parts["automated_decisions"]}
    assert "next_action" in decisions
    assert "next_action" in decisions["value_tier"]["read_by"]
    assert "home_region" not in decisions  # recorded, and decides nothing
    assert all(each["rule"] and each["purpose_zh"] for each in decisions.values())


def test_features_segments_and_sources_have_names_and_days(account: Account, all_months: Settings):
    features = {each["name"]: each for each in account.parts["features"]}
    assert features["spend_1m"]["as_of"] == "2024-04-30"
    assert features["spend_1m"]["zh"]
    assert features["spend_1m"]["unit"]
    assert [each["as_of"] for each in account.parts["segments"]] == sorted(
        each["as_of"] for each in account.parts["segments"]
    )
    assert all(each["distance"] is not None for each in account.parts["segments"])
    first, last, rows = query(
        all_months,
        "SELECT min(occurred_at), max(occurred_at), count(*) FROM cleaned.transactions "
        "WHERE customer_id = ?",
    )[0]
    sales = next(e for e in account.parts["sources"] if e["table"] == "cleaned.transactions")
    assert (sales["file"], sales["rows"]) == ("sales.csv", rows)
    assert (sales["first_day"], sales["last_day"]) == (first.isoformat(), last.isoformat())


def test_a_new_table_with_an_identifying_column_appears_by_itself(
    all_months: Settings, tmp_path: Path
):
    letters = Table(
        schema="raw",
        name="letters",
        en="Letters",
        zh="信件",
        columns=(
            replace(CUSTOMER_ID, name="recipient"),
            Column("text", Type.TEXT, "Text", "内容"),
        ),
    )
    copied = tmp_path / "warehouse" / all_months.source / "warehouse.duckdb"
    copied.parent.mkdir(parents=True)
    copied.write_bytes(all_months.warehouse_file.read_bytes())
    with duckdb.connect(str(copied)) as con:
        con.execute("CREATE TABLE raw.letters (month VARCHAR, recipient VARCHAR, text VARCHAR)")
        rows = [("2024-01", f" {WHO} ", "hello"), ("2024-01", "K002", "not theirs")]
        con.executemany("INSERT INTO raw.letters VALUES (?, ?, ?)", rows)
    (tmp_path / "sources").symlink_to(all_months.data_dir / "sources")
    settings = all_months.model_copy(update={"data_dir": tmp_path})
    rooms = (*ROOMS, Room("letters", tables=lambda context: (letters,)))
    found = account_of(settings, WHO, "C3", rooms).parts["records"]
    assert [each["rows"] for each in found if each["table"] == "raw.letters"] == [
        [{"month": "2024-01", "recipient": f" {WHO} ", "text": "hello"}]
    ]


def test_the_page_says_what_the_json_does_in_two_languages(account: Account):
    page, data = as_page(account), json.loads(as_json(account))
    assert data["customer_id"] == WHO
    assert data["identifiers"] == [WHO]
    for text in ("What is decided automatically", "自动化决策", "Recency", "近度", WHO):
        assert text in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert all(row["rule"] in data["tags"][0]["rule"] for row in data["tags"][:1])


@pytest.mark.slow
def test_what_is_above_the_clearance_is_named_and_not_shown(all_months: Settings, tmp_path: Path):
    """The shop with a telephone number in the customer's record, under clearances up to C3."""
    copied = tmp_path / "warehouse" / all_months.source / "warehouse.duckdb"
    copied.parent.mkdir(parents=True)
    copied.write_bytes(all_months.warehouse_file.read_bytes())
    with duckdb.connect(str(copied)) as con:
        for table in ("cleaned.customers", "cleaned.golden_record"):
            con.execute(f"UPDATE {table} SET phone = '13800138000', gender = 'F'")
    (tmp_path / "sources").symlink_to(all_months.data_dir / "sources")
    settings = all_months.model_copy(update={"data_dir": tmp_path})
    accounts = {level: account_of(settings, WHO, level) for level in ("C1", "C2", "C3")}
    texts = {level: as_json(account) for level, account in accounts.items()}
    assert {level: "13800138000" in text for level, text in texts.items()} == {
        "C1": False,
        "C2": False,
        "C3": True,
    }
    held_back = {level: json.loads(text)["held_back"] for level, text in texts.items()}
    assert {"cleaned.golden_record.phone", "cleaned.customers.phone"} <= set(held_back["C2"])
    assert "cleaned.golden_record.gender" in set(held_back["C1"]) - set(held_back["C2"])
    assert held_back["C3"] == []
    page = as_page(accounts["C2"])
    assert "13800138000" not in page
    assert "2 columns are of a class above what is shown here" in page


def test_what_is_portable_is_what_the_person_gave_and_did(account: Account):
    given = json.loads(as_json(portable(account)))
    tables = [each["table"] for each in given["provided"]]
    assert tables == ["cleaned.customers", "cleaned.transactions"]
    assert not {"tags", "features", "records", "segments"} & given.keys()
    assert "自动化决策" not in as_page(portable(account))


def test_the_files_are_their_owners_alone_and_their_names_say_nothing(
    account: Account, tmp_path: Path
):
    paths = write_account(account, tmp_path / "subjects")
    assert [path.suffix for path in paths] == [".json", ".html"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE(paths[0].parent.stat().st_mode) == 0o700
    assert all(WHO not in path.name for path in paths)
    assert WHO not in repr(account)


def test_an_identifier_that_nobody_has_is_not_repeated(all_months: Settings):
    for ask in (
        lambda who: account_of(all_months, who, "C3"),
        partial(require_customer, all_months),
    ):
        with pytest.raises(UnknownPersonError) as unknown:
            ask("13800138000")
        assert "13800138000" not in str(unknown.value)


def test_a_run_is_neither_blocked_nor_read_in_its_midst(all_months: Settings):
    lock = all_months.warehouse_dir / "warehouse.lock"
    with warehouse_lock(lock, "a run", 0), pytest.raises(WarehouseBusyError, match="run a run"):
        account_of(all_months, WHO, "C3")


def test_identity_states_since_when_a_record_is_theirs(account: Account):
    days = [each["valid_from"] for each in account.parts["identity"]]
    assert days == [date(2024, 1, 1).isoformat()]


@pytest.mark.slow
def test_what_is_given_is_entered_in_the_register_without_saying_of_whom(
    all_months: Settings, tmp_path: Path
):
    shutil.copytree(all_months.data_dir, tmp_path / "data")
    settings = all_months.model_copy(update={"data_dir": tmp_path / "data"})
    given = give_account(settings, WHO, tmp_path / "out")
    again = give_account(settings, WHO, None, only_provided=True)
    assert given.paths[0].read_text() == given.text
    assert again.paths == ()
    entries = Register.of(settings).entries("subject")
    assert [entry["about"]["request"] for entry in entries] == ["access", "portability"]
    assert entries[0]["digest"] == digest_of(given.text)
    assert WHO not in settings.register_file.read_text()
    assert {each["outlet"] for each in json.loads(given.text)["recipients"]} <= {
        *("publication", "report"),
    }


def test_membership_of_an_audience_is_named_in_both_languages():
    """Of an audience that is declared no more there is only the code."""
    saved = [SimpleNamespace(code="rich", name_en="Rich", name_zh="高价值")]
    context = SimpleNamespace(folder=SimpleNamespace(read=lambda *_: saved))
    rows = tuple(
        {"audience_code": code, "as_of": date(2024, 4, 30), "change": change, "is_member": member}
        for code, change, member in (("rich", "entered", True), ("gone", "left", False))
    )
    by_table = {AUDIENCE_MEMBERSHIP.full_name: Holding(AUDIENCE_MEMBERSHIP, rows)}
    assert list(_audiences(cast(Context, context), by_table)) == [
        {"audience": "rich", "en": "Rich", "zh": "高价值"}
        | {"as_of": "2024-04-30", "change": "entered", "is_member": True},
        {"audience": "gone", "en": "gone", "zh": "gone"}
        | {"as_of": "2024-04-30", "change": "left", "is_member": False},
    ]


def test_a_file_is_named_with_the_days_of_the_first_and_the_last_whatever_their_order():
    days = [date(2024, 2, 9), None, date(2024, 1, 5), date(2024, 2, 1)]
    rows = [{"source_file": "b.csv", "occurred_at": day} for day in days]
    rows += [{"source_file": "a.csv", "occurred_at": None}]
    found = list(origins([Holding(CLEANED["transactions"], tuple(rows))]))
    assert [(each.file, each.rows, each.first_day, each.last_day) for each in found] == [
        ("a.csv", 1, None, None),
        ("b.csv", 4, date(2024, 1, 5), date(2024, 2, 9)),
    ]
