"""A publication appears whole, keeps secrets behind, and never disturbs who is reading."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.schema.table import Column, EmptyRows, Table, Type
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing import updating
from portrait_assets.storage.publishing.file import View, publish
from portrait_assets.storage.publishing.pseudonymizing import Pseudonyms

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
        published = con.execute(
            "SELECT source, first_month, last_month, run_id FROM mart.publication"
        ).fetchall()
        assert published == [("shop", "2024-01", "2024-01", "run-1")]
        bare = con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
            "AND comment IS NULL "
            "UNION ALL SELECT table_name, '' FROM duckdb_tables() WHERE comment IS NULL"
        ).fetchall()
        assert bare == []


LEFT_OUT = Table(
    "cleaned",
    "left_out",
    "Left out",
    "未列入",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("keeps_row", Type.BOOLEAN, "Keeps a row", "保留"),
    ),
    key=("customer_id",),
)
WITH_EMPTY = replace(
    PEOPLE,
    columns=(
        *PEOPLE.columns,
        Column("is_known", Type.BOOLEAN, "Known", "已知"),
        Column("visits", Type.INTEGER, "Visits", "到访", nullable=False),
    ),
    empty_rows=EmptyRows(LEFT_OUT, "SELECT month, customer_id, false AS is_known", "keeps_row"),
)


def test_empty_rows_are_published_in_their_place_and_kept_up_to_date(tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    warehouse = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")

    def left_out(**keep: bool) -> None:
        rows = {"month": "2024-01", "customer_id": list(keep), "keeps_row": list(keep.values())}
        warehouse.write(LEFT_OUT, ["2024-01"], pl.DataFrame(rows))

    def found() -> list[tuple[object, ...]]:
        publish(warehouse, [WITH_EMPTY, LEFT_OUT], [], target, "shop")
        with duckdb.connect(str(target), read_only=True) as con:
            return con.execute("SELECT * EXCLUDE (month) FROM cleaned.people").fetchall()

    known = people("a", "c").with_columns(is_known=pl.lit(True), visits=1)
    warehouse.write(WITH_EMPTY, ["2024-01"], known)
    left_out(b=True, d=False)
    assert found() == [("a", True, 1), ("b", False, None), ("c", True, 1)]
    # Of the table itself nothing changes, and the file follows all the same.
    left_out(d=True)
    assert found() == [("a", True, 1), ("c", True, 1), ("d", False, None)]
    warehouse.close()


def test_empty_rows_bear_pseudonyms_too(tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    warehouse = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    warehouse.write(
        WITH_EMPTY, ["2024-01"], people("a").with_columns(is_known=pl.lit(True), visits=1)
    )
    rows = pl.DataFrame({"month": "2024-01", "customer_id": ["b"], "keeps_row": True})
    warehouse.write(LEFT_OUT, ["2024-01"], rows)
    known_as = Pseudonyms("key", lambda each: "of " + each)
    columns = tuple(replace(c, identifies=c.name == "customer_id") for c in WITH_EMPTY.columns)
    identified = replace(WITH_EMPTY, columns=columns)
    publish(warehouse, [identified, LEFT_OUT], [], target, "shop", pseudonyms=known_as)
    warehouse.close()
    with duckdb.connect(str(target), read_only=True) as con:
        found = con.execute("SELECT customer_id, is_known FROM cleaned.people").fetchall()
    assert found == [("of a", True), ("of b", False)]


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


FEBRUARY = people("a", "c").with_columns(month=pl.lit("2024-02"))
MARCH = people("a").with_columns(month=pl.lit("2024-03"))


def published(target: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(target), read_only=True) as con:
        return con.execute("SELECT month, customer_id FROM cleaned.people ORDER BY ALL").fetchall()


def row_ids(target: Path) -> dict[str, int]:
    """Where the first row of each month stands; one that is replaced goes behind the others."""
    with duckdb.connect(str(target), read_only=True) as con:
        rows = con.execute("SELECT month, min(rowid) FROM cleaned.people GROUP BY 1").fetchall()
    return dict(rows)


def test_only_months_that_changed_are_written_again(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    warehouse.write(PEOPLE, ["2024-02"], FEBRUARY)
    publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
    places = row_ids(target)
    assert places["2024-01"] < places["2024-02"]
    warehouse.write(PEOPLE, ["2024-01", "2024-02"], pl.concat([people("b"), FEBRUARY]))
    warehouse.write(PEOPLE, ["2024-03"], MARCH)
    publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
    assert published(target) == [
        ("2024-01", "b"),
        ("2024-02", "a"),
        ("2024-02", "c"),
        ("2024-03", "a"),
    ]
    places = row_ids(target)
    assert places["2024-02"] < places["2024-01"]


def test_a_month_that_is_gone_and_a_damaged_file_are_no_hindrance(
    warehouse: Warehouse, tmp_path: Path
):
    target = tmp_path / "portrait.duckdb"
    warehouse.write(PEOPLE, ["2024-02"], FEBRUARY)
    warehouse.write(PEOPLE, ["2024-03"], MARCH)
    publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
    warehouse.con.execute("DELETE FROM meta.partitions WHERE month = '2024-03'")
    warehouse.con.execute("DELETE FROM cleaned.people WHERE month = '2024-03'")
    publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
    assert {month for month, _ in published(target)} == {"2024-01", "2024-02"}
    target.write_bytes(b"no database")
    publish(warehouse, [PEOPLE], [NEWEST], target, "shop")
    assert {month for month, _ in published(target)} == {"2024-01", "2024-02"}


def test_a_table_that_has_no_contract_any_more_may_come_back_as_a_view(
    warehouse: Warehouse, tmp_path: Path
):
    target = tmp_path / "portrait.duckdb"
    publish(warehouse, [PEOPLE, replace(INTERNAL, published=True)], [], target, "shop")
    internal = View("cleaned.internal", "SELECT 1 AS one", "Derived", "派生")
    publish(warehouse, [PEOPLE], [internal], target, "shop")
    with duckdb.connect(str(target), read_only=True) as con:
        assert con.execute("FROM cleaned.internal").fetchall() == [(1,)]
    assert published(target) == [("2024-01", "a"), ("2024-01", "b")]


def test_a_column_that_is_new_writes_the_file_anew(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    publish(warehouse, [PEOPLE], [], target, "shop")
    publish(warehouse, [replace(PEOPLE, private=())], [NEWEST], target, "shop")
    with duckdb.connect(str(target), read_only=True) as con:
        assert con.execute("SELECT DISTINCT phone FROM cleaned.people").fetchall() == [("555",)]


VISITS = Table(
    "cleaned",
    "visits",
    "Visits",
    "到店",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("kind", Type.TEXT, "Kind", "类", allowed=("a", "b")),
    ),
    key=("customer_id",),
    published=True,
    published_as_enums=True,
)
WHOLE = Table("mart", "whole", "Whole", "整表", PEOPLE.columns, partition_by=None, published=True)


def contents(con: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[object, ...]]:
    return con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


@pytest.mark.parametrize("seed", [1, 2])
def test_after_every_publication_the_file_holds_what_the_warehouse_does(tmp_path: Path, seed: int):
    """Months written, written again with the same rows, emptied and lost, in any order."""
    draw = random.Random(seed)
    bounds = Bounds(table_values=12)
    target = tmp_path / "portrait.duckdb"
    warehouse = Warehouse(tmp_path / "w.duckdb", "shop", "run-1", bounds=bounds)
    months = [f"2024-0{n}" for n in range(1, 5)]
    for step in range(5):
        for table in (PEOPLE, VISITS):
            month = draw.choice(months)
            rows = pl.DataFrame(
                [(month, f"c{n}", "ab"[n % 2]) for n in range(draw.choice([0, 1, 3, 9]))],
                schema=table.polars_schema,
                orient="row",
            )
            warehouse.write(table, [month], rows)
        warehouse.write(WHOLE, None, pl.DataFrame({"customer_id": [f"w{step}"], "phone": ["1"]}))
        lost = draw.choice(months)
        if step == 3:
            warehouse.con.execute(f"DELETE FROM meta.partitions WHERE month = '{lost}'")
            for table in (PEOPLE, VISITS):
                warehouse.con.execute(f"DELETE FROM {table.full_name} WHERE month = '{lost}'")
                warehouse._materialized.get(table.full_name, {}).pop(lost, None)
        rows_by_table = publish(warehouse, [PEOPLE, VISITS, WHOLE, INTERNAL], [], target, "shop")
        columns = {
            "cleaned.people": "month, customer_id",
            "cleaned.visits": "month, customer_id, kind::VARCHAR",
            "mart.whole": "customer_id, phone",
        }
        wanted = {name: contents(warehouse.con, name, of) for name, of in columns.items()}
        times = "table_name, month, row_count, run_id, epoch_us(made_at), epoch_us(changed_at)"
        noted = contents(warehouse.con, "meta.partitions", times)
        known = sorted(str(month) for _, month, *_ in noted if month)
        with duckdb.connect(str(target), read_only=True) as con:
            assert {name: contents(con, name, of) for name, of in columns.items()} == wanted
            assert contents(con, "mart.table_rows", times) == noted
            span = contents(con, "mart.publication", "first_month, last_month")
        assert rows_by_table == {name: len(found) for name, found in wanted.items()}
        assert span == [(known[0], known[-1])]
    warehouse.close()


@pytest.mark.parametrize(
    ("replaced", "free", "is_updated"),
    [(0.5, 0.3, True), (0.25, 0.0, True), (0.24, 0.3, False), (0.5, -0.01, False)],
)
def test_a_file_of_which_much_is_replaced_or_free_is_written_anew(
    warehouse: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    replaced: float,
    free: float,
    is_updated: bool,
):
    """One of the four rows is replaced, and nothing is free; a row that is replaced goes behind."""
    monkeypatch.setattr(updating, "_MOST_REPLACED", replaced)
    monkeypatch.setattr(updating, "_MOST_FREE", free)
    target = tmp_path / "portrait.duckdb"
    warehouse.write(INTERNAL, ["2024-01"], INTERNAL.empty())
    rows = [people("a").with_columns(month=pl.lit(f"2024-0{n}")) for n in range(1, 5)]
    for month in range(4):
        warehouse.write(PEOPLE, [f"2024-0{month + 1}"], rows[month])
    publish(warehouse, [PEOPLE], [], target, "shop")
    warehouse.write(PEOPLE, ["2024-01"], people("b"))
    publish(warehouse, [PEOPLE], [], target, "shop")
    places = row_ids(target)
    assert (places["2024-01"] > places["2024-04"]) == is_updated
    assert published(target) == [("2024-01", "b"), *((f"2024-0{n}", "a") for n in range(2, 5))]
