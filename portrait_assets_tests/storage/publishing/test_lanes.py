"""Lists of statements, some at a time: each in its order, and none goes on after an error."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portrait_assets.schema.table import Column, PartitionBy, Table, Type
from portrait_assets.storage.publishing.lanes import in_lanes
from portrait_assets.storage.publishing.ordering import order_of


def test_all_statements_are_executed_those_of_a_list_in_their_order(tmp_path: Path):
    with duckdb.connect(str(tmp_path / "some.duckdb")) as con:
        in_lanes(
            con,
            [
                [f"CREATE TABLE t{n} AS SELECT {n} AS i", f"UPDATE t{n} SET i = i + 10"]
                for n in range(5)
            ],
        )
        found = [con.execute(f"FROM t{n}").fetchall() for n in range(5)]
    assert found == [[(10,)], [(11,)], [(12,)], [(13,)], [(14,)]]


def test_an_error_in_one_list_ends_the_others(tmp_path: Path):
    endless = "CREATE TABLE endless AS SELECT sum(a.i * b.i) FROM many AS a, many AS b"
    with duckdb.connect(str(tmp_path / "some.duckdb")) as con:
        con.execute("CREATE TABLE many AS SELECT i FROM range(10000000) AS n(i)")
        with pytest.raises(duckdb.CatalogException, match="lacking"):
            in_lanes(
                con,
                [
                    [endless, "CREATE TABLE after_endless (i INT)"],
                    ["FROM lacking", "CREATE TABLE after_lacking (i INT)"],
                    ["CREATE TABLE never_begun (i INT)"] * 2,
                ],
            )
        standing = {name for (name,) in con.execute("SHOW TABLES").fetchall()}
    assert standing <= {"many", "never_begun"}


MATRIX = Table(
    schema="features",
    name="matrix",
    en="Matrix",
    zh="矩阵",
    columns=(
        Column("as_of", Type.DATE, "Month", "月份"),
        Column("customer_id", Type.TEXT, "Customer", "客户"),
        Column("item", Type.TEXT, "Item", "项目"),
    ),
    key=("customer_id", "item"),
    partition_by=PartitionBy.AS_OF,
)


def test_rows_are_in_the_order_of_months_and_of_the_key():
    assert order_of(MATRIX) == ['"as_of"', '"customer_id"', '"item"']
    assert order_of(MATRIX, ["2024-01", "2024-02"]) == ['"as_of"', '"customer_id"', '"item"']
    assert order_of(MATRIX, ["2024-01"], {"customer_id": "place"}) == ["place", '"item"']
    assert order_of(MATRIX.without("item")) == ["ALL"]
