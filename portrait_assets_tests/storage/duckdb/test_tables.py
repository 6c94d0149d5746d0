"""Schema changes are explicit: a new nullable column migrates, anything else stops."""

from __future__ import annotations

import re
from dataclasses import replace

import duckdb
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.tables import ensure_table, existing_types

ID = Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False)
AMOUNT = Column("amount", Type.MONEY, "Amount paid", "金额", unit="CNY")
SALES = Table("cleaned", "sales", "Sales", "销售", (ID, AMOUNT))


def grown(*columns: Column) -> Table:
    return replace(SALES, columns=columns)


def test_a_table_exists_with_types_and_comments_before_any_row():
    con = scratch_database()
    ensure_table(con, SALES)
    assert existing_types(con, "cleaned.sales") == {
        "month": "VARCHAR",
        "customer_id": "VARCHAR",
        "amount": Type.MONEY,
    }
    comments = dict(
        con.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'sales' "
            "AND database_name = current_database()"
        ).fetchall()
    )
    assert comments["amount"] == "Amount paid [CNY] / 金额"


def test_a_new_nullable_column_is_added():
    con = scratch_database()
    ensure_table(con, SALES)
    con.execute("INSERT INTO cleaned.sales VALUES ('2024-01', 'a', 1)")
    ensure_table(con, grown(ID, AMOUNT, Column("channel", Type.TEXT, "Channel", "渠道")))
    assert con.execute("FROM cleaned.sales").fetchall()[0][3] is None
    comments = con.execute(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'sales' "
        "AND database_name = current_database()"
    )
    assert comments.fetchall()[-1] == ("Channel / 渠道",)


def test_a_column_that_may_be_null_by_now_takes_nulls():
    con = scratch_database()
    ensure_table(con, grown(ID, replace(AMOUNT, nullable=False)))
    con.execute("INSERT INTO cleaned.sales VALUES ('2024-01', 'a', 1)")
    con.execute("BEGIN")
    ensure_table(con, SALES)
    con.execute("INSERT INTO cleaned.sales VALUES ('2024-02', 'a', NULL)")
    con.execute("COMMIT")
    assert con.execute("SELECT amount FROM cleaned.sales ORDER BY month").fetchall()[1] == (None,)
    with pytest.raises(duckdb.ConstraintException):
        con.execute("INSERT INTO cleaned.sales VALUES ('2024-02', NULL, 1)")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (grown(ID), r"cleaned\.sales holds a column amount.*portrait run --fresh"),
        (
            grown(ID, replace(AMOUNT, type=Type.NUMBER)),
            r"cleaned\.sales\.amount is stored as "
            rf"{re.escape(Type.MONEY)} and now comes as DOUBLE.*--fresh",
        ),
        (
            grown(ID, AMOUNT, replace(ID, name="store")),
            r"cleaned\.sales lacks the column store, which may not be null.*--fresh",
        ),
    ],
    ids=["lost", "retyped", "new and required"],
)
def test_any_other_change_stops_and_names_table_column_and_remedy(changed: Table, says: str):
    con = scratch_database()
    ensure_table(con, SALES)
    with pytest.raises(WarehouseError, match=says):
        ensure_table(con, changed)


RAW = replace(SALES, schema="raw", types_as_received=True)


def test_a_column_that_held_nothing_takes_the_type_that_first_comes():
    con = scratch_database()
    ensure_table(con, RAW, {"customer_id": "BIGINT"})
    ensure_table(con, RAW, {"customer_id": "BIGINT", "amount": "DOUBLE"})
    assert existing_types(con, "raw.sales")["amount"] == "DOUBLE"


def test_a_source_that_retypes_a_column_with_values_is_refused():
    con = scratch_database()
    ensure_table(con, RAW, {"amount": "DOUBLE"})
    con.execute("INSERT INTO raw.sales VALUES ('2024-01', 'a', 1)")
    with pytest.raises(WarehouseError, match=r"raw\.sales\.amount.*DOUBLE.*VARCHAR"):
        ensure_table(con, RAW, {"amount": "VARCHAR"})


def test_numbers_that_are_text_by_the_contract_become_text():
    con = scratch_database()
    ensure_table(con, RAW, {"customer_id": "DOUBLE"})
    con.execute("INSERT INTO raw.sales VALUES ('2024-01', 17850.0, 1), ('2024-01', 1e16, 1)")
    ensure_table(con, RAW, {"customer_id": "VARCHAR"})
    assert con.execute("SELECT customer_id FROM raw.sales").fetchall() == [
        ("17850",),
        ("10000000000000000",),
    ]


def test_a_source_that_leaves_a_column_out_later_changes_nothing():
    con = scratch_database()
    ensure_table(con, RAW, {"amount": "DOUBLE"})
    ensure_table(con, RAW, {})
    assert existing_types(con, "raw.sales")["amount"] == "DOUBLE"


def test_columns_are_found_in_the_order_in_which_they_stand():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA s; CREATE TABLE s.t (z INTEGER, a VARCHAR, m DATE)")
        con.execute("CREATE TABLE main.t (other INTEGER)")
        found = existing_types(con, "s.t")
        assert list(found.items()) == [("z", "INTEGER"), ("a", "VARCHAR"), ("m", "DATE")]
        assert existing_types(con, "s.none") == {}
