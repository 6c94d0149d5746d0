"""Rows of nulls that a table has in the published file and not in the warehouse."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.table import Column, EmptyRows, PartitionBy, Table, Type
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.publishing.empty_rows import (
    count_empty_rows,
    months_with_empty_rows,
    with_empty_rows_sql,
    with_room,
)

WHO = Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False)
KNOWN = Table(
    schema="features",
    name="known",
    en="Everyone",
    zh="全部",
    columns=(WHO, Column("is_profiled", Type.BOOLEAN, "Profiled", "画像")),
    key=("customer_id",),
    partition_by=PartitionBy.MONTH,
)
TABLE = replace(
    KNOWN,
    name="matrix",
    columns=(WHO, Column("spend", Type.INTEGER, "Spend", "消费", nullable=False)),
    empty_rows=EmptyRows(KNOWN, "SELECT month, customer_id", "NOT is_profiled"),
)


def test_whoever_counts_has_a_row_of_nulls_in_the_months_asked_for():
    with scratch_database() as con:
        con.execute(
            "CREATE SCHEMA features; CREATE TABLE features.known AS FROM (VALUES "
            "('2024-01', 'ann', true), ('2024-01', 'bob', false), ('2024-02', 'bob', false), "
            "('2024-02', 'cai', NULL)) AS t (month, customer_id, is_profiled); "
            "CREATE TABLE features.matrix AS SELECT '2024-01' AS month, 'ann' AS customer_id, "
            "7 AS spend"
        )
        rows = con.execute(with_empty_rows_sql(con, TABLE, ["2024-01"])).fetchall()
        assert sorted(rows) == [("2024-01", "ann", 7), ("2024-01", "bob", None)]
        assert count_empty_rows(con, TABLE, ["2024-01"]) == 1
        assert count_empty_rows(con, TABLE, ["2024-01", "2024-02"]) == 2
        assert count_empty_rows(con, KNOWN, ["2024-01"]) == 0


def test_a_month_has_the_rows_of_both_and_changed_when_either_did():
    found = months_with_empty_rows(
        {
            "features.matrix": {"2024-01": (5, 100), "2024-02": (6, 300)},
            "features.known": {"2024-01": (2, 200), "2024-02": (3, 200), "2024-03": (4, 400)},
        },
        TABLE,
    )
    assert found == {"2024-01": (7, 200), "2024-02": (9, 300), "2024-03": (4, 400)}
    alone = months_with_empty_rows({"features.known": {"2024-01": (2, 200)}}, KNOWN)
    assert alone == {"2024-01": (2, 200)}


def test_beside_the_key_a_column_may_be_null_where_there_are_empty_rows():
    nullable = {column.name: column.nullable for column in with_room(TABLE).columns}
    assert nullable == {"customer_id": False, "spend": True}
    assert with_room(KNOWN) is KNOWN
