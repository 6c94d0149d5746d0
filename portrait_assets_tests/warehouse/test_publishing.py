"""A publication appears whole, keeps secrets behind, and never disturbs who is reading."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.warehouse.contract import Column, Table, Type
from portrait_assets.warehouse.publishing import View, publish
from portrait_assets.warehouse.store import Warehouse

PEOPLE = Table(
    "cleaned",
    "people",
    "People",
    "人",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("phone", Type.TEXT, "Phone", "电话"),
    ),
    key=("customer_id",),
    published=True,
    private=("phone",),
)
INTERNAL = Table("cleaned", "internal", "Internal", "内部", PEOPLE.columns)
NEWEST = View(
    "newest",
    "SELECT customer_id, 1 AS one FROM cleaned.people",
    "Newest",
    "最新",
    shows="cleaned.people",
    columns={"one": "One / 一"},
)


def people(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"month": "2024-01", "customer_id": names, "phone": "555"})


@pytest.fixture
def warehouse(tmp_path: Path):
    opened = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    opened.write(PEOPLE, ["2024-01"], people("a", "b"))
    opened.write(INTERNAL, ["2024-01"], people("a"))
    yield opened
    opened.close()


def test_tables_views_comments_and_the_publication_are_there(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    assert publish(warehouse, [PEOPLE, INTERNAL], [NEWEST], target, "shop") == {"cleaned.people": 2}
    with duckdb.connect(str(target), read_only=True) as con:
        assert con.execute("FROM newest ORDER BY 1").fetchall() == [("a", 1), ("b", 1)]
        source, first, last, run_id = con.execute(
            "SELECT source, first_month, last_month, run_id FROM mart.publication"
        ).fetchone()
        assert (source, first, last, run_id) == ("shop", "2024-01", "2024-01", "run-1")
        bare = con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
            "AND comment IS NULL "
            "UNION ALL SELECT table_name, '' FROM duckdb_tables() WHERE comment IS NULL"
        ).fetchall()
        assert bare == []


def test_private_columns_and_internal_tables_stay_behind(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    publish(warehouse, [PEOPLE, INTERNAL], [], target, "shop")
    assert b"555" not in target.read_bytes()
    with duckdb.connect(str(target), read_only=True) as con:
        names = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
    assert "internal" not in names


def test_an_open_session_keeps_the_old_file_and_the_next_sees_the_new(
    warehouse: Warehouse, tmp_path: Path
):
    target = tmp_path / "portrait.duckdb"
    publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
    with duckdb.connect(str(target), read_only=True, config={"threads": 1}) as reader:
        warehouse.write(PEOPLE, ["2024-01"], people("a", "b", "c"))
        publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
        assert reader.execute("SELECT count(*) FROM newest").fetchone() == (2,)
    with duckdb.connect(str(target), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM newest").fetchone() == (3,)


def test_a_failure_leaves_the_old_file_and_no_litter(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    publish(warehouse, [PEOPLE], [], target, "shop")
    before = target.read_bytes()
    broken = View("broken", "SELECT nothing FROM nowhere", "Broken", "坏")
    with pytest.raises(duckdb.Error):
        publish(warehouse, [PEOPLE], [broken], target, "shop")
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.glob(".portrait*")] == []
