"""Numbers as text in SQL, and what goes into SQL between quotes."""

from __future__ import annotations

import gc
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.storage.duckdb.connection import (
    has_table,
    is_number,
    literal,
    number_text,
    quote,
    require_file,
    scratch_database,
    without_bar,
)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("BIGINT", "-7", "-7"),
        ("UTINYINT", "255", "255"),
        ("DOUBLE", "17850.0", "17850"),
        ("DOUBLE", "1e16", "10000000000000000"),
        ("DOUBLE", "-0.5", "-0.5"),
        ("DOUBLE", "0.1", "0.1"),
        ("DOUBLE", "nan", None),
        ("FLOAT", "nan", None),
        ("FLOAT", "2.5", "2.5"),
        ("DOUBLE", "inf", "inf"),
        ("DECIMAL(10,2)", "3.00", "3"),
        ("DECIMAL(10,2)", "3.10", "3.10"),
        ("DOUBLE", None, None),
    ],
)
def test_a_number_is_text_without_a_fraction_where_it_is_whole(
    kind: str, value: str | None, text: str | None
):
    assert is_number(kind)
    stated = "NULL" if value is None else literal(value)
    sql = f"SELECT {number_text('n', kind)} FROM (SELECT CAST({stated} AS {kind}) AS n)"
    assert duckdb.execute(sql).fetchone() == (text,)


@pytest.mark.parametrize("kind", ["VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "BIGINT[]"])
def test_other_types_are_no_numbers(kind: str):
    assert not is_number(kind)


@pytest.mark.parametrize("text", ["plain", "it's", 'a "b"', "''", '""', "a;--", "\\"])
def test_whatever_a_text_holds_it_is_one_literal_and_one_name(text: str):
    with scratch_database() as con:
        found = con.execute(f"SELECT {literal(text)} AS {quote(text)}")
        assert [column[0] for column in found.description or []] == [text]
        assert found.fetchall() == [(text,)]


def databases() -> int:
    gc.collect()
    with scratch_database() as con:
        return len(con.execute("FROM duckdb_databases() WHERE NOT internal").fetchall())


def test_scratch_databases_do_not_see_each_other_and_are_gone_with_their_connections():
    before = databases()
    ann, bob = scratch_database(), scratch_database()
    ann.execute(
        "CREATE SCHEMA tags; CREATE TABLE tags.t AS SELECT 1 AS a; CREATE TEMP TABLE u (b INT)"
    )
    assert not has_table(bob, "tags.t")
    assert bob.execute("FROM duckdb_tables() WHERE temporary").fetchall() == []
    rows = ann.sql("FROM tags.t")
    assert databases() == before + 2
    del ann, bob
    assert rows.fetchall() == [(1,)], "a query's rows keep the database that they are of"
    del rows
    assert databases() == before


def test_of_a_sealed_database_sql_reaches_no_file(tmp_path: Path):
    path = tmp_path / "rows.csv"
    path.write_text("a\n1\n")
    assert scratch_database().execute(f"FROM '{path}'").fetchall() == [(1,)]
    with pytest.raises(duckdb.PermissionException):
        scratch_database(is_sealed=True).execute(f"FROM '{path}'")


def test_a_connection_prints_no_progress_bar():
    shown = "SELECT current_setting('enable_progress_bar')"
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = true")
        assert con.execute(shown).fetchall() == [(True,)]
        assert without_bar(con).execute(shown).fetchall() == [(False,)]


def test_where_another_source_has_a_warehouse_it_is_named(tmp_path: Path):
    here = tmp_path / "shop" / "warehouse.duckdb"
    for source in ("town", "bank"):
        (tmp_path / source).mkdir()
        (tmp_path / source / "warehouse.duckdb").touch()
    with pytest.raises(WarehouseError, match=r" first, or name .* with --source: bank, town\.$"):
        require_file(here)
    with pytest.raises(WarehouseError, match=r"` first\.$"):
        require_file(tmp_path / "elsewhere" / "shop" / "warehouse.duckdb")
