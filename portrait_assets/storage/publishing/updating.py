"""Bringing the tables of a published file up to those of the warehouse, month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portrait_assets.core.machine.bounds import in_batches
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import literal, qualified, quote
from portrait_assets.storage.duckdb.partitions import where_sql
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import create_table_sql, existing_types, table_names
from portrait_assets.storage.publishing.content import (
    PUBLICATION,
    TABLE_ROWS,
    Content,
    Extract,
    published_types,
)
from portrait_assets.storage.publishing.empty_rows import (
    months_with_empty_rows,
    with_empty_rows_sql,
    with_room,
)
from portrait_assets.storage.publishing.lanes import in_lanes
from portrait_assets.storage.publishing.ordering import order_of
from portrait_assets.storage.publishing.pseudonymizing import (
    Replacement,
    columns_that_identify,
    identifiers_sql,
)

_META = "meta.partitions"
_MOST_REPLACED = 0.5
"""Of the rows; beyond, writing the file anew takes less time."""
_MOST_FREE = 0.3
"""Of the blocks of the file that rows replaced before have left free."""

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


def can_be_updated(warehouse: Warehouse, content: Content, target: Path) -> bool:
    """Whether the file has just these tables under this key, and more of it stays than is replaced.

    Rows that are replaced leave room behind, so a file with much of that is written anew.
    """
    if not target.exists():
        return False
    now = _partitions(warehouse.con, _META)
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            wanted = [*(table.stored for table in content.contracts), PUBLICATION]
            if table_names(con) != {table.full_name for table in wanted} or any(
                existing_types(con, table.full_name) != published_types(table) for table in wanted
            ):
                return False
            if con.execute(f"SELECT pseudonym_key FROM {PUBLICATION.full_name}").fetchall() != [
                (content.key,)
            ]:
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


def update(warehouse: Warehouse, content: Content, temporary: Path) -> dict[str, int]:
    """Bring the tables of the file up to the warehouse, month by month; rows by table name."""
    con = warehouse.con
    con.execute(f"ATTACH {literal(temporary)} AS publication")
    try:
        table_rows = f"publication.{qualified(TABLE_ROWS.full_name)}"
        now = _partitions(con, _META)
        standing = table_names(con, "publication")
        then = _partitions(con, table_rows) if TABLE_ROWS.full_name in standing else {}
        for table in content.contracts:
            if table.stored.full_name not in standing:
                _create(con, table.stored)
        changes = _changes(content.tables, now, then)
        with _rows_as_published(warehouse, content, changes) as rows:

            def values(table: Table) -> int:
                return changes[table].rows * len(table.column_names)

            work = [
                _replaced_by(table.stored, changes[table], rows, _most(warehouse, table.stored))
                for table in sorted(content.tables, key=values, reverse=True)
            ]
            work += [_taken_by(con, extract, rows) for extract in content.extracts]
            in_lanes(con, work)
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
        for table in content.tables
    }


def _most(warehouse: Warehouse, table: Table) -> int:
    return warehouse.bounds.rows_of(len(table.column_names))


@dataclass(frozen=True)
class _Change:
    """Months of a table that are replaced: those that the file has, and rows of those to come."""

    gone: list[str]
    filled: dict[str, int]

    @property
    def rows(self) -> int:
        return sum(self.filled.values())


def _changes(tables: Sequence[Table], now: Partitions, then: Partitions) -> dict[Table, _Change]:
    """By table what is replaced; tables that number the same customers are replaced together."""
    states = {
        table: _States(months_with_empty_rows(now, table), months_with_empty_rows(then, table))
        for table in tables
    }
    together: dict[str, set[str]] = {}
    for table in tables:
        for name in _numbered(table):
            together.setdefault(name, set()).update(states[table].changed)
    found = {}
    for table, state in states.items():
        months = sorted({*state.changed, *(m for n in _numbered(table) for m in together[n])})
        found[table] = _Change(
            [month for month in months if month in state.then],
            {month: state.now[month][0] for month in months if month in state.now},
        )
    return found


def _numbered(table: Table) -> set[str]:
    return {column.numbers for column in table.stored.all_columns if column.numbers}


@dataclass(frozen=True)
class _AsStored:
    """The rows of tables with the identifiers that the warehouse has."""

    con: duckdb.DuckDBPyConnection

    def rows_sql(self, table: Table, months: Sequence[str]) -> str:
        return self.in_order_sql(with_empty_rows_sql(self.con, table, months), table, months)

    def in_order_sql(self, sql: str, table: Table, months: Sequence[str] = ()) -> str:
        return f"FROM ({sql}) ORDER BY {', '.join(order_of(table, months))}"


@contextmanager
def _rows_as_published(
    warehouse: Warehouse, content: Content, changes: Mapping[Table, _Change]
) -> Iterator[_AsStored | Replacement]:
    if content.pseudonyms is None:
        yield _AsStored(warehouse.con)
        return
    tables = {table.full_name: table.stored for table in content.tables}
    rows = Replacement(warehouse.con, content.pseudonyms, tables)
    try:
        columns = [
            (f"({with_empty_rows_sql(warehouse.con, table.stored, list(change.filled))})", name)
            for table, change in changes.items()
            if change.filled
            for name in columns_that_identify(table.stored)
        ]
        columns += [
            (f"({extract.sql})", name)
            for extract in content.extracts
            if _is_there(warehouse.con, extract)
            for name in columns_that_identify(extract.table)
        ]
        rows.fill(identifiers_sql(columns), warehouse.bounds.frame_rows)
        yield rows
    finally:
        rows.close()


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    con.execute(f"CREATE SCHEMA IF NOT EXISTS publication.{quote(table.schema)}")
    target = f"publication.{table.full_name}"
    con.execute(create_table_sql(with_room(table), published_types(table), target))


def _replaced_by(
    table: Table, change: _Change, rows: _AsStored | Replacement, most: int
) -> list[str]:
    """Statements that replace the months of a table that differ, at most so many rows at a time.

    Sorted rows make equal contents equal files to look at, and cheap to skip through; all months
    sorted at once would spill. They are sorted by what is published: the order of identifiers
    would tell where each stands among all.
    """
    target = f"publication.{qualified(table.full_name)}"
    gone = [f"DELETE FROM {target}{where_sql(table, change.gone)}"] if change.gone else []
    return gone + [
        f"INSERT INTO {target} BY NAME {rows.rows_sql(table, batch)}"
        for batch in in_batches(change.filled, change.filled, most)
    ]


def _is_there(con: duckdb.DuckDBPyConnection, extract: Extract) -> bool:
    return all(existing_types(con, table.full_name) for table in extract.reads)


def _taken_by(
    con: duckdb.DuckDBPyConnection, extract: Extract, rows: _AsStored | Replacement
) -> list[str]:
    """Statements that replace the rows of what is selected as the file is published."""
    target = f"publication.{qualified(extract.table.full_name)}"
    statements = [f"DELETE FROM {target}"]
    if _is_there(con, extract):
        sql = rows.in_order_sql(extract.sql, extract.table)
        statements.append(f"INSERT INTO {target} BY NAME {sql}")
    return statements
