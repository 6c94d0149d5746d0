"""The contract's checks find what is wrong: each kind shown failing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from portrait_assets.schema.columns import count, share
from portrait_assets.schema.pandera_schema import contract_schema, violations
from portrait_assets.schema.table import POLARS_TYPES, Column, PartitionBy, Table, Type
from portrait_assets.storage.duckdb.connection import scratch_database

TABLE = Table(
    "cleaned",
    "people",
    "People",
    "人",
    (
        Column("id", Type.TEXT, "Id", "编号", nullable=False),
        Column("age", Type.INTEGER, "Age", "年龄", minimum=0, maximum=120),
        Column("grade", Type.TEXT, "Grade", "等级", allowed=("R1", "R2")),
        Column("likes", Type.TEXTS, "Likes", "喜好", allowed=("tea", "fruit")),
    ),
    key=("id",),
    partition_by=None,
)
GOOD = pl.DataFrame(
    {"id": ["a", "b"], "age": [30, None], "grade": ["R1", None], "likes": [["tea"], None]},
    schema=TABLE.polars_schema,
)


@pytest.mark.parametrize("kind", list(Type))
def test_a_column_is_of_one_type_in_duckdb_and_in_polars(kind: Type):
    with scratch_database() as con:
        assert con.sql(f"SELECT NULL::{kind} AS value").pl().schema["value"] == POLARS_TYPES[kind]


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [(count, [0, 9], [-1]), (share, [0.0, 1.0], [-0.01, 1.01])],
)
def test_counts_begin_at_0_and_shares_end_at_1(
    column: Callable[..., Column], good: list[float], bad: list[float]
):
    table = replace(TABLE, columns=(column("n", "N", "数"),), key=("n",))
    schema = contract_schema(table)
    assert violations(schema, pl.DataFrame({"n": good}, schema=table.polars_schema))[0] == 0
    found = violations(schema, pl.DataFrame({"n": bad}, schema=table.polars_schema))
    assert found[0] == len(bad)


def test_a_good_table_has_no_violations():
    assert violations(contract_schema(TABLE), GOOD)[0] == 0


@pytest.mark.parametrize(
    "frame",
    [
        GOOD.drop("age"),
        GOOD.with_columns(extra=1),
        GOOD.with_columns(pl.col("age").cast(pl.Float64)),
        GOOD.with_columns(id=pl.Series(["a", None])),
        GOOD.with_columns(id=pl.lit("a")),
    ],
    ids=["missing column", "unknown column", "other type", "null", "key twice"],
)
def test_a_wrong_shape_is_found(frame: pl.DataFrame):
    assert violations(contract_schema(TABLE), frame)[0] > 0


def test_what_is_wrong_is_in_words():
    schema = contract_schema(replace(TABLE, key=("id", "age"), partition_by=PartitionBy.MONTH))
    month = GOOD.with_columns(month=pl.lit("2024-01"), age=pl.lit(7, pl.Int64))
    twice = violations(schema, month.with_columns(id=pl.lit("a")))
    assert twice == (2, "2 rows have the id and age of another")
    empty = violations(schema, month.with_columns(id=pl.Series(["a", None])))
    assert empty == (1, "id is empty in 1 rows")


def test_the_day_of_a_partition_is_not_named_among_what_rows_share():
    schema = contract_schema(replace(TABLE, partition_by=PartitionBy.AS_OF))
    day = GOOD.with_columns(as_of=pl.date(2024, 1, 31), id=pl.lit("a"))
    assert violations(schema, day) == (2, "2 rows have the id of another")


@pytest.mark.parametrize(
    ("changed", "failures"),
    [
        (GOOD, 0),
        (GOOD.drop("age"), 1),
        (GOOD.with_columns(extra=1), 1),
        (GOOD.with_columns(pl.col("age").cast(pl.Float64)), 1),
    ],
    ids=["as contracted", "missing column", "unknown column", "other type"],
)
def test_of_no_rows_columns_and_types_are_checked(changed: pl.DataFrame, failures: int):
    assert violations(contract_schema(TABLE), changed.clear())[0] == failures


@pytest.mark.parametrize(
    "wrong",
    [{"age": -1}, {"age": 121}, {"grade": "R9"}],
    ids=["below", "above", "not allowed"],
)
def test_a_value_outside_its_domain_is_found_and_not_shown(wrong: dict[str, object]):
    column = next(iter(wrong))
    literals = {name: pl.lit(value) for name, value in wrong.items()}
    count, detail = violations(contract_schema(TABLE), GOOD.with_columns(**literals))
    assert count > 0
    assert column in detail


def test_a_list_with_a_value_outside_its_domain_is_found():
    strays = GOOD.with_columns(likes=pl.Series([["tea"], ["tea", "coffee"]]))
    assert violations(contract_schema(TABLE), strays)[0] > 0


@pytest.mark.parametrize(
    ("column", "values", "failures"),
    [
        ("age", [-1, 0, 1, 119, 120, 121, None], 2),
        ("grade", ["R1", "R2", "R", "r1", "", None], 3),
        ("likes", [["tea"], ["fruit", "tea"], [], None, ["coffee"], ["coffee", "tea"]], 2),
        ("likes", [["tea", None], ["tea"]], 1),
    ],
)
def test_each_value_outside_its_domain_is_counted_and_none_at_its_ends(
    column: str, values: list[object], failures: int
):
    rows = [{"id": f"{n}", column: value} for n, value in enumerate(values)]
    frame = pl.DataFrame(rows, schema=TABLE.polars_schema)
    count, detail = violations(contract_schema(TABLE), frame)
    assert count == failures
    assert detail.startswith(f"{column} fails ")


@pytest.mark.parametrize(
    ("key", "rows", "is_right"),
    [
        (("id",), [("2024-01", "a", 1), ("2024-02", "a", 1)], True),
        (("id",), [("2024-01", "a", 1), ("2024-01", "a", 2)], False),
        (("id", "age"), [("2024-01", "a", 1), ("2024-01", "a", 2)], True),
        (("month", "id"), [("2024-01", "a", 1), ("2024-02", "a", 1)], True),
        (("month",), [("2024-01", "a", 1), ("2024-01", "b", 1)], False),
        ((), [("2024-01", "a", 1), ("2024-01", "a", 1)], True),
    ],
)
def test_a_key_identifies_a_row_within_its_month(
    key: tuple[str, ...], rows: list[tuple[str, str, int]], is_right: bool
):
    table = replace(TABLE, columns=TABLE.columns[:2], key=key, partition_by=PartitionBy.MONTH)
    frame = pl.DataFrame(rows, schema=table.polars_schema, orient="row")
    assert (violations(contract_schema(table), frame)[0] == 0) == is_right


@pytest.mark.parametrize("names", [(), ("age",), ("age", "likes"), ("id", "none of them")])
def test_a_table_without_some_columns_has_the_others_in_their_order(names: tuple[str, ...]):
    left = [name for name in ("id", "age", "grade", "likes") if name not in names]
    assert list(TABLE.without(*names).column_names) == left


def test_types_as_received_and_their_values_are_not_checked():
    raw = replace(TABLE, types_as_received=True)
    received = GOOD.with_columns(age=pl.Series(["121", "old"]))
    assert violations(contract_schema(raw), received)[0] == 0
