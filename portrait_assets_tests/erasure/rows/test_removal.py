"""Whom the ids are of; texts of theirs alone are named by a mark; the new file takes the place."""

from __future__ import annotations

import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import duckdb
import polars as pl
import pytest

from portrait_assets.app.erasure import erase as erasing
from portrait_assets.app.erasure.erase import _Clock
from portrait_assets.app.erasure.people.own_texts import own_texts
from portrait_assets.app.erasure.people.persons import Asked, find_persons, name_ids
from portrait_assets.app.erasure.retain import to_retain
from portrait_assets.app.erasure.rows.removal import copy_without, put_in_place
from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, Removed
from portrait_assets.privacy.erasure import ErasureError, Plan, plan_file
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.scan.wanted import Hits, Scan, Wanted
from portrait_assets.privacy.tombstones import MARK, Tombstones, digest_of, word_of
from portrait_assets.stages.raw.source import Source
from portrait_assets.testing.worlds.shop import shop

KEY = Key(KeyName.TOMBSTONES, b"k" * 32)
THEIRS = "cheese of PM-00000001"
SQL = f"""
CREATE SCHEMA raw; CREATE SCHEMA features; CREATE SCHEMA validation; CREATE SCHEMA meta;
CREATE TABLE meta.partitions (table_name VARCHAR, month VARCHAR, row_count BIGINT);
CREATE TABLE raw.transactions AS SELECT * FROM (VALUES
    ('2024-01', 'K1', '{THEIRS}', 'f', 1), ('2024-01', 'K2', 'bread of 8 grains', 'f', 2),
    ('2024-01', 'K1', 'bread of 8 grains', 'f', 3)
) AS t(month, customer_id, category, source_file, source_row);
CREATE TABLE features.feature_matrix AS SELECT * FROM (VALUES
    (DATE '2024-01-31', 'K1'), (DATE '2024-01-31', 'K2'), (DATE '2024-02-29', 'K2')
) AS t(as_of, customer_id);
CREATE TABLE features.fitted AS SELECT * FROM (VALUES
    ('a', '{THEIRS}', ['x', '{THEIRS}, and more']), ('b', 'bread of 8 grains', ['y'])
) AS t(step, value, names);
CREATE TABLE validation.migration AS SELECT * FROM (VALUES
    (DATE '2024-01-31', 9), (DATE '2024-01-31', 10), (DATE '2024-02-29', 9)
) AS t(as_of, customers);
"""


def test_texts_small_counts_and_rows(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "old.duckdb")) as con:
        con.execute(SQL)
        name_ids(con, ["K1"], [])
        texts, shared = own_texts(con, ["K1"])
        assert (texts, shared) == ([THEIRS], 1)
        (tmp_path / "old.duckdb").chmod(0o600)
        lines = pl.DataFrame(schema=LINE_SCHEMA)
        ids = frozenset({"customer_id"})
        rows = copy_without(
            Removed(con, (), ids, KEY, texts, lines, ((), ())), tmp_path / "new.duckdb"
        )
    assert stat.S_IMODE((tmp_path / "new.duckdb").stat().st_mode) == 0o600
    assert {(each.name, each.before, each.after) for each in rows} == {
        ("features.feature_matrix", 3, 2),
        ("features.fitted", 2, 2),
        ("meta.partitions", 0, 0),
        ("raw.transactions", 3, 1),
        ("validation.migration", 3, 2),
    }
    mark = MARK + digest_of(KEY, THEIRS)[:8]
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as con:
        assert con.execute("FROM features.fitted ORDER BY 1").fetchall() == [
            ("a", mark, ["x", f"{mark}, and more"]),
            ("b", "bread of 8 grains", ["y"]),
        ]
        counted = con.execute("SELECT month(as_of), customers FROM validation.migration").fetchall()
        assert sorted(counted) == [(1, 10), (2, 9)]
    assert THEIRS.encode() not in (tmp_path / "new.duckdb").read_bytes()


def test_arms_and_campaigns_that_only_the_erased_have_are_named_by_tombstones(
    tmp_path: Path,
) -> None:
    """Each for all of its rows, so that they add up; what others have, or says nothing, stays."""
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA raw; CREATE SCHEMA cleaned; CREATE SCHEMA meta; "
            "CREATE TABLE meta.partitions (table_name VARCHAR, month VARCHAR, row_count BIGINT); "
            "CREATE TABLE raw.assignments AS SELECT * FROM (VALUES "
            "('2024-01', 'K1', 'CMP-2024-01', 'variant no. 7', 'f', 1), "
            "('2024-01', 'K1', 'CMP-2024-01', ' variant no. 7', 'f', 2), "
            "('2024-01', 'K1', 'CMP-2024-02', 'control', 'f', 3), "
            "('2024-01', 'K2', 'CMP-2024-02', 'variant no. 8', 'f', 4)) "
            "AS t(month, customer_id, campaign_id, arm, source_file, source_row); "
            "CREATE TABLE cleaned.assignments AS SELECT * REPLACE (trim(arm) AS arm) "
            "FROM raw.assignments"
        )
        name_ids(con, ["K1"], [])
        texts, shared = own_texts(con, ["K1"])
        assert (texts, shared) == (["CMP-2024-01", "variant no. 7"], 1)
        lines = pl.DataFrame(schema=LINE_SCHEMA)
        removed = Removed(con, (), frozenset({"customer_id"}), KEY, texts, lines, ((), ()))
        copy_without(removed, tmp_path / "new.duckdb")
    who = MARK + digest_of(KEY, "K1")
    campaign = word_of(digest_of(KEY, "CMP-2024-01", "campaign_id"))
    arm = word_of(digest_of(KEY, "variant no. 7", "arm"))
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as con:
        for stage in ("raw", "cleaned"):
            rows = con.execute(f"SELECT customer_id, campaign_id, arm FROM {stage}.assignments")
            assert rows.fetchall() == [
                *[(who, campaign, arm)] * 2,
                (who, "CMP-2024-02", "control"),
                ("K2", "CMP-2024-02", "variant no. 8"),
            ]
    assert arm.removeprefix(MARK).isalpha(), "no number of a person"


def test_rows_of_contacts_age_and_those_that_withdrew_a_channel_do_not(tmp_path: Path) -> None:
    """A cleaned row goes with its line, whatever it was cleaned to; the account counts both."""
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA raw; CREATE SCHEMA cleaned; CREATE SCHEMA meta; "
            "CREATE TABLE meta.partitions (table_name VARCHAR, month VARCHAR, row_count BIGINT); "
            "CREATE TABLE raw.contacts AS SELECT * FROM (VALUES "
            "('2024-01', 'K1', 'unsubscribed', 'f', 1), ('2024-01', 'K2', 'delivered', 'f', 2), "
            "('2024-01', 'K3', NULL, 'f', 3), ('2024-02', 'K2', 'delivered', 'f', 4)) "
            "AS t(month, customer_id, delivery_status, source_file, source_row); "
            "CREATE TABLE cleaned.contacts AS FROM raw.contacts; "
            "CREATE TABLE raw.receipts AS SELECT month, 'contacts' AS table_name, "
            "count(*) AS rows_received, 0::BIGINT AS rows_erased FROM raw.contacts GROUP BY 1"
        )
        name_ids(con, [], [])
        past = {"contacts": "(month < '2024-02' AND coalesce(delivery_status = 'delivered', true))"}
        removed = Removed(
            *(con, (), frozenset({"customer_id"}), KEY, (), pl.DataFrame(schema=LINE_SCHEMA)),
            ((), ()),
            past=past,
        )
        rows = copy_without(removed, tmp_path / "new.duckdb")
    changed = {each.name: (each.before, each.after) for each in rows if each.before != each.after}
    assert changed == {"raw.contacts": (4, 2), "cleaned.contacts": (4, 2)}
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as con:
        for table in ("raw.contacts", "cleaned.contacts"):
            assert con.execute(f"SELECT source_row FROM {table} ORDER BY 1").fetchall() == [
                *((1,), (4,))
            ]
        account = con.execute("SELECT * FROM raw.receipts ORDER BY month").fetchall()
        assert account == [("2024-01", "contacts", 3, 2), ("2024-02", "contacts", 1, 0)]


def test_the_log_of_the_old_file_goes_with_it(tmp_path: Path) -> None:
    old, new = tmp_path / "warehouse.duckdb", tmp_path / "new.duckdb"
    for path, content in (
        (old, "old"),
        (new, "new"),
        (tmp_path / "warehouse.duckdb.wal", "theirs"),
    ):
        path.write_text(content)
    put_in_place(new, old)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(old.name, "new")]


def test_each_part_of_an_erasure_has_its_own_seconds() -> None:
    clock = _Clock()
    time.sleep(0.02)
    clock.noted("long")
    clock.noted("short")
    assert clock.seconds["long"] >= 0.02 > clock.seconds["short"]


class _ErasedBefore:
    """Tombstones of these ids."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def among(self, ids: pl.Series, kind: str = "") -> pl.DataFrame:
        return pl.DataFrame({"value": ids.filter(ids.is_in(list(self._ids)))})


def test_who_is_back_is_erased_again_and_who_is_gone_was_erased_before() -> None:
    """Of four ids one is of a person with two, one is back, one gone, and one nobody's."""
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA identity; CREATE TABLE identity.identity_map AS FROM (VALUES "
            "('2024-01', 'K1', 'K1'), ('2024-01', 'K2', 'K2'), ('2024-02', 'K2', 'K1'), "
            "('2024-01', 'back', 'back'), ('2024-01', 'K9', 'K9')) "
            "AS t(month, source_customer_id, customer_id)"
        )
        before = cast(Tombstones, _ErasedBefore("back", "gone"))
        asked = Asked("ids.csv", {"K2": 2, "back": 3, "gone": 4, "nobody": 5})
        found = find_persons(con, asked, before)
    assert (found.count, found.customers) == (2, ("K1", "K2", "back"))
    assert (found.erased_before, found.unknown) == (1, (5,))


def test_nothing_ages_while_an_erasure_is_half_done(tmp_path: Path) -> None:
    settings = shop(tmp_path / "data")
    settings.warehouse_dir.mkdir(parents=True)
    plan = Plan(
        number="E1", began_at=datetime.now(UTC), asked_by="a.csv", persons=1, customers=("K1",)
    )
    plan_file(settings).write_text(plan.model_dump_json())
    with pytest.raises(ErasureError, match="E1 was stopped before it had ended"):
        to_retain(settings)


def test_the_plan_keeps_what_the_first_scan_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = shop(tmp_path / "data")
    settings.warehouse_dir.mkdir(parents=True)
    looked = Scan(files=3, size=900, patterns=2, hits=(Hits("a.csv", "bytes", 7),))
    monkeypatch.setattr(erasing, "_scan", lambda *_: looked)
    plan = Plan(
        number="E1", began_at=datetime.now(UTC), asked_by="a.csv", persons=1, customers=("K1",)
    )
    wanted, source = Wanted(("theirs",), {}), cast(Source, None)
    found = erasing._scanned_before(settings, source, plan, wanted)
    assert (found.found_before, found.files_before, found.size_before) == ({"a.csv": 7}, 3, 900)
    assert Plan.model_validate_json(plan_file(settings).read_bytes()) == found
    monkeypatch.setattr(erasing, "_scan", None)
    assert erasing._scanned_before(settings, source, found, wanted) is found, "it is looked once"
