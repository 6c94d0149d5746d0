"""What a scan finds: a text in each form in which a file may hide it, and nothing of others."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.privacy.scan import in_bytes
from portrait_assets.privacy.scan import values as reading
from portrait_assets.privacy.scan.files import scan
from portrait_assets.privacy.scan.values import within
from portrait_assets.privacy.scan.wanted import Hits, Scan, Wanted, is_long_enough

PERSON = Wanted(("PM-00000017", "王小明住址"), {"customer_id": ["17"], "prospect_id": ["18"]})
OTHERS = [f"PM-{number:08d}" for number in range(600) if number != 17]


def found(path: Path, wanted: Wanted = PERSON) -> dict[str, int]:
    """Hits by place of one file."""
    return {hit.place: hit.count for hit in scan([path], wanted, path.parent).hits}


def database(path: Path, texts: list[str], kind: str = "VARCHAR") -> Path:
    """A DuckDB file with a table of these texts, of which most are the same."""
    rows = pl.DataFrame({"remark": [text for text in texts for _ in range(20)]})
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE SCHEMA s; CREATE TABLE s.t AS SELECT remark::{kind} AS r FROM rows")
    assert rows.height == 20 * len(texts)
    return path


def test_what_is_found_in_several_places_of_a_file_adds_up() -> None:
    hits = (Hits("a.csv", "name", 2), Hits("a.csv", "bytes", 3), Hits("b.csv", "bytes", 1))
    found = Scan(files=2, size=9, patterns=1, hits=hits, unreadable=())
    assert found.by_file() == {"a.csv": 5, "b.csv": 1}
    assert found.found == 6


@pytest.mark.parametrize(
    ("text", "is_long"),
    [("1234567", False), ("12345678", True), ("王", False), ("王é", False), ("王小", True)],
)
def test_a_text_is_looked_for_anywhere_from_8_bytes_on_or_6_of_other_letters(
    text: str, is_long: bool
) -> None:
    assert is_long_enough(text) == is_long


def test_a_dictionary_of_duckdb_hides_text_from_its_bytes(tmp_path: Path) -> None:
    path = database(tmp_path / "a.duckdb", [*OTHERS, "PM-00000017"])
    hits = found(path)
    assert hits["s.t.r"] == 1
    assert path.read_bytes().count(b"PM-00000017") < 20
    assert found(database(tmp_path / "b.duckdb", OTHERS)) == {}


@pytest.mark.parametrize("kind", ["VARCHAR[]", "STRUCT(a VARCHAR)", "JSON"])
def test_texts_inside_of_lists_structs_and_json(kind: str, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        value = {"VARCHAR[]": "['x', t]", "STRUCT(a VARCHAR)": "{a: t}", "JSON": "to_json([t])"}
        con.execute(
            f"CREATE TABLE t AS SELECT ({value[kind]})::{kind} AS v FROM "
            "(SELECT 'of 王小明住址, and on' AS t)"
        )
    assert found(tmp_path / "a.duckdb")["main.t.v"] == 1


def test_many_different_texts_are_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "REPEATED", 1_000)
    monkeypatch.setattr(reading, "READ_ROWS", 7)
    monkeypatch.setattr(reading, "TOGETHER", 7)
    path = database(tmp_path / "a.duckdb", [*OTHERS[:30], "with PM-00000017 in it"])
    assert found(path)["s.t.r"] == 20


def test_a_short_id_is_a_whole_value_of_a_column_that_identifies(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        con.execute(
            "CREATE TABLE t AS SELECT ' 17 ' AS customer_id, '17' AS prospect_id, 'PM-17' AS name"
        )
        con.execute("INSERT INTO t VALUES ('171', '17', '17')")
    assert found(tmp_path / "a.duckdb") == {"main.t.customer_id": 1}


def test_parquet_compressed_and_plain(tmp_path: Path) -> None:
    rows = pl.DataFrame({"remark": [*OTHERS, "PM-00000017"] * 3})
    rows.write_parquet(tmp_path / "a.parquet", compression="zstd")
    assert found(tmp_path / "a.parquet")["remark"] == 1
    rows.filter(pl.col("remark") != "PM-00000017").write_parquet(tmp_path / "b.parquet")
    assert found(tmp_path / "b.parquet") == {}


def test_sqlite_and_what_a_deleted_row_leaves_in_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    con = sqlite3.connect(path)
    con.execute("PRAGMA secure_delete = OFF")
    con.execute("CREATE TABLE e (event TEXT)")
    con.execute("INSERT INTO e VALUES (?)", [json.dumps({"of": "王小明住址"})])
    con.commit()
    assert found(path) == {"e.event": 1, "its bytes": 1}
    con.execute("DELETE FROM e")
    con.commit()
    assert found(path) == {"its bytes": 1}
    con.execute("VACUUM")
    con.close()
    assert found(path) == {}


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", lambda text: text.encode()),
        ("a.json", lambda text: json.dumps({"remark": text}).encode()),
        ("a.html", lambda text: f"<p>{text}</p>".encode()),
        ("a.bin", lambda text: b"\xff\xfe\x00" + text.encode() + b"\x80"),
        ("a.gz", lambda text: gzip.compress(text.encode() * 3)),
    ],
)
def test_text_and_other_files(name: str, write: Callable[[str], bytes], tmp_path: Path) -> None:
    for text, count in (("PM-00000017", 1), ("王小明住址", 1), ("PM-00000018 王小芳住址", 0)):
        (tmp_path / name).write_bytes(write(text))
        assert bool(found(tmp_path / name)) == bool(count), text


def test_many_small_files_are_looked_at_in_one_go_and_named_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks for many texts at once takes longer to be built than a small file to be read."""
    looks: list[int] = []
    places, holds = in_bytes._places, reading.holding

    def look_in_bytes(block: bytes, pieces: list[in_bytes._Piece], sought: in_bytes._Sought):
        looks.append(len(pieces))
        return places(block, pieces, sought)

    def look_in_values(values: pl.Series, texts: list[str]) -> pl.Series:
        looks.append(len(values))
        return holds(values, texts)

    monkeypatch.setattr(in_bytes, "_places", look_in_bytes)
    monkeypatch.setattr(reading, "holding", look_in_values)
    for number in range(12):
        text = f"of {'PM-00000017' if number % 4 == 1 else 'PM-'}" * (1 + number % 2)
        (tmp_path / f"{number:02}.txt").write_text(text)
        pl.DataFrame({"remark": [text, "x"]}).write_parquet(tmp_path / f"{number:02}.parquet")
    done = scan(tmp_path.iterdir(), PERSON, tmp_path)
    assert looks == [24, 24], "values of 12 files, and bytes of 24"
    texts = {(hit.file, hit.place, hit.count) for hit in done.hits if hit.place != "its bytes"}
    assert texts == {(f"{number}.parquet", "remark", 1) for number in ("01", "05", "09")}
    in_text = {hit.file: hit.count for hit in done.hits if hit.file.endswith(".txt")}
    assert in_text == {"01.txt": 2, "05.txt": 2, "09.txt": 2}


def test_a_value_that_repeats_is_looked_at_once_however_many_others_there_are(
    tmp_path: Path,
) -> None:
    path = database(tmp_path / "a.duckdb", [*OTHERS * 4, "with PM-00000017 in it"])
    assert found(path)["s.t.r"] == 1


def test_a_text_is_found_in_json_of_a_database_as_json_writes_it(tmp_path: Path) -> None:
    wanted = Wanted(('says "never"',))
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        con.execute("""CREATE TABLE t AS SELECT to_json(['she says "never" again']) AS v""")
    assert found(tmp_path / "a.duckdb", wanted)["main.t.v"] == 1


def test_which_texts_stand_within_values() -> None:
    values = (pl.Series(["ab and bc", None]), pl.Series(["none"]), pl.Series(["xabcx"]))
    assert within(values, ["ab", "abc", "bc", "cd"]) == {"ab", "abc", "bc"}


def test_a_text_that_lies_across_two_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_bytes, "BLOCK_BYTES", 16)
    for before in range(32):
        (tmp_path / "a.txt").write_bytes(b"x" * before + b"PM-00000017" + b"y" * 40)
        assert found(tmp_path / "a.txt") == {"its bytes": 1}


def test_bytes_that_differ_in_the_highest_bit_alone_are_not_the_text(tmp_path: Path) -> None:
    plain = "王小明住址".encode()
    (tmp_path / "a.bin").write_bytes(bytes(byte & 0x7F for byte in plain))
    assert found(tmp_path / "a.bin") == {}


def test_a_file_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and PM-00000017")
    done = scan([tmp_path / "a.parquet"], PERSON, tmp_path)
    assert done.unreadable == ("a.parquet",)
    assert done.by_file() == {"a.parquet": 1}
