"""Rows of nulls that a table has in the published file and not in the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import qualified
from portrait_assets.storage.duckdb.partitions import select_sql, where_sql
from portrait_assets.storage.duckdb.tables import existing_types


def with_empty_rows_sql(con: duckdb.DuckDBPyConnection, table: Table, months: Sequence[str]) -> str:
    """The SELECT of a table's rows of these months as they are published, with its empty rows."""
    rows = select_sql(table, months)
    # A warehouse of a version before them has none.
    if table.empty_rows is None or not existing_types(con, table.empty_rows.of.full_name):
        return rows
    empty = table.empty_rows
    return (
        f"SELECT * FROM ({rows} UNION ALL BY NAME {empty.select} "
        f"FROM {qualified(empty.of.full_name)}{where_sql(empty.of, months)} AND ({empty.where}))"
    )


def count_empty_rows(con: duckdb.DuckDBPyConnection, table: Table, months: Sequence[str]) -> int:
    """How many empty rows the table has of these months, as they are published."""
    if table.empty_rows is None or not existing_types(con, table.empty_rows.of.full_name):
        return 0
    empty = table.empty_rows
    rows = con.execute(
        f"SELECT count(*) FROM {qualified(empty.of.full_name)}{where_sql(empty.of, months)} "
        f"AND ({empty.where})"
    ).fetchall()
    return int(rows[0][0])


def with_room(table: Table) -> Table:
    """The contract in the file: beside its key a column may be null where there are empty rows."""
    if table.empty_rows is None:
        return table
    columns = (replace(each, nullable=each.name not in table.key) for each in table.columns)
    return replace(table, columns=tuple(columns))


def months_with_empty_rows(
    partitions: dict[str, dict[str, tuple[int, int]]], table: Table
) -> dict[str, tuple[int, int]]:
    """By month the rows, and when they last changed, of a table with its empty rows.

    Args:
        partitions: the same by table and month.
        table: the table.
    """
    months = dict(partitions.get(table.full_name, {}))
    if table.empty_rows is not None:
        for month, (rows, changed_at) in partitions.get(table.empty_rows.of.full_name, {}).items():
            own_rows, own_changed_at = months.get(month, (0, 0))
            months[month] = (own_rows + rows, max(own_changed_at, changed_at))
    return months
