"""What is computed of people and holds a text of theirs alone is named by a mark."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.erasure.persons import name_ids, own_texts
from portrait_assets.app.erasure.removal import copy_without
from portrait_assets.app.erasure.removed_rows import LINE_SCHEMA, Removed
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.tombstones import MARK, digest_of

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


def test_arms_that_stay_with_their_counts_are_not_looked_for() -> None:
    """Of a campaign of one, whose texts nobody else has; the identifier still is."""
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA raw; "
            "CREATE TABLE raw.assignments AS SELECT '2024-01' AS month, 'PM-00000001' AS "
            "customer_id, 'CMP-2024-01' AS campaign_id, 'variant no. 7' AS arm; "
            "CREATE TABLE raw.contacts AS SELECT '2024-01' AS month, 'PM-00000001' AS customer_id, "
            "'CMP-2024-01' AS campaign_id"
        )
        name_ids(con, ["PM-00000001"], [])
        assert own_texts(con, ["PM-00000001"]) == (["PM-00000001"], 1)


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
