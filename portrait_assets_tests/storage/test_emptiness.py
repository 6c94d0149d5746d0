"""What has no row for want of rows in stored tables is not planned, and gives the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.schema.table import Column, PartitionBy, Table, Type
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, Grain, Scope, Source, Step, read

CUSTOMER = Column("customer_id", Type.TEXT, "Customer", "客户", identifies=True)
AMOUNT = Column("amount", Type.INTEGER, "Amount", "金额")
SALE = Table(schema="shop", name="sale", en="Sales", zh="销售", columns=(CUSTOMER, AMOUNT))
BACK = replace(SALE, name="back", en="Returns", zh="退货")
PRICE = replace(SALE, name="price", en="Prices", zh="价格", columns=(AMOUNT,))
ROWS = {SALE: {"2024-01": 1, "2024-02": 2}, BACK: {"2024-01": 1, "2024-02": 0}, PRICE: {}}
MONTH = Scope("2024-02")

SOLD, RETURNED = read(SALE, THE_MONTH), read(BACK, THE_MONTH)
SPENT = Step("spent", (SOLD,), "SELECT customer_id, sum(amount) AS spent FROM sale GROUP BY ALL")
GIVEN_BACK = Step(
    "given_back",
    (RETURNED,),
    "SELECT customer_id, sum(amount) AS amount FROM back GROUP BY ALL",
)
BUYER = Step("buyer", (SOLD,), "SELECT DISTINCT customer_id FROM sale", grain=Grain.ALL)
NET = Step(
    "net",
    (SPENT, GIVEN_BACK),
    "SELECT customer_id, spent - coalesce(amount, 0) AS net "
    "FROM spent LEFT JOIN given_back USING (customer_id) ORDER BY customer_id",
)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    connection = scratch_database()
    connection.execute("CREATE SCHEMA shop")
    for name in ("sale", "back"):
        connection.execute(
            f"CREATE TABLE shop.{name} (month VARCHAR, customer_id VARCHAR, amount BIGINT)"
        )
    connection.execute("CREATE TABLE shop.price (month VARCHAR, amount BIGINT)")
    connection.execute(
        "INSERT INTO shop.sale VALUES ('2024-01', 'ann', 10), ('2024-02', 'ann', 20), "
        "('2024-02', 'bob', 5)"
    )
    connection.execute("INSERT INTO shop.back VALUES ('2024-01', 'ann', 4)")
    return connection


def rows(table: Table) -> Mapping[str, int]:
    return ROWS[table]


def statement(engine: Engine, step: Step, scope: Scope = MONTH) -> str:
    with engine.rows(step, scope) as found:
        assert isinstance(found, Query)
        return found.sql


def test_what_has_no_row_is_not_planned_and_has_its_columns(con: duckdb.DuckDBPyConnection):
    knowing, unknowing = Engine(con, materialized=rows), Engine(con)
    assert '"back"' in statement(unknowing, NET)
    assert '"back"' not in statement(knowing, NET)
    assert_frame_equal(knowing.frame(NET, MONTH), unknowing.frame(NET, MONTH))
    assert knowing.frame(NET, MONTH).rows() == [("ann", 20), ("bob", 5)]
    # In January somebody gave something back.
    january = Scope("2024-01")
    assert '"back"' in statement(knowing, NET, january)
    assert knowing.frame(NET, january).rows() == [("ann", 6)]


def test_what_stands_without_a_row_is_of_nobody_for_whoever_reads_it(
    con: duckdb.DuckDBPyConnection,
):
    at_once = replace(GIVEN_BACK, in_table=True)
    once = replace(NET, reads=(SPENT, at_once))
    doubled = Step("doubled", (at_once,), "SELECT customer_id, 2 * amount AS d FROM given_back")
    engine = Engine(con, materialized=rows)
    assert engine.frame(once, MONTH).height == 2
    assert "WHERE false" in statement(engine, doubled)
    assert_frame_equal(engine.frame(doubled, MONTH), Engine(con).frame(doubled, MONTH))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            Step(
                "either",
                (SOLD, RETURNED),
                "SELECT customer_id FROM sale UNION SELECT customer_id FROM back",
            ),
            2,
        ),
        (
            Step("number", (RETURNED,), "SELECT count(*) AS customers FROM back"),
            1,
        ),
        (
            Step("total", (RETURNED,), "SELECT count(*) AS n FROM back", grain=Grain.ALL),
            1,
        ),
        (
            Step(
                "asked",
                (BUYER, RETURNED),
                "SELECT customer_id, amount FROM buyer LEFT JOIN back USING (customer_id)",
            ),
            2,
        ),
        (
            Step("unit", (read(PRICE, EVER),), "SELECT 'ann' AS customer_id, 1 AS unit"),
            1,
        ),
        (
            replace(GIVEN_BACK, reads=(read(BACK, EVER),)),
            1,
        ),
    ],
    ids=lambda each: each.name if isinstance(each, Step) else "",
)
def test_what_may_have_rows_is_computed(con: duckdb.DuckDBPyConnection, step: Step, expected: int):
    assert Engine(con, materialized=rows).frame(step, MONTH).height == expected


def test_a_step_may_say_what_it_has_no_row_without(con: duckdb.DuckDBPyConnection):
    both = Step(
        "both",
        (SPENT, GIVEN_BACK),
        "SELECT customer_id, spent, amount FROM spent JOIN given_back USING (customer_id)",
        none_without=(GIVEN_BACK,),
    )
    engine = Engine(con, materialized=rows)
    assert '"sale"' not in statement(engine, both)
    assert_frame_equal(engine.frame(both, MONTH), Engine(con).frame(both, MONTH))
    assert engine.frame(both, Scope("2024-01")).rows() == [("ann", 10, 4)]


def test_rows_that_are_given_count_in_the_place_of_those_stored(con: duckdb.DuckDBPyConnection):
    con.execute(
        "CREATE TEMP TABLE brought AS SELECT '2024-02' AS month, 'bob' customer_id, 5 amount"
    )
    given: dict[Source, str] = {RETURNED: "brought"}
    found = Engine(con, given, materialized=rows).frame(NET, MONTH)
    assert found.rows() == [("ann", 20), ("bob", 0)]


def test_a_table_of_no_month_may_have_rows(con: duckdb.DuckDBPyConnection):
    whole = replace(BACK, partition_by=None)
    step = replace(GIVEN_BACK, reads=(read(whole, EVER),))
    assert Engine(con, materialized=lambda table: {"": 0}).frame(step, MONTH).height == 1


def test_of_the_end_of_a_month_rows_are_counted_by_the_month(con: duckdb.DuckDBPyConnection):
    con.execute("CREATE TABLE shop.owned AS SELECT DATE '2024-02-29' AS as_of, 'ann' customer_id")
    owned = replace(BACK, name="owned", partition_by=PartitionBy.AS_OF, columns=(CUSTOMER,))
    step = Step("holder", (read(owned, THE_MONTH),), "SELECT customer_id FROM owned")
    assert Engine(con, materialized=lambda table: {"2024-02": 1}).frame(step, MONTH).height == 1
