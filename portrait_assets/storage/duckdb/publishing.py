"""Tables to a file of their own, which appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from portrait_assets.core.bounds import in_batches
from portrait_assets.core.files import sync
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.connection import (
    literal,
    literals,
    open_database,
    qualified,
    quote,
)
from portrait_assets.storage.duckdb.partitions import select_sql, where_sql
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import (
    column_types,
    comment_sql,
    create_table_sql,
    create_view_sql,
    existing_types,
)

_META = "meta.partitions"
_MOST_REPLACED = 0.5
"""Of the rows; beyond, writing the file anew takes less time."""
_MOST_FREE = 0.3
"""Of the blocks of the file that rows replaced before have left free."""

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
        Column("published_at", Type.TIMESTAMP, "When, in UTC", "发布时间（UTC）", nullable=False),
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
        Column("run_id", Type.TEXT, "Run that wrote them", "运行编号", nullable=False),
        Column("made_at", Type.TIMESTAMP, "When, in UTC", "生成时间（UTC）", nullable=False),
        Column(
            "changed_at",
            Type.TIMESTAMP,
            "When the rows last changed, in UTC",
            "内容变更时间（UTC）",
            nullable=False,
        ),
    ),
    partition_by=None,
    published=True,
)


class View:
    """A view of the published file: its name, SELECT and comments.

    Columns that it takes over from the table `shows` keep their comments; `columns` has those of
    the others.
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
        if _can_be_updated(warehouse, published, target):
            # Copying a file is an order of magnitude faster than writing its rows again.
            shutil.copyfile(target, temporary)
        rows = _update(warehouse, published, temporary)
        _describe(warehouse, published, views, temporary, source)
        sync(temporary)
        os.replace(temporary, target)
        sync(target.parent)
    finally:
        _remove(temporary)
    return rows


def temporary_file(target: Path) -> Path:
    """Where a file is written before it takes the place of the target."""
    return target.with_name(f".{target.name}.new")


Partitions = dict[str, dict[str, tuple[int, int]]]
"""By table and month: rows, and when they last changed, in µs since 1970."""


def _partitions(con: duckdb.DuckDBPyConnection, table_rows: str) -> Partitions:
    found: Partitions = {}
    rows = con.execute(
        f"SELECT table_name, month, row_count, epoch_us(changed_at) FROM {table_rows}"
    ).fetchall()
    for table, month, count, changed_at in rows:
        found.setdefault(table, {})[month] = (count, changed_at)
    return found


@dataclass(frozen=True)
class _States:
    """The months of a table in the warehouse, and in the published file."""

    now: Mapping[str, tuple[int, int]]
    then: Mapping[str, tuple[int, int]]

    @property
    def changed(self) -> list[str]:
        """The months that differ, in order."""
        months = self.now.keys() | self.then.keys()
        return sorted(month for month in months if self.now.get(month) != self.then.get(month))


def _can_be_updated(warehouse: Warehouse, tables: Sequence[Table], target: Path) -> bool:
    """Whether the published file has just these tables, and more of it stays than is replaced.

    Rows that are replaced leave room behind, so a file with much of that is written anew.
    """
    if not target.exists():
        return False
    now = _partitions(warehouse.con, _META)
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            wanted = [*(table.stored for table in tables), TABLE_ROWS]
            names = {table.full_name for table in (*wanted, PUBLICATION)}
            if _table_names(con) != names or any(
                existing_types(con, table.full_name) != published_types(table) for table in wanted
            ):
                return False
            then = _partitions(con, qualified(TABLE_ROWS.full_name))
            size = con.execute(
                "SELECT free_blocks, total_blocks FROM pragma_database_size()"
            ).fetchone()
    except duckdb.Error:
        return False  # It is damaged, which is the best reason to write it anew.
    replaced = sum(
        now.get(table, {}).get(month, (0, 0))[0]
        for table in now.keys() | then.keys()
        for month in _States(now.get(table, {}), then.get(table, {})).changed
    )
    everything = sum(rows for months in now.values() for rows, _ in months.values())
    free, blocks = size or (0, 0)
    return replaced <= _MOST_REPLACED * everything and free <= _MOST_FREE * blocks


def _table_names(con: duckdb.DuckDBPyConnection) -> set[str]:
    rows = con.execute(
        "SELECT concat_ws('.', schema_name, table_name) FROM duckdb_tables() "
        "WHERE database_name = current_database()"
    ).fetchall()
    return {name for (name,) in rows}


def _update(warehouse: Warehouse, tables: Sequence[Table], temporary: Path) -> dict[str, int]:
    """Bring the tables of the file up to the warehouse, month by month; rows by table name."""
    con = warehouse.con
    con.execute(f"ATTACH {literal(temporary)} AS publication")
    try:
        table_rows = f"publication.{qualified(TABLE_ROWS.full_name)}"
        now = _partitions(con, _META)
        then: Partitions = {}
        if con.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = 'publication' "
            f"AND concat_ws('.', schema_name, table_name) = {literal(TABLE_ROWS.full_name)}"
        ).fetchone():
            then = _partitions(con, table_rows)
        for table in (*tables, TABLE_ROWS):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS publication.{quote(table.schema)}")
            _create(con, table.stored)
        for table in tables:
            states = _States(now.get(table.full_name, {}), then.get(table.full_name, {}))
            _replace(
                con, table.stored, states, warehouse.bounds.rows_of(len(table.stored.column_names))
            )
        con.execute(f"DELETE FROM {table_rows}")
        con.execute(
            f"INSERT INTO {table_rows} BY NAME SELECT * REPLACE "
            "(made_at AT TIME ZONE 'UTC' AS made_at, changed_at AT TIME ZONE 'UTC' AS changed_at) "
            f"FROM {_META} ORDER BY table_name, month"
        )
    finally:
        con.execute("DETACH publication")
    return {
        table.full_name: sum(rows for rows, _ in now.get(table.full_name, {}).values())
        for table in tables
    }


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    if not existing_types(con, table.full_name, "publication"):
        target = f"publication.{table.full_name}"
        con.execute(create_table_sql(table, published_types(table), target))


def _replace(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    states: _States,
    most: int,
) -> None:
    """Replace the months of a published table that differ, at most so many rows at a time.

    Sorted rows make equal contents equal files to look at, and cheap to skip through; all months
    sorted at once would spill.
    """
    changed = states.changed
    if not changed:
        return
    target = f"publication.{qualified(table.full_name)}"
    if gone := [month for month in changed if month in states.then]:
        con.execute(f"DELETE FROM {target}{where_sql(table, gone)}")
    filled = [month for month in changed if month in states.now]
    rows = {month: count for month, (count, _) in states.now.items()}
    for batch in in_batches(filled, rows, most):
        con.execute(
            f"INSERT INTO {target} BY NAME {select_sql(table, batch)} ORDER BY {_order(table)}"
        )


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
        for schema, name in con.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall():
            con.execute(f"DROP VIEW {quote(schema)}.{quote(name)}")
        con.execute(f"DROP TABLE IF EXISTS {qualified(PUBLICATION.full_name)}")
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


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
