"""What a second pass does with what was found: texts are marked, rows of other types go."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from portrait_assets.app.erasure.proof import _still
from portrait_assets.app.erasure.rows.second_pass import _where
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.scan.wanted import BYTES, Hits, Wanted
from portrait_assets.storage.duckdb.connection import scratch_database

KEY = Key(KeyName.TOMBSTONES, b"k" * 32)
WANTED = Wanted(("Ann Lee", "1380001"), {"customer_id": ("K1", "K9")})
CALLS = """
CREATE SCHEMA raw;
CREATE TABLE raw.calls AS SELECT * FROM (VALUES
    (1, 'K1', 'by night', ['x'], 7),
    (2, 'K2', 'of Ann Lee', ['Ann Lee', 'x'], 7),
    (3, 'K3', 'of Ann', NULL, 1380001),
    (4, ' K9 ', NULL, ['Ann'], 138)
) AS t(number, customer_id, note, words, phone);
CREATE TABLE raw.other AS SELECT 'Ann Lee' AS note;
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch_database() as opened:
        opened.execute(CALLS)
        yield opened


def test_texts_are_marked_and_rows_of_ids_and_numbers_go(con: duckdb.DuckDBPyConnection):
    found = {"raw.calls": {"customer_id", "note", "words", "phone", "gone_since"}}
    gone, written, counts = _where(con, found, WANTED, KEY)
    going = con.sql(f"SELECT number FROM raw.calls AS t WHERE {gone['raw.calls']} ORDER BY 1")
    assert going.fetchall() == [(1,), (3,), (4,)], "of an id, of a number, of an id with blanks"
    marked = {
        column: [row[0] for row in con.sql(f"SELECT {sql} FROM raw.calls AS t").fetchall()]
        for column, sql in written["raw.calls"].items()
    }
    assert marked.keys() == {"note", "words"}
    mark = marked["note"][1].removeprefix("of ")
    assert mark not in ("", "Ann Lee")
    assert marked["note"] == ["by night", f"of {mark}", "of Ann", None]
    assert marked["words"] == [["x"], [mark, "x"], None, ["Ann"]]
    assert [(each.name, each.before, each.after, each.what) for each in counts] == [
        ("raw.calls", 1, 0, "values of note replaced by a second pass"),
        ("raw.calls", 1, 0, "values of words replaced by a second pass"),
    ]


def test_only_where_something_was_found_anything_is_done(con: duckdb.DuckDBPyConnection):
    assert _where(con, {"raw.other": {"number"}}, WANTED, KEY) == ({}, {}, [])
    gone, written, _ = _where(con, {"raw.other": {"note"}}, WANTED, KEY)
    assert (gone, list(written)) == ({}, ["raw.other"])


def test_what_two_passes_left_is_named_with_its_place():
    in_bytes = _still(Hits("warehouse.duckdb", BYTES, 1_200))
    assert in_bytes.startswith("1,200 places in the bytes of warehouse.duckdb still read like")
    assert _still(Hits("warehouse.duckdb", "raw.calls.note", 1)) == (
        "1 values are still in warehouse.duckdb (raw.calls.note), which two more passes did not "
        "remove"
    )
