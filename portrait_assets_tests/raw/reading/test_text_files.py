"""Whatever a text file contains, its lines are rows or are reported with file and line."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.stages.raw.placing.months import NO_DATE, placings
from portrait_assets.stages.raw.placing.receipts import receipts
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import sales_file, shop

HEADER = b"sold_at,card,basket,category,paid,saved,town\n"
GOOD = b"2024-01-05,K1,B1,tea,1.50,0,east\n"


@pytest.fixture
def read(tmp_path: Path):
    """Gives the rows and the unplaced lines of the shop's sales when its file has these bytes."""
    settings = shop(tmp_path)

    def reading(content: bytes, described: str = "sales.csv") -> tuple[pl.DataFrame, pl.DataFrame]:
        source_yaml = settings.source_dir / "source.yaml"
        source_yaml.write_text(
            source_yaml.read_text().replace("sales: sales.csv", f"sales: {described}")
        )
        sales_file(settings).write_bytes(content)
        with (
            scratch_database() as con,
            SourceReader(con, load_source(settings.source_dir)) as reader,
        ):
            placing = placings(reader)["transactions"]
            rows = con.sql(f"{placing.rows(['2024-01']).sql} ORDER BY source_row").pl()
            unplaced = placing.unplaced()
            by_table = receipts({"transactions": placing}, ["transactions"], ["2024-01"])
        receipt = by_table.row(0, named=True)
        assert receipt["rows_in_file"] == receipt["rows_placed"] + receipt["rows_unplaced"]
        assert receipt["rows_unplaced"] == unplaced.height
        assert receipt["rows_received"] == rows.height + unplaced.height
        return rows, unplaced

    return reading


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            b"2024-01-06,K\xff\xfe1,B1,tea,1.50,0,east\n",
            "bytes that are not in the file's encoding",
        ),
        ("2024-01-06,K1,B1,茶,1.50,0,east\n".encode("gbk"), "bytes that are not"),
        (b"2024-01-06,K1,B1\n", "fewer fields than the header"),
        (b"2024-01-06,K1,B1,tea,1.50,0,east,more,and more\n", "more fields than the header"),
    ],
)
def test_a_broken_line_is_reported_with_its_place_and_stops_no_other(
    read, line: bytes, reason: str
):
    rows, unplaced = read(HEADER + GOOD + line + GOOD + line + GOOD)
    assert rows["source_row"].to_list() == [1, 3, 5]
    assert unplaced["source_row"].to_list() == [2, 4]
    assert unplaced["source_file"].unique().to_list() == ["sales.csv"]
    assert all(reason in text for text in unplaced["reason"])


SHORT, LONG = b"2024-01-06,K1,B1\n", GOOD.replace(b"east", b"east,more")
BYTES = SHORT.replace(b"K1", b"K\xff")
"""Of several faults of a line the first is named."""


@pytest.mark.parametrize("lines", ["ssgllgsgggs", "gsslgg", "lg", "gl", "bls", "gggsgsgbbg"])
def test_rows_and_broken_lines_have_the_numbers_of_their_lines(read, lines: str):
    written = {"g": GOOD, "s": SHORT, "l": LONG, "b": BYTES}
    rows, unplaced = read(HEADER + b"".join(written[line] for line in lines))
    numbered = list(enumerate(lines, 1))
    assert rows["source_row"].to_list() == [n for n, line in numbered if line == "g"]
    reasons = {
        "s": "unreadable line: fewer fields than the header",
        "l": "unreadable line: more fields than the header",
        "b": "unreadable line: bytes that are not in the file's encoding",
    }
    assert unplaced.select("source_row", "reason").rows() == [
        (n, reasons[line]) for n, line in numbered if line != "g"
    ]


@pytest.mark.parametrize("cut", [b"2024-01-06,K1,B1,tea,1.", b'2024-01-06,K1,B1,"te'])
def test_a_file_that_ends_in_the_middle_of_a_row_loses_only_that_row(read, cut: bytes):
    rows, unplaced = read(HEADER + GOOD + cut)
    assert rows["source_row"].to_list() == [1]
    assert unplaced["source_row"].to_list() == [2]


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    rows, _ = read(b"\xef\xbb\xbf" + HEADER + GOOD)
    assert rows["occurred_at"].to_list() == ["2024-01-05"]


def test_a_zero_byte_and_ten_megabytes_in_one_field_are_received(read):
    zero = GOOD.replace(b"tea", b"t\0a")
    long = GOOD.replace(b"tea", b"t" * 10_000_000)
    rows, unplaced = read(HEADER + zero + long + GOOD)
    assert unplaced.is_empty()
    assert rows["category"].to_list()[0] == "t\0a"
    assert rows["category"].str.len_bytes().to_list() == [3, 10_000_000, 3]


def test_a_file_with_only_a_header_has_no_rows(read):
    rows, unplaced = read(HEADER)
    assert rows.is_empty()
    assert unplaced.is_empty()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "'sales.csv' is empty; its line 1 must hold"),
        (HEADER.replace(b"saved", b"paid") + GOOD, "'sales.csv' names the column 'paid' twice"),
    ],
)
def test_a_file_without_a_usable_header_is_one_sentence(tmp_path: Path, content: bytes, says: str):
    settings = shop(tmp_path)
    sales_file(settings).write_bytes(content)
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        problem = reader.problem("transactions")
    assert problem is not None
    assert re.search(says, problem)
    assert "\n" not in problem
    assert "line 1" in problem


def test_a_file_in_utf_16_says_so_and_is_read_where_that_is_declared(tmp_path: Path):
    settings = shop(tmp_path)
    sales_file(settings).write_text(sales_file(settings).read_text(), encoding="utf-16")
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        problem = str(reader.problem("transactions"))
    assert problem == (
        "The file 'sales.csv' is in UTF-16 and is read as UTF-8; declare it in source.yaml, such "
        "as {path: ..., encoding: utf-16}."
    )
    source_yaml = settings.source_dir / "source.yaml"
    declared = "sales: {path: sales.csv, encoding: utf-16}"
    source_yaml.write_text(source_yaml.read_text().replace("sales: sales.csv", declared))
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        assert reader.problem("transactions") is None
        assert reader.query("SELECT count(*) > 100, count(card) = count(*) FROM sales") == [
            (True,) * 2
        ]


@pytest.mark.parametrize("part", [0.5, 0.01])
def test_a_compressed_file_that_was_cut_off_is_one_sentence(tmp_path: Path, part: float):
    settings = shop(tmp_path)
    packed = gzip.compress(sales_file(settings).read_bytes())
    (settings.source_dir / "sales.csv.gz").write_bytes(packed[: int(part * len(packed))])
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(
        source_yaml.read_text().replace("sales: sales.csv", "sales: sales.csv.gz")
    )
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        problem = reader.problem("transactions")
    assert problem is not None
    assert "'sales.csv.gz'" in problem
    assert "\n" not in problem


def test_a_gbk_file_with_a_broken_byte_loses_only_its_line(read):
    good = "2024-01-05,K1,B1,茶,1.50,0,东\n".encode("gbk")
    broken = good.replace("茶".encode("gbk"), b"\xff\xff")
    rows, unplaced = read(HEADER + good + broken + good, "{path: sales.csv, encoding: gbk}")
    assert rows["category"].to_list() == ["茶", "茶"]
    assert unplaced["source_row"].to_list() == [2]


def test_a_compressed_file_in_another_encoding_is_read(read, tmp_path: Path):
    folder = tmp_path / "sources" / "corner_shop"
    packed = gzip.compress(HEADER + "2024-01-05,K1,B1,茶,1.50,0,东\n".encode("gbk"))
    (folder / "sales.csv.gz").write_bytes(packed)
    rows, _ = read(HEADER, "{path: sales.csv.gz, encoding: gbk}")
    assert rows["category"].to_list() == ["茶"]


@pytest.mark.parametrize("date", ["45296", "２０２４/１/５", "2024年1月5日", "2024.1.5"])
def test_dates_as_excel_and_people_write_them_are_placed(read, date: str):
    rows, _ = read(HEADER + GOOD.replace(b"2024-01-05", date.encode()))
    assert rows.height == 1


@pytest.mark.parametrize("date", ["2024-02-30", "123", "", "Inf"])
def test_what_is_no_date_is_reported(read, date: str):
    _, unplaced = read(HEADER + GOOD.replace(b"2024-01-05", date.encode()))
    assert unplaced["reason"].to_list() == [NO_DATE]
