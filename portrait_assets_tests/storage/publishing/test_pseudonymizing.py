"""A file of pseudonyms: nothing in it is an identifier, nor in the order of identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.core.months import last_day
from portrait_assets.schema.table import CUSTOMER_ID, Column, PartitionBy, Table, Type
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.content import Extract
from portrait_assets.storage.publishing.file import publish, published_key
from portrait_assets.storage.publishing.pseudonymizing import Pseudonyms, identifiers_of_tables_sql

NUMBER = Column("customer_no", Type.COUNTER, "Number", "序号", numbers="tags.matrix")
MATRIX = Table(
    "tags",
    "matrix",
    "Matrix",
    "矩阵",
    (CUSTOMER_ID, NUMBER, Column("spend", Type.INTEGER, "Spend", "消费")),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
DETAILS = Table(
    "tags",
    "details",
    "Details",
    "明细",
    (NUMBER, Column("twice", Type.INTEGER, "Twice the spend", "两倍消费")),
    key=("as_of", "customer_no"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
RECORDS = Table(
    "cleaned",
    "records",
    "Records",
    "记录",
    (
        CUSTOMER_ID,
        Column("other_id", Type.TEXT, "Other", "另", identifies=True),
        Column("source_file", Type.TEXT, "File", "文件"),
        Column("source_row", Type.INTEGER, "Row", "行", traces=True),
    ),
    key=("source_file", "source_row"),
    published=True,
)
TABLES = (MATRIX, DETAILS, RECORDS)
ALIASES = Table(
    "main",
    "aliases",
    "Aliases",
    "别名",
    (Column("alias_id", Type.TEXT, "Alias", "别名", identifies=True), CUSTOMER_ID),
    key=("alias_id",),
    partition_by=None,
)
KNOWN = Extract(
    ALIASES,
    "SELECT other_id AS alias_id, customer_id FROM cleaned.records WHERE other_id IS NOT NULL",
    reads=(RECORDS,),
)


def reversed_order(ids: pl.Series) -> pl.Series:
    """Pseudonyms in the reverse order of the identifiers '138000000' and two digits."""
    last = ids.str.slice(-2).cast(pl.Int64)
    return pl.Series([f"p{99 - each:02}" for each in last], dtype=pl.String)


BACKWARDS = Pseudonyms("backwards", reversed_order)


def phone(number: int) -> str:
    return f"138000000{number:02}"


def matrix(month: str, *numbers: int) -> pl.DataFrame:
    """The matrix of a month; a customer's spend is their own number."""
    return pl.DataFrame(
        {
            "as_of": pl.Series([last_day(month)] * len(numbers), dtype=pl.Date),
            "customer_id": [phone(number) for number in numbers],
            "customer_no": range(1, len(numbers) + 1),
            "spend": list(numbers),
        }
    )


def details(of: pl.DataFrame) -> pl.DataFrame:
    return of.select("as_of", "customer_no", twice=pl.col("spend") * 2)


def write(warehouse: Warehouse, month: str, *numbers: int) -> None:
    rows = matrix(month, *numbers)
    warehouse.write(MATRIX, [month], rows)
    warehouse.write(DETAILS, [month], details(rows))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    write(opened, "2023-02", 1, 2, 3)
    records = pl.DataFrame(
        {
            "month": "2023-02",
            "customer_id": [phone(number) for number in (1, 2, 3)],
            "other_id": [None, phone(1), None],
            "source_file": "people.csv",
            "source_row": [1, 2, 3],
        }
    )
    opened.write(RECORDS, ["2023-02"], records)
    yield opened
    opened.close()


def publish_to(
    target: Path, warehouse: Warehouse, pseudonyms: Pseudonyms | None = BACKWARDS
) -> None:
    publish(warehouse, TABLES, [KNOWN], target, "shop", pseudonyms)


def rows(target: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(target), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_customers_bear_pseudonyms_and_stand_in_their_order(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    publish_to(target, warehouse)
    found = rows(target, "SELECT customer_id, customer_no, spend FROM tags.matrix")
    assert found == [("p96", 1, 3), ("p97", 2, 2), ("p98", 3, 1)]
    assert rows(target, "SELECT customer_no, twice FROM tags.details") == [(1, 6), (2, 4), (3, 2)]
    assert rows(target, "SELECT * EXCLUDE (month) FROM cleaned.records") == [
        ("p96", None, "people.csv"),
        ("p97", "p98", "people.csv"),
        ("p98", None, "people.csv"),
    ]
    assert rows(target, "FROM aliases") == [("p98", "p97")]
    assert published_key(target) == "backwards"
    assert b"138000" not in target.read_bytes()
    assert (
        warehouse.con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
        == []
    )


def test_without_pseudonyms_all_is_as_in_the_warehouse(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    publish_to(target, warehouse, None)
    found = rows(target, "SELECT customer_id, customer_no, spend FROM tags.matrix")
    assert found == [(phone(1), 1, 1), (phone(2), 2, 2), (phone(3), 3, 3)]
    assert rows(target, "SELECT source_row FROM cleaned.records") == [(1,), (2,), (3,)]
    assert rows(target, "FROM aliases") == [(phone(1), phone(2))]
    assert published_key(target) is None


def contents(target: Path) -> dict[str, list[tuple[object, ...]]]:
    names = ("tags.matrix", "tags.details", "cleaned.records", "aliases")
    return {name: rows(target, f"FROM {name} ORDER BY ALL") for name in names}


def test_what_is_updated_month_by_month_equals_what_is_written_anew(
    warehouse: Warehouse, tmp_path: Path
):
    updated, anew = tmp_path / "updated.duckdb", tmp_path / "anew.duckdb"
    write(warehouse, "2023-03", 1, 2, 3, 4)
    write(warehouse, "2023-04", 5)
    publish_to(updated, warehouse)
    first = rows(updated, "SELECT min(rowid) FROM tags.matrix WHERE month(as_of) = 2")
    write(warehouse, "2023-04", 4, 5)
    publish_to(updated, warehouse)
    assert rows(updated, "SELECT min(rowid) FROM tags.matrix WHERE month(as_of) = 2") == first
    publish_to(anew, warehouse)
    assert contents(updated) == contents(anew)


def test_few_identifiers_at_a_time_give_the_same_file(warehouse: Warehouse, tmp_path: Path):
    at_once, by_one = tmp_path / "at_once.duckdb", tmp_path / "by_one.duckdb"
    publish_to(at_once, warehouse)
    warehouse.bounds = Bounds(frame_rows=1, table_values=1)
    publish_to(by_one, warehouse)
    assert contents(by_one) == contents(at_once)


def test_details_that_came_out_the_same_are_numbered_anew_with_their_customers(
    warehouse: Warehouse, tmp_path: Path
):
    """Two customers who change places are the same details in another order of pseudonyms."""
    target = tmp_path / "portrait.duckdb"
    write(warehouse, "2023-03", 1, 2, 3)
    rows_of_april = matrix("2023-04", 4, 5)
    warehouse.write(MATRIX, ["2023-04"], rows_of_april)
    warehouse.write(DETAILS, ["2023-04"], details(rows_of_april))
    publish_to(target, warehouse)
    other = rows_of_april.with_columns(customer_id=pl.Series([phone(5), phone(4)]))
    warehouse.write(MATRIX, ["2023-04"], other)
    publish_to(target, warehouse)
    joined = rows(
        target,
        "SELECT customer_id, spend, twice FROM tags.matrix JOIN tags.details "
        "USING (as_of, customer_no) WHERE month(as_of) = 4 ORDER BY ALL",
    )
    assert joined == [("p94", 4, 8), ("p95", 5, 10)]


def test_another_key_writes_the_file_anew(warehouse: Warehouse, tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    publish_to(target, warehouse, None)
    publish_to(target, warehouse)
    other = Pseudonyms("other", lambda ids: "q" + ids.str.slice(-2))
    publish_to(target, warehouse, other)
    found = rows(target, "SELECT customer_id FROM tags.matrix")
    assert found == [("q01",), ("q02",), ("q03",)]
    assert b"p98" not in target.read_bytes()
    assert b"138000" not in target.read_bytes()
    assert published_key(target) == "other"


def test_an_empty_warehouse_has_an_empty_extract(tmp_path: Path):
    target = tmp_path / "portrait.duckdb"
    empty = Warehouse(tmp_path / "empty.duckdb", "shop", "run-1")
    publish_to(target, empty)
    empty.close()
    assert rows(target, "FROM aliases") == []


def test_only_identifiers_that_are_published_need_a_pseudonym():
    private = replace(RECORDS, name="private", published=False)
    absent = replace(RECORDS, name="absent")
    with scratch_database() as con:
        con.execute(
            "CREATE SCHEMA cleaned; "
            "CREATE TABLE cleaned.records AS SELECT 'a' AS customer_id, 'b' AS other_id; "
            "CREATE TABLE cleaned.private AS SELECT 'c' AS customer_id, NULL AS other_id"
        )
        sql = identifiers_of_tables_sql(con, [RECORDS, private, absent])
        assert sql is not None
        assert sorted(con.execute(sql).fetchall()) == [("a",), ("b",)]
        assert identifiers_of_tables_sql(con, [private, absent]) is None
