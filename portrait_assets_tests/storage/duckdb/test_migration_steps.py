"""What each step of a migration leaves, on tables of a few rows."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb import migrations
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.ownership import META_SQL
from portrait_assets.storage.duckdb.tables import ensure_table, existing_types
from portrait_assets.storage.staleness.inputs import RUNS_SQL

NOTED = "SELECT table_name, month, row_count FROM meta.partitions ORDER BY ALL"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with what is noted of it, and the results of its checks."""
    with scratch_database() as opened:
        opened.execute(META_SQL)
        opened.execute(RUNS_SQL)
        ensure_table(opened, CHECK_RESULTS)
        yield opened


def note(con: duckdb.DuckDBPyConnection, table: str, **rows: int) -> None:
    for month, count in rows.items():
        con.execute(
            "INSERT INTO meta.partitions VALUES (?, ?, ?, 'run', '2024-01-01', '2023-01-01')",
            [table, f"2024-{month[1:]}", count],
        )


def check(con: duckdb.DuckDBPyConnection, month: str, table: str) -> None:
    values = [month, table, "contract", "ERROR", True, True, 0, ""]
    con.execute("INSERT INTO validation.check_results VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def test_when_contents_changed_is_when_they_were_written(con: duckdb.DuckDBPyConnection):
    con.execute("DROP TABLE meta.partitions")
    con.execute(
        "CREATE TABLE meta.partitions (table_name VARCHAR, month VARCHAR, row_count BIGINT, "
        "run_id VARCHAR, made_at TIMESTAMPTZ)"
    )
    con.execute("INSERT INTO meta.partitions VALUES ('a.b', '2024-01', 3, 'r', '2024-02-03')")
    con.execute(migrations._CHANGED_AT_SQL)
    same = "SELECT *, made_at = changed_at AND made_at = '2024-02-03' FROM meta.partitions"
    (row,) = con.execute(same).fetchall()
    assert (*row[:4], row[-1]) == ("a.b", "2024-01", 3, "r", True)


def test_a_table_that_is_dropped_leaves_its_notes_behind_in_no_table(
    con: duckdb.DuckDBPyConnection,
):
    con.execute("CREATE SCHEMA tags; CREATE TABLE tags.gone (x INT)")
    note(con, "tags.gone", m01=1, m02=2)
    note(con, "tags.stays", m01=1)
    note(con, "validation.check_results", m01=3, m02=1)
    for month, table in (("01", "gone"), ("01", "stays"), ("01", "stays"), ("02", "stays")):
        check(con, f"2024-{month}", f"tags.{table}")
    migrations._drop(con, "tags.gone")
    assert existing_types(con, "tags.gone") == {}
    assert con.execute(NOTED).fetchall() == [
        ("tags.stays", "2024-01", 1),
        ("validation.check_results", "2024-01", 2),
        ("validation.check_results", "2024-02", 1),
    ]
    left = con.execute("SELECT DISTINCT table_name FROM validation.check_results").fetchall()
    assert left == [("tags.stays",)]


def test_tables_that_move_keep_their_rows_and_all_that_is_noted_of_them(
    con: duckdb.DuckDBPyConnection,
):
    con.execute("CREATE SCHEMA cleaned")
    con.execute(
        "CREATE TABLE cleaned.customer_alias AS SELECT '2024-01' AS month, 'same phone' AS "
        "evidence, 'B' AS alias_id, 'A' AS customer_id, DATE '2024-01-01' AS valid_from"
    )
    note(con, "cleaned.customer_alias", m01=1)
    note(con, "cleaned.customers", m01=1)
    check(con, "2024-01", "cleaned.customer_alias")
    upstream = '{"cleaned.customer_alias": [], "cleaned.customers": ["cleaned.customer_alias"]}'
    con.execute("INSERT INTO meta.runs VALUES ('run', 'f', 'd', ?, now())", [upstream])
    contracts = {table.full_name: table for table in (IDENTITY_MAP, CUSTOMER_ALIAS)}
    migrations._move_identity(con, contracts)
    moved = "SELECT month, alias_id, customer_id, evidence FROM identity.customer_alias"
    assert con.execute(moved).fetchall() == [("2024-01", "B", "A", "same phone")]
    assert existing_types(con, "cleaned.customer_alias") == {}
    assert con.execute(NOTED).fetchall() == [
        ("cleaned.customers", "2024-01", 1),
        ("identity.customer_alias", "2024-01", 1),
    ]
    checked = con.execute("SELECT table_name FROM validation.check_results").fetchall()
    assert checked == [("identity.customer_alias",)]
    assert con.execute("SELECT upstream FROM meta.runs").fetchall() == [
        (upstream.replace("cleaned.customer_alias", "identity.customer_alias"),)
    ]


def test_purchases_of_before_count_as_tickets_of_their_amount(con: duckdb.DuckDBPyConnection):
    con.execute("CREATE SCHEMA cleaned; CREATE SCHEMA features")
    con.execute("CREATE TABLE cleaned.transactions (amount INT NOT NULL)")
    con.execute("CREATE TABLE cleaned.balances (balance INT NOT NULL)")
    con.execute(
        "CREATE TABLE features.customer_month AS SELECT '2024-01' AS month, 'A' AS customer_id, "
        "3 AS purchases, 10.50 AS amount"
    )
    required = [c for c in CUSTOMER_MONTH.columns if not c.nullable]
    there = existing_types(con, "features.customer_month")
    for column in required:
        if column.name not in (*there, "tickets", "ticket_amount"):
            kind = str(column.type)
            add = f"ALTER TABLE features.customer_month ADD COLUMN {column.name} {kind} DEFAULT 0"
            con.execute(add)
    migrations._count_tickets(con, {CUSTOMER_MONTH.full_name: CUSTOMER_MONTH})
    con.execute("INSERT INTO cleaned.transactions VALUES (NULL)")
    con.execute("INSERT INTO cleaned.balances VALUES (NULL)")
    found = "SELECT month, customer_id, purchases, tickets, ticket_amount::DOUBLE, amount::DOUBLE "
    rows = con.execute(f"{found} FROM features.customer_month").fetchall()
    assert rows == [("2024-01", "A", 3, 3, 10.5, 10.5)]


def test_a_new_table_is_there_without_rows_in_the_months_of_transactions(
    con: duckdb.DuckDBPyConnection,
):
    con.execute("CREATE SCHEMA raw; CREATE TABLE raw.transactions (x INT)")
    note(con, "raw.transactions", m01=5, m03=6)
    note(con, "cleaned.transactions", m01=5)
    new = Table("raw", "rates", "Rates", "汇率", CUSTOMER_ALIAS.columns)
    migrations._add_empty(con, {"raw.rates": new}, "rates")
    assert con.execute(NOTED).fetchall() == [
        ("cleaned.transactions", "2024-01", 5),
        ("raw.rates", "2024-01", 0),
        ("raw.rates", "2024-03", 0),
        ("raw.transactions", "2024-01", 5),
        ("raw.transactions", "2024-03", 6),
    ]
    assert con.execute("SELECT count(*) FROM raw.rates").fetchone() == (0,)
