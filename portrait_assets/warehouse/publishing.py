"""Tables to a file of their own, which appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from portrait_assets.warehouse.connection import literal, literals, open_database, qualified, quote
from portrait_assets.warehouse.contract import Column, Table, Type
from portrait_assets.warehouse.store import Warehouse
from portrait_assets.warehouse.tables import (
    column_types,
    comment_sql,
    create_table_sql,
    create_view_sql,
)

PUBLICATION = Table(
    schema="mart",
    name="publication",
    en="When and from which run this file was made",
    zh="发布信息",
    columns=(
        Column("source", Type.TEXT, "Source", "数据源", nullable=False),
        Column("first_month", Type.TEXT, "First month published", "首月"),
        Column("last_month", Type.TEXT, "Last month published", "末月"),
        Column("run_id", Type.TEXT, "Run that published", "运行编号", nullable=False),
        Column("published_at", Type.TIMESTAMP, "When, in UTC", "发布时间(UTC)", nullable=False),
    ),
    partition_by=None,
    published=True,
)

TABLE_ROWS = Table(
    schema="mart",
    name="table_rows",
    en="Rows of every table of the warehouse by month, and when they were made",
    zh="各表各月行数",
    columns=(
        Column("table_name", Type.TEXT, "Table", "表", nullable=False),
        Column("month", Type.TEXT, "Month", "月份", nullable=False),
        Column("row_count", Type.INTEGER, "Rows", "行数", nullable=False),
        Column("run_id", Type.TEXT, "Run that made them", "运行编号", nullable=False),
        Column("made_at", Type.TIMESTAMP, "When, in UTC", "生成时间(UTC)", nullable=False),
    ),
    partition_by=None,
    published=True,
)


class View:
    """A view of the published file: its name, SELECT and comments.

    Columns that it takes over from the table `shows` keep their comments; others are told in
    `columns`.
    """

    def __init__(
        self,
        name: str,
        sql: str,
        en: str,
        zh: str,
        shows: str = "",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.sql = sql
        self.comment = f"{en} / {zh}"
        self.shows = shows
        self.columns = columns or {}


def publish(
    warehouse: Warehouse,
    tables: Iterable[Table],
    views: Sequence[View],
    target: Path,
    source: str,
) -> dict[str, int]:
    """Copy the published tables into a new file and put it in the place of the old one.

    Whoever has the old file open keeps it; whoever opens next gets the new one. Columns that a
    contract calls private stay behind.

    Returns:
        Rows by table name.

    Raises:
        OSError: when the folder cannot be written; the old file then stands as it was.
    """
    temporary = temporary_file(target)
    _remove(temporary)
    published = [table.without(*table.private) for table in tables if table.published]
    try:
        rows = _copy(warehouse, published, temporary)
        _describe(warehouse, published, views, temporary, source)
        _sync(temporary)
        os.replace(temporary, target)
        _sync(target.parent)
    finally:
        _remove(temporary)
    return rows


def temporary_file(target: Path) -> Path:
    """Where a file is written before it takes the place of the target."""
    return target.with_name(f".{target.name}.new")


def _copy(warehouse: Warehouse, tables: Sequence[Table], temporary: Path) -> dict[str, int]:
    con = warehouse.con
    con.execute(f"ATTACH {literal(temporary)} AS publication")
    rows = {}
    try:
        for table in tables:
            stored = table.stored
            names = ", ".join(quote(name) for name in stored.column_names)
            target = f"publication.{stored.full_name}"
            con.execute(f"CREATE SCHEMA IF NOT EXISTS publication.{quote(table.schema)}")
            con.execute(create_table_sql(stored, published_types(stored), target))
            if warehouse.made(table):
                found = con.execute(
                    f"INSERT INTO {qualified(target)} BY NAME "
                    f"SELECT {names} FROM {qualified(stored.full_name)} ORDER BY {_order(stored)}"
                ).fetchone()
                rows[table.full_name] = int(found[0]) if found else 0
            else:
                rows[table.full_name] = 0
        target = f"publication.{TABLE_ROWS.full_name}"
        con.execute(f"CREATE SCHEMA IF NOT EXISTS publication.{quote(TABLE_ROWS.schema)}")
        con.execute(create_table_sql(TABLE_ROWS, column_types(TABLE_ROWS), target))
        con.execute(
            f"INSERT INTO {qualified(target)} BY NAME SELECT * REPLACE "
            "(made_at AT TIME ZONE 'UTC' AS made_at) FROM meta.partitions "
            "ORDER BY table_name, month"
        )
    finally:
        con.execute("DETACH publication")
    return rows


def published_types(table: Table) -> dict[str, str]:
    """DuckDB type by column name in the published file."""
    types = column_types(table)
    if table.published_as_enums:
        types |= {
            column.name: f"ENUM({literals(column.allowed)})"
            for column in table.columns
            if column.type is Type.TEXT and column.allowed
        }
    return types


def _order(table: Table) -> str:
    # Sorted rows make equal contents equal files to look at, and cheap to skip through.
    first = [table.partition_by.value] if table.partition_by else []
    names = [*first, *(name for name in table.key if name not in first)]
    return ", ".join(quote(name) for name in names) or "ALL"


def _describe(
    warehouse: Warehouse,
    tables: Sequence[Table],
    views: Sequence[View],
    temporary: Path,
    source: str,
) -> None:
    months = warehouse.con.execute(
        "SELECT min(month), max(month) FROM meta.partitions WHERE month <> ''"
    ).fetchone() or (None, None)
    with open_database(temporary) as con:
        # A commit waits for the disk: one for all the comments, not one for each.
        con.begin()
        con.execute(create_table_sql(PUBLICATION, column_types(PUBLICATION)))
        for table in (*tables, TABLE_ROWS, PUBLICATION):
            if table.stored_as is not None:
                con.execute(create_view_sql(table))
                con.execute(comment_sql(table.stored_as))
            con.execute(comment_sql(table))
        con.execute(
            f"INSERT INTO {qualified(PUBLICATION.full_name)} VALUES (?, ?, ?, ?, ?)",
            [source, *months, warehouse.run_id, datetime.now(UTC).replace(tzinfo=None)],
        )
        for view in views:
            _create_view(con, view)
        con.commit()


def _create_view(con: duckdb.DuckDBPyConnection, view: View) -> None:
    con.execute(f"CREATE VIEW {qualified(view.name)} AS {view.sql}")
    name = qualified(view.name)
    con.execute(f"COMMENT ON VIEW {name} IS {literal(view.comment)}")
    comments = {**_column_comments(con, view.shows), **view.columns}
    statements = [
        f"COMMENT ON COLUMN {name}.{quote(column)} IS {literal(comments[column])}"
        for column in con.sql(f"FROM {name} LIMIT 0").columns
        if column in comments
    ]
    con.execute("; ".join(statements))


def _column_comments(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    rows = con.execute(
        "SELECT column_name, comment FROM duckdb_columns() "
        f"WHERE concat_ws('.', schema_name, table_name) = {literal(name)} AND comment IS NOT NULL"
    ).fetchall()
    return dict(rows)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
