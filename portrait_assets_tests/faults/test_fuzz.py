"""Whatever people write, it ends as rows and rejects or in one sentence, and runs nothing else.

`PORTRAIT_FUZZ` says how many cases each property tries; `make torture` tries 10,000 together.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from portrait_assets.app import cli
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.methods.expressions.expression import ExpressionError, parse
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.audiences.condition import MATRIX, parse_audience
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, shop
from portrait_assets.testing.worlds.tags import COLUMNS, HEAD, TIER
from portrait_assets_tests.faults.fuzz_words import WORDS, scraps, values

CASES = int(os.environ.get("PORTRAIT_FUZZ", "12"))
fuzz = settings(max_examples=CASES, deadline=None)


@contextlib.contextmanager
def a_shop() -> Iterator[Path]:
    """The folder of the shop's source."""
    with tempfile.TemporaryDirectory() as folder:
        yield shop(Path(folder)).source_dir


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def is_a_sentence(error: PortraitError) -> None:
    text = str(error)
    assert text
    assert "Traceback" not in text


def read(source_dir: Path) -> dict[str, dict[str | None, int]] | None:
    """Rows by table and month that the source gives; None when it is refused with an error."""
    before = listing(source_dir)
    try:
        with scratch_database() as con:
            con.execute("CREATE TABLE canary AS SELECT 1 AS alive")
            try:
                with SourceReader(con, load_source(source_dir)) as reader:
                    placed = placings(reader)
                    return {name: placing.counts() for name, placing in placed.items()}
            finally:
                assert con.execute("FROM canary").fetchall() == [(1,)]
                tables = "FROM duckdb_tables() WHERE database_name = current_database()"
                assert len(con.execute(tables).fetchall()) == 1
    except PortraitError as error:
        is_a_sentence(error)
        return None
    finally:
        assert listing(source_dir) == before


# -- source.yaml ---------------------------------------------------------------------------

SHOP = PACKAGED_SOURCES / "corner_shop"
SOURCE_YAML = yaml.safe_load((SHOP / "source.yaml").read_text())
PLACES = [
    *((name,) for name in (*SOURCE_YAML, "country", "install_hint", "rules", "unknown")),
    ("title", "en"),
    ("files", "sales"),
    ("files", "other"),
    ("tables", "transactions"),
    ("rules", "transactions.amount"),
]


@fuzz
@given(place=st.sampled_from(PLACES), value=values)
@example(place=("files", "sales"), value="/etc/passwd")
@example(place=("files", "sales"), value="")
@example(place=("files", "sales"), value="\x00")
@example(place=("files_in",), value="package:os.path/x")
@example(place=("files_in",), value="package:/x")
@example(place=("files_in",), value="~nobody-here/x")
@example(place=("time_zone",), value="../../etc/passwd")
@example(place=("first_month",), value="0000-01")
def test_any_value_anywhere_in_source_yaml(place: tuple[str, ...], value: object):
    edited = yaml.safe_load(yaml.safe_dump(SOURCE_YAML))
    parent = edited
    for name in place[:-1]:
        parent = parent.setdefault(name, {})
    parent[place[-1]] = value
    with a_shop() as folder:
        (folder / "source.yaml").write_text(yaml.safe_dump(edited, allow_unicode=True))
        read(folder)


@fuzz
@given(text=st.one_of(scraps, st.text(), st.binary(max_size=80).map(lambda b: b.decode("latin-1"))))
def test_any_text_as_source_yaml(text: str):
    with a_shop() as folder:
        (folder / "source.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
        read(folder)


# -- SQL -----------------------------------------------------------------------------------

SQL = (SHOP / "transactions.sql").read_text()


@st.composite
def broken_sql(draw: st.DrawFn) -> str:
    place = draw(st.integers(0, len(SQL)))
    gone = draw(st.integers(0, 20))
    return SQL[:place] + draw(scraps) + SQL[place + gone :]


@fuzz
@given(sql=st.one_of(broken_sql(), scraps))
@example(sql=SQL + "; -- the end")
@example(sql=SQL + "-- the end")
@example(sql=SQL + "); DROP TABLE canary; SELECT (1")
@example(sql="COPY (SELECT 1) TO 'x.csv'")
@example(sql="INSERT INTO canary VALUES (2) RETURNING *")
@example(sql="")
@example(sql="\udcff")
@pytest.mark.slow
def test_any_text_as_the_sql_of_a_table(sql: str):
    with a_shop() as folder:
        (folder / "transactions.sql").write_bytes(sql.encode("utf-8", "surrogateescape"))
        read(folder)


# -- files ---------------------------------------------------------------------------------

lines = st.lists(
    st.one_of(
        st.just("2024-01-01 08:03,K025,B02511,bread,12.11,1.21,west"),
        st.text(alphabet="a,\"\n\r\t;|\x00é客\\'0-", max_size=40),
        st.text(max_size=40),
    ),
    max_size=12,
).map("\n".join)
HEADER = "sold_at,card,basket,category,paid,saved,town\n"


@fuzz
@given(body=st.one_of(lines.map(str.encode), st.binary(max_size=400)), header=st.booleans())
def test_any_bytes_as_a_text_file(body: bytes, header: bool):
    with a_shop() as folder:
        (folder / "sales.csv").write_bytes((HEADER.encode() if header else b"") + body)
        read(folder)


@fuzz
@given(name=st.text(alphabet="ab'\"[]*?{},;$%-_ .=客\\", min_size=1, max_size=12))
@example(name="*")
@example(name="\\?")
@example(name="'); DROP TABLE canary; --")
def test_any_file_name_is_that_file_and_nothing_else(name: str):
    with a_shop() as folder:
        rows = (folder / "sales.csv").read_text().splitlines(keepends=True)
        (folder / "sales.csv").unlink()
        (folder / f"{name}.csv").write_text("".join(rows[:11]))
        source_yaml = (folder / "source.yaml").read_text()
        (folder / "source.yaml").write_text(source_yaml.replace("sales.csv", '"*.csv"'))
        found = read(folder)
        if found is not None and not name.startswith("."):
            assert sum(found["transactions"].values()) == 10


# -- tags and audiences --------------------------------------------------------------------

TAGS = HEAD + TIER


@st.composite
def broken_tags(draw: st.DrawFn) -> str:
    place = draw(st.integers(0, len(TAGS)))
    return TAGS[:place] + draw(scraps) + TAGS[place + draw(st.integers(0, 10)) :]


@fuzz
@given(text=st.one_of(broken_tags(), scraps))
def test_any_text_as_a_tag_catalogue(text: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tags.yaml"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        for default, overrides in ((path, None), (None, path)):
            with contextlib.suppress(PortraitError):
                load_catalogue(default, overrides, COLUMNS if default is path else None)


@fuzz
@given(text=scraps)
def test_any_text_as_saved_audiences(text: str):
    entry = [{"code": "a", "name": {"en": "A", "zh": "甲"}, "owner": "o", "where": text}]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audiences.yaml"
        for content in (text, yaml.safe_dump({"audiences": entry}, allow_unicode=True)):
            path.write_bytes(content.encode("utf-8", "surrogateescape"))
            with contextlib.suppress(PortraitError):
                load_audiences(path, COLUMNS)


HARMLESS = (exp.Subquery, exp.Select, exp.Table, exp.Command, exp.Anonymous, exp.Placeholder)


@fuzz
@given(text=scraps)
@example(text="spend > 1) UNION SELECT (1")
@example(text="spend > 1 --")
@example(text="spend > query('FROM secret')")
@example(text="region = 'x' OR region LIKE getenv('HOME')")
def test_any_text_as_an_expression_reads_its_own_row_and_nothing_else(text: str):
    try:
        parse(text, COLUMNS)
        expression = parse_audience(text, COLUMNS)
    except ExpressionError:
        return
    except PortraitError as error:
        is_a_sentence(error)
        return
    tree = sqlglot.parse_one(expression.sql, dialect="duckdb")
    assert not list(tree.find_all(*HARMLESS))
    assert {column.name for column in tree.find_all(exp.Column)} <= set(COLUMNS)
    with scratch_database(is_sealed=True) as con:
        con.execute("CREATE SCHEMA tags; CREATE TABLE secret AS SELECT 1")
        typed = ", ".join(f'"{name}" {column.type}' for name, column in COLUMNS.items())
        con.execute(f"CREATE TABLE {MATRIX} ({typed}); INSERT INTO {MATRIX} DEFAULT VALUES")
        sql = f"SELECT count(*) FROM {MATRIX} WHERE ({expression.sql})"
        assert len(con.extract_statements(sql)) == 1
        with contextlib.suppress(duckdb.BinderException, duckdb.ConversionException):
            con.execute(sql)
        assert con.execute("SELECT count(*) FROM secret").fetchall() == [(1,)]


# -- the command line ----------------------------------------------------------------------

VERBS = ("run", "status", "sources", "show", "audience", "tags", "doctor", "cluster", "generate")
OPTIONS = (
    "--months",
    "-m",
    "--source",
    "-s",
    "--data-dir",
    "--fresh",
    "--as-of",
    "--month",
    "--out",
    "--to",
    "--by",
    "--reason",
    "--from",
    "--status",
    "--segments",
    "--customers",
    "--seed",
    "list",
    "diff",
    "approve",
    "retire",
    "bank",
    "2024-01",
    "..",
    "-1",
    "nothing",
)
arguments = st.lists(
    st.one_of(st.sampled_from(OPTIONS), st.text(max_size=10), st.sampled_from(WORDS)), max_size=5
)


@fuzz
@given(verb=st.sampled_from(VERBS), rest=arguments)
@example(verb="status", rest=["--data-dir", "\x00"])
@example(verb="doctor", rest=[])
@example(verb="run", rest=[])
@example(verb="run", rest=["--source", "../.."])
@example(verb="show", rest=["nobody", "--as-of", "2024-99"])
@example(verb="audience", rest=["spend > 1", "--out", "/no/where.csv"])
@example(verb="cluster", rest=["/etc/passwd", "--out", "/no/where.parquet"])
def test_any_words_on_the_command_line(verb: str, rest: list[str]):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        # Without its file the shop is refused when it is read: `run` alone would be a whole run.
        closed = Path(folder) / "sources" / "closed_shop"
        shutil.copytree(SHOP, closed, ignore=shutil.ignore_patterns("*.csv"))
        text = (
            (closed / "source.yaml").read_text().replace("name: corner_shop", "name: closed_shop")
        )
        (closed / "source.yaml").write_text(text)
        there = {*Path(folder).rglob("*")}
        patched.chdir(folder)
        patched.setenv("PORTRAIT_DATA_DIR", folder)
        patched.setenv("PORTRAIT_SOURCE", closed.name)
        patched.setattr(sys, "argv", ["portrait", verb, *rest])
        output = Path(folder) / "output"
        with (
            output.open("w") as file,
            contextlib.redirect_stderr(file),
            contextlib.redirect_stdout(file),
            pytest.raises(SystemExit) as ended,
        ):
            cli.main()
        assert ended.value.code in (0, 1, 2, None)
        assert "Traceback" not in output.read_text()
        written = [p.name for p in {*Path(folder).rglob("*")} - there if p != output]
        assert not written or ended.value.code == 0, written


def test_the_shop_reads_as_it_should():
    with a_shop() as folder:
        found = read(folder)
    assert found is not None
    assert sorted(str(month) for month in found["transactions"]) == SHOP_MONTHS
