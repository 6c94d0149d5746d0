"""Tables in files that people name: what is read of them, and what is written."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.storage.files import writing
from portrait_assets.storage.files.errors import TableFileError
from portrait_assets.storage.files.reading import open_table, read_table
from portrait_assets.storage.files.writing import check_targets, table_bytes, write_files

ROWS = pl.DataFrame(
    {
        "客户": ["张三", "李四", None],
        "余额": [1.5, None, -3.0],
        "次数": [1, 2, 3],
        "是否逾期": [True, False, True],
        "开户日": [date(2024, 1, 5), date(2024, 2, 1), None],
    }
)
TEXT = ROWS.write_csv()
SAVED: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "GBK": lambda text: text.encode("gbk"),
    "packed": lambda text: gzip.compress(text.encode()),
    "packed GBK": lambda text: gzip.compress(text.encode("gbk")),
    "lines of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "lines of old spreadsheets": lambda text: text.replace("\n", "\r").encode(),
    "an empty line first": lambda text: b"\r\n" + text.encode(),
    "blanks about names": lambda text: text.replace(",", " , ", 4).encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "bars": lambda text: text.replace(",", "|").encode(),
}


@pytest.mark.parametrize("how", SAVED)
def test_text_is_read_however_it_was_saved(tmp_path: Path, how: str):
    file = tmp_path / "table.csv"
    file.write_bytes(SAVED[how](TEXT))
    assert read_table(file).equals(ROWS)


def test_parquet_is_known_by_its_bytes_and_keeps_its_types(tmp_path: Path):
    rows = ROWS.with_columns(code=pl.Series(["007", "NA", "1"])).rename({"余额": " 余额 "})
    rows.write_parquet(tmp_path / "table.data")
    found = open_table(tmp_path / "table.data")
    assert found.names[1] == "余额"
    assert found.read().equals(rows.rename({" 余额 ": "余额"}))
    assert found.read(["code", "余额"]).columns == ["code", "余额"]


COLUMNS = {
    "numbers with codes for none": (["1", "NA", "?", " 2.5 "], [1.0, None, None, 2.5]),
    "thousands": (["1,234.50", "-12", "1,000,000", ""], [1234.5, -12.0, 1e6, None]),
    "money": (["¥1,200", "3万", "15元", "-"], [1200.0, 30000.0, 15.0, None]),
    "percent": (["10.65%", " 7 %", "NA", "0%"], [10.65, 7.0, None, 0.0]),
    "days": (
        ["2024/1/5", "2024/12/31", "", "NA"],
        [date(2024, 1, 5), date(2024, 12, 31)] + 2 * [None],
    ),
    "Chinese days": (["2024年1月5日", "2024年12月31日"], [date(2024, 1, 5), date(2024, 12, 31)]),
    "moments": (["2024/01/05 10:30", ""], [datetime(2024, 1, 5, 10, 30), None]),
    "words": (["x", "?", "none", "NULL", ""], ["x", "?", "none", None, None]),
    "numbers and a word": (["1", "2", "many"], ["1", "2", "many"]),
    "codes for nothing alone": (["?", "-"], ["?", "-"]),
    "numbers and percent": (["1", "2%"], ["1", "2%"]),
    "nothing": (["NA", "", "null"], [None, None, None]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_text_is_what_all_of_it_is(tmp_path: Path, kind: str):
    written, values = COLUMNS[kind]
    pl.DataFrame({"n": range(len(written)), "x": written}).write_csv(tmp_path / "in.csv")
    table = open_table(tmp_path / "in.csv")
    assert table.read()["x"].to_list() == values
    assert table.read(["x"], as_text=True)["x"].to_list() == written


def test_a_comma_is_the_point_where_it_does_not_separate(tmp_path: Path):
    (tmp_path / "in.csv").write_text("a;b\n1,5;x\n-1.234,5;y\n7;z\n")
    assert read_table(tmp_path / "in.csv")["a"].to_list() == [1.5, -1234.5, 7.0]
    (tmp_path / "in.csv").write_text("a\tb\n1,234\tx\n56,789\ty\n7\tz\n")
    assert read_table(tmp_path / "in.csv")["a"].to_list() == [1234.0, 56789.0, 7.0]
    (tmp_path / "in.csv").write_text("a\tb\n1,234\tx\n0,125\ty\n")
    assert read_table(tmp_path / "in.csv")["a"].to_list() == [1.234, 0.125]
    (tmp_path / "in.csv").write_text('a,b\n"1,5",x\n"7",z\n')
    assert read_table(tmp_path / "in.csv")["a"].to_list() == ["1,5", "7"]


def test_rows_after_those_that_are_looked_at_may_be_of_other_types(tmp_path: Path):
    (tmp_path / "in.csv").write_text("e,d\n" + 1_005 * "1,1\n" + "2,2.5\n")
    assert read_table(tmp_path / "in.csv")["d"][-1] == 2.5
    (tmp_path / "in.csv").write_text("e,d\n" + 1_005 * "1,2024-01-05\n" + "2,NA\n")
    assert read_table(tmp_path / "in.csv")["d"].to_list()[-2:] == [date(2024, 1, 5), None]


def test_empty_columns_without_a_name_are_not_there(tmp_path: Path):
    (tmp_path / "in.csv").write_text("a,,b,,\n1,,x,,\n2,, y, ,\n")
    table = open_table(tmp_path / "in.csv")
    assert table.names == ("a", "b")
    assert table.read().rows() == [(1, "x"), (2, " y")]
    (tmp_path / "in.csv").write_text(",a,\n,1,7\n")
    assert read_table(tmp_path / "in.csv").rows() == [(1, 7)], "one may have values"


def test_a_long_line_of_many_names_is_a_header(tmp_path: Path):
    names = [f"{'long_' * 20}name_{number}" for number in range(2_000)]
    header = ",".join(names)
    assert len(header) > 131_072, "what one name may be long at most"
    (tmp_path / "in.csv").write_text(f"{header}\n")
    assert open_table(tmp_path / "in.csv").names == tuple(names)


REFUSED = {
    "nothing": (b"", r"'t.csv' is empty; its first line must hold the names of columns\."),
    "blank lines": (b"\n\r\n", r"'t.csv' is empty"),
    "a header": (b"a,b\n", r"'t.csv' has no row"),
    "two columns without a name": (
        b"a,,\n1,x,y\n",
        r"'t.csv' has columns with values and no name; name them\.",
    ),
    "one name twice": (b"a, a\n1,2\n", r"'t.csv' has two columns a; rename or leave out one\."),
    "a long line": (
        b"a,b\n1,2\n1,2,3\n",
        r"Line 3 of 't.csv' has 3 values, and its header 2 names; put texts .* quotation marks\.",
    ),
    "a long line after lines that end in a text": (
        "a,b\n1,x\u2028y\n1,2,3\n".encode(),
        r"Line 3 of 't.csv' has 3 values",
    ),
    "a quotation mark that is not closed in the header": (
        b'"a,b\n' + 50_000 * b"1,2\n",
        r"The first line of 't.csv' has a name longer than 131,072 characters; close its quot",
    ),
    "one long name": (200_000 * b"a", r"The first line of 't.csv' has a name longer than 131,072"),
    "a quotation mark that is not closed": (
        b'a,phone\n1,"13800138000\n' + 50_000 * b"1,2\n",
        r"'t.csv' cannot be read as a table \(a value of column phone cannot be parsed\); save it",
    ),
    "a workbook": (b"PK\x03\x04\0", r"'t.csv' is an Excel workbook or an archive; save its table"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\0", r"'t.csv' is an Excel workbook"),
    "JSON": (b'[{"a":1},{"a":2}]', r"'t.csv' is JSON or a page; save its table as CSV"),
    "bytes": (b"a\0b\n1\n", r"'t.csv' is no text; save the table as CSV or Parquet\."),
    "Latin-1": (
        "a,b\n1,d\xe9j\xe0\n".encode("latin-1"),
        r"'t.csv' is not text in UTF-8 or GB18030",
    ),
    "Cyrillic": ("имя\nпривет\n".encode("cp1251"), r"'t.csv' is not text in UTF-8 or GB18030"),
    "a cut archive": (
        b"\x1f\x8b\x08\x00",
        r"'t.csv' cannot be read as a table \(it is packed, and cut off or damaged\); save it",
    ),
    "cut Parquet": (b"PAR1 and no more", r"'t.csv' cannot be read as a table \(it is cut off"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_no_table_is_one_sentence(tmp_path: Path, case: str):
    content, sentence = REFUSED[case]
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(TableFileError, match=sentence) as refused:
        read_table(tmp_path / "t.csv")
    assert "\n" not in str(refused.value)
    assert "13800138000" not in str(refused.value)
    assert issubclass(TableFileError, PortraitError)


def test_a_file_that_is_not_there_or_a_folder_is_one_sentence(tmp_path: Path):
    with pytest.raises(TableFileError, match=r"There is no file '.*none.csv'; name a CSV or"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(TableFileError, match="is a folder; name the CSV or Parquet table in it"):
        open_table(tmp_path)


TARGETS = {
    "no folder": ("none/out.csv", r"There is no folder '.*none' to write 'out.csv' to; make it\."),
    "a folder": ("folder", "is a folder or a device; name a file to write"),
    "a device": ("/dev/null", "'/dev/null' is a folder or a device"),
    "a workbook": ("out.xlsx", "'out.xlsx' would be neither CSV nor Parquet"),
    "packed Parquet": ("out.parquet.gz", "'out.parquet.gz' would be neither CSV nor Parquet"),
    "packed": ("out.gz", "'out.gz' would be neither CSV nor Parquet; name it .csv, .csv.gz or"),
    "the input": ("in.csv", "'in.csv' would be written over; name another file to write"),
    "the input by another name": ("folder/../in.csv", "'in.csv' would be written over"),
}


@pytest.mark.parametrize("case", TARGETS)
def test_where_nothing_can_be_written_is_said_before_anything_is_read(tmp_path: Path, case: str):
    (tmp_path / "folder").mkdir()
    to, sentence = TARGETS[case]
    with pytest.raises(TableFileError, match=sentence):
        check_targets(tmp_path / "in.csv", tmp_path / to)
    check_targets(tmp_path / "in.csv", tmp_path / "out.csv", tmp_path / "out.parquet")
    with pytest.raises(TableFileError, match=r"'out\.csv' would be written over"):
        check_targets(tmp_path / "in.csv", *[tmp_path / "out.csv"] * 2)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.TXT", "t.parquet", "t"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str):
    to = tmp_path / name
    write_files({to: table_bytes(ROWS, to)})
    assert read_table(to).equals(ROWS)
    assert table_bytes(ROWS, to) == to.read_bytes(), "equal rows give an equal file"
    formula = pl.DataFrame({"text": ["=1+1"]})
    shown = "=1+1" if name in ("t.parquet", "t") else "'=1+1"
    to.write_bytes(table_bytes(formula, to))
    assert read_table(to)["text"].to_list() == [shown]


def test_the_last_ending_tells_what_separates(tmp_path: Path):
    for name, separator in (("t.TSV", "\t"), ("x.tsv.csv", ","), ("x.csv.tsv", "\t")):
        assert table_bytes(pl.DataFrame({"a": [1], "b": [2]}), tmp_path / name) == (
            f"a{separator}b\n1{separator}2\n".encode()
        )
    assert gzip.decompress(table_bytes(ROWS, tmp_path / "x.TSV.GZ")).startswith("客户\t".encode())


def test_the_bytes_tell_what_a_file_holds_and_not_its_ending(tmp_path: Path):
    (tmp_path / "text.parquet").write_text(TEXT)
    assert read_table(tmp_path / "text.parquet").equals(ROWS)


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(contents: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "replace_files", full)
    with pytest.raises(TableFileError, match=r"'.*out.csv' cannot be written \(No space left"):
        writing.write_table(ROWS, tmp_path / "out.csv")
    assert not [*tmp_path.iterdir()]
