"""Bytes of a database written anew that read like a text: parts of other values, or a find."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portrait_assets.privacy.scan.blocks import _at, columns_of
from portrait_assets.privacy.scan.files import scan
from portrait_assets.privacy.scan.wanted import BYTES, Hits, Scan, Wanted

THEIRS = "PM-00001"
NUMBER = int.from_bytes(THEIRS.encode(), "little")
"""An integer that is stored as the bytes of the text."""
SHOP = "CREATE SCHEMA s; SET force_compression = 'uncompressed';"
NUMBERS = (
    f"CREATE TABLE s.t AS SELECT if(i = 7, {NUMBER}, i) AS v, 'text ' || i AS r "
    "FROM range(5000) AS n(i);"
)


def written(path: Path, *statements: str) -> bytes:
    """The bytes of a database after these statements, with a checkpoint after each."""
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)
            con.execute("CHECKPOINT")
    return path.read_bytes()


def searched(path: Path) -> Scan:
    return scan([path], Wanted((THEIRS,)), path.parent, written_anew=[path])


def test_a_part_of_other_values_is_no_find_and_names_its_column(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    assert written(path, SHOP, NUMBERS).count(THEIRS.encode()) == 1
    done = searched(path)
    assert done.hits == ()
    assert done.by_chance == (Hits("a.duckdb", "s.t.v", 1),)
    (hit,) = scan([path], Wanted((THEIRS,)), tmp_path).hits
    assert (hit.place, hit.count) == (BYTES, 1), "of a file that was not written anew it is one"


def test_a_column_that_holds_a_text_explains_none(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    text = f"CREATE TABLE s.h AS SELECT 'of {THEIRS}' AS r FROM range(3)"
    in_bytes = written(path, SHOP, text).count(THEIRS.encode())
    done = searched(path)
    assert done.by_chance == ()
    assert {hit.place: hit.count for hit in done.hits} == {"s.h.r": 1, BYTES: in_bytes}


ROWS = (
    f"CREATE TABLE s.d AS SELECT if(i % 9 = 3, '{THEIRS}', 'stays') AS r FROM range(5000) AS n(i)"
)
AFTER = ROWS.replace("s.d", "s.e").replace(THEIRS, "others")


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(
            (ROWS, ROWS.replace("s.d", "s.e").replace(THEIRS, "others"), "DROP TABLE s.d"),
            id="in a block that is free",
        ),
        pytest.param((ROWS, "DELETE FROM s.d WHERE r <> 'stays'"), id="in rows that were deleted"),
        pytest.param(
            ("CREATE TABLE s.c (n INT)", f"COMMENT ON TABLE s.c IS 'of {THEIRS}'"),
            id="in what describes a table",
        ),
        pytest.param(
            (f"CREATE TABLE s.b AS SELECT '{THEIRS}'::BLOB AS v, i FROM range(9) AS n(i)",),
            id="in a column that is not read as text",
        ),
    ],
)
def test_what_no_value_explains_is_a_find(tmp_path: Path, statements: tuple[str, ...]) -> None:
    path = tmp_path / "a.duckdb"
    count = written(path, SHOP, *statements).count(THEIRS.encode())
    assert count > 0
    done = searched(path)
    assert done.by_chance == ()
    assert done.hits == (Hits("a.duckdb", BYTES, count),)


def test_which_column_bytes_are_of(tmp_path: Path) -> None:
    """Of lists, of texts that are too long for a segment, and of the file's header."""
    path = tmp_path / "a.duckdb"
    content = written(
        path,
        SHOP,
        "CREATE TABLE s.t AS SELECT [i, 70000 + i] AS l, 'short ' || i AS r, "
        "repeat('long ', 2000) AS o FROM range(40) AS n(i)",
    )
    sought = (b"short 13", b"long long", (70011).to_bytes(8, "little"))
    places = [content.rindex(text) for text in sought]
    with duckdb.connect(str(path), read_only=True) as con:
        assert columns_of(con, [*places, 0, 3 * 4096]) == ["s.t.r", "s.t.o", "s.t.l", None, None]
        assert columns_of(con, []) == []


def test_a_segment_begins_with_its_first_byte():
    segments = [(0, "a"), (10, "b"), (30, None)]
    assert [_at(segments, at) for at in (-1, 0, 9, 10, 29, 30)] == [None, "a", "a", "b", "b", None]
    assert _at([], 5) is None
