"""Customers who turned out to be one person, as one: from the month on in which that was known."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.cleaned.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.duckdb.connection import literal

LEAST = ("smallest_ticket", "first_at")
MOST = ("largest_ticket", "last_at", "last_response_on", "days_past_due")
"""Columns of monthly aggregates that are not summed when two customers become one."""


def know_persons(
    con: duckdb.DuckDBPyConnection,
    month: str,
    looked_up: Iterable[Table],
    aggregates: Iterable[Table] = (),
) -> None:
    """Make a temporary view of each table, under its name, that tells of persons as known then.

    Rows of months before a merge stay under the identifier that was given up; the view has them
    under the customer's. Of a monthly aggregate it has one row per key: the rows of one person
    are added up. Days with a transaction and different products are then an upper bound, for two
    rows do not tell what they have in common.

    Args:
        con: the connection that the views are made on.
        month: the month by whose end persons are known.
        looked_up: tables with a row per event or record.
        aggregates: tables with a row per customer and month, or finer.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE alias AS {aliases(month)}")
    view_persons(con, looked_up, aggregates)


def view_persons(
    con: duckdb.DuckDBPyConnection,
    looked_up: Iterable[Table],
    aggregates: Iterable[Table],
    of: str = "true",
) -> None:
    """The views of `know_persons` again, of the customers for whom a condition holds."""
    found = con.execute("SELECT count(*) FROM temp.alias").fetchone()
    is_merged = bool(found and found[0])
    for tables, merged in ((looked_up, _moved), (aggregates, _added_up)):
        for table in tables:
            rows = f"({merged(table)})" if is_merged else table.full_name
            con.execute(f"CREATE OR REPLACE TEMP VIEW {table.name} AS FROM {rows} WHERE {of}")


def aliases(month: str) -> str:
    """SQL of the identifiers given up by the month, `alias_id`, and whose each is."""
    known = f"month <= {literal(month)}"
    return (
        "SELECT source_customer_id AS alias_id, arg_max(customer_id, month) AS customer_id "
        f"FROM {IDENTITY_MAP.full_name} WHERE {known} AND source_customer_id IN "
        f"(SELECT alias_id FROM {CUSTOMER_ALIAS.full_name} WHERE {known}) "
        "GROUP BY source_customer_id HAVING arg_max(customer_id, month) <> source_customer_id"
    )


def _moved(table: Table) -> str:
    return (
        "SELECT t.* REPLACE (coalesce(a.customer_id, t.customer_id) AS customer_id) "
        f"FROM {table.full_name} AS t LEFT JOIN temp.alias AS a ON a.alias_id = t.customer_id"
    )


def _added_up(table: Table) -> str:
    merged = "SELECT alias_id FROM temp.alias UNION SELECT customer_id FROM temp.alias"
    columns = ", ".join(_together(table, column) for column in table.all_columns)
    return (
        f"SELECT * FROM {table.full_name} WHERE customer_id NOT IN ({merged}) "
        f"UNION ALL BY NAME SELECT {columns} FROM "
        f"({_moved(table)} WHERE t.customer_id IN ({merged})) GROUP BY ALL"
    )


def _together(table: Table, column: Column) -> str:
    """The column over rows that became one."""
    name = column.name
    if name in table.key:
        return name
    if name in LEAST or name in MOST:
        return f"{'min' if name in LEAST else 'max'}({name}) AS {name}"
    if column.type is Type.TEXT:
        return f"any_value({name}) AS {name}"
    return f"CAST(sum({name}) AS {column.type.value}) AS {name}"
