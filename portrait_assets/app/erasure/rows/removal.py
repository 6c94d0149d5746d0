"""The warehouse copied into a new file without rows of some people.

A row that is deleted leaves its texts in dictionaries that other rows use, so every table is copied
into a file that never had them, and that file takes the place of the old one. Another process than
the one that reads the old file writes the new one, and is sent only rows that stay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.erasure.rows.recounting import Recounting, count_again, name_counted
from portrait_assets.app.erasure.rows.removed_rows import (
    KEPT,
    PLACE,
    Removed,
    any_of,
    gone_sql,
    name_places,
    name_rows,
)
from portrait_assets.core.files import sync
from portrait_assets.privacy.erasure import Rows
from portrait_assets.privacy.keys import Key
from portrait_assets.privacy.scan.values import count_holding, text_values
from portrait_assets.privacy.tombstones import CUSTOMERS, MARK, digest_of
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.raw.contract import CANONICAL, RECEIPTS
from portrait_assets.storage.anew.definitions import definitions
from portrait_assets.storage.anew.writing import NewDatabase, new_database
from portrait_assets.storage.duckdb.connection import current_database, literal, qualified, quote
from portrait_assets.storage.duckdb.tables import existing_types, table_names

KEPT_ROWS = "without_erased"
"""The name of a database of views: the rows that stay."""
_SHORT = 8
"""Digits of a tombstone that stand for a text."""
Holders = Mapping[str, Collection[str]]
"""Columns by table."""
_PROVIDED = {f"{stage}.{c.name}" for stage in ("raw", "cleaned") for c in CANONICAL}


def copy_without(
    removed: Removed, new: Path, memory_limit_gib: float = 2.0, threads: int | None = None
) -> list[Rows]:
    """Write the warehouse to a new file without what is removed; rows of each table.

    Args:
        removed: what is removed, and the open warehouse.
        new: the file.
        memory_limit_gib: what reading and writing may use together.
        threads: how many each may use.

    Raises:
        PortraitError: when it cannot be written; the warehouse stands as it was.
        duckdb.Error: when the warehouse cannot be read.
    """
    con = removed.con
    con.execute(f"SET memory_limit = '{memory_limit_gib / 2}GiB'")
    name_places(removed)
    name_rows(con)
    tables = sorted(table_names(con))
    recounting = removed.recounting or Recounting(())
    again = name_counted(con, recounting) if removed.recounting else {}
    con.execute(f"ATTACH ':memory:' AS {KEPT_ROWS}")
    try:
        _name_kept(removed, tables, again)
        counted = count_again(con, KEPT_ROWS, recounting, again)
        with new_database(new, memory_limit_gib / 2, threads) as written:
            for statement in definitions(con):
                written.execute(statement)
            _copy_mode(con, new)
            rows = [_copy(con, table, written) for table in tables]
            for statement in _notes(removed, {each.name for each in rows if each.is_changed}):
                written.execute(statement)
    finally:
        con.execute(f"DETACH {KEPT_ROWS}")
    return [*rows, *_recounted(counted), *_replaced(con)]


def _copy_mode(con: duckdb.DuckDBPyConnection, new: Path) -> None:
    """Who may not read the warehouse may not read the new file; one in memory has no mode."""
    ((path,),) = con.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchall()
    if path is not None:
        shutil.copymode(path, new)


def put_in_place(new: Path, path: Path) -> None:
    """Let the new file take the place of the old one, whose log goes with it."""
    sync(new)
    os.replace(new, path)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    sync(path.parent)


# -- copying ---------------------------------------------------------------------------------


def _name_kept(removed: Removed, tables: Iterable[str], again: Mapping[str, str]) -> None:
    """`KEPT_ROWS`: by the name of each table a view of its rows that stay, as they are written.

    Those that were counted `again`, in tables by the same names, come after them.
    """
    con = removed.con
    old = current_database(con)
    holders = _holders(removed, tables)
    for table in tables:
        name = qualified(table)
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {KEPT_ROWS}.{quote(table.split('.')[0])}")
        con.execute(
            f"CREATE VIEW {KEPT_ROWS}.{name} AS SELECT {_columns(removed, table, holders)} "
            f"FROM {old}.{name} AS t WHERE NOT coalesce({_gone(removed, table)}, false)"
            + (f" UNION ALL BY NAME FROM {again[table]}" if table in again else "")
        )


def _gone(removed: Removed, table: str) -> str:
    gone = (gone_sql(removed, table), removed.also_gone.get(table))
    return any_of([each for each in gone if each])


def _columns(removed: Removed, table: str, holders: Holders) -> str:
    written = {**_rewritten(removed, table, holders), **removed.also_written.get(table, {})}
    replaced = ", ".join(f"{sql} AS {quote(name)}" for name, sql in written.items())
    return f"* REPLACE ({replaced})" if replaced else "*"


def _copy(con: duckdb.DuckDBPyConnection, table: str, written: NewDatabase) -> Rows:
    name = qualified(table)
    before = con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
    after = written.insert(table, con, f"FROM {KEPT_ROWS}.{name}")
    return Rows(name=table, before=before, after=after)


def _recounted(counted: Mapping[str, int]) -> list[Rows]:
    """Of the rows that were copied, those of few customers that were counted again."""
    what = "rows of few customers counted again"
    return [Rows(name=name, before=0, after=count, what=what) for name, count in counted.items()]


def _replaced(con: duckdb.DuckDBPyConnection) -> list[Rows]:
    """Rows that are kept for what they count, under tombstones."""
    count = con.execute("SELECT count(*) FROM temp.erased_assigned").fetchall()[0][0]
    what = "ids replaced by tombstones"
    return [Rows(name=table, before=count, after=0, what=what) for table in sorted(KEPT) if count]


def _rewritten(removed: Removed, table: str, holders: Holders) -> dict[str, str]:
    """By column the SQL of what is written instead, in rows that stay."""
    con = removed.con
    if table in KEPT and CUSTOMERS in existing_types(con, table):
        by_place = (
            "(SELECT any_value(a.tombstone) FROM temp.erased_assigned AS a "
            "WHERE a.source_file = t.source_file AND a.source_row = t.source_row)"
        )
        by_id = (
            "(SELECT e.tombstone FROM temp.erased_tombstones AS e "
            "WHERE e.id = CAST(t.customer_id AS VARCHAR))"
        )
        written = {CUSTOMERS: f"coalesce({by_place}, {by_id}, t.customer_id)"}
        named = con.execute("SELECT DISTINCT column_name FROM temp.erased_texts").fetchall()
        for column in sorted({name for (name,) in named} & existing_types(con, table).keys()):
            value = f"t.{quote(column)}"
            written[column] = (
                "coalesce((SELECT x.tombstone FROM temp.erased_texts AS x WHERE x.column_name = "
                f"{literal(column)} AND x.value = CAST({value} AS VARCHAR)), {value})"
            )
        return written
    if table not in holders:
        return {}
    # A text that only the erased had, within what was computed, is named by its tombstone.
    marks = marks_of(removed.key, removed.texts)
    return {name: marked(con, table, name, marks) for name in sorted(holders[table])}


def _holders(removed: Removed, tables: Iterable[str]) -> Holders:
    """The columns of what was computed that hold texts of the erased, by table."""
    found: dict[str, set[str]] = {}
    if removed.texts:
        for table, name in count_holding(_computed_values(removed, tables), removed.texts):
            found.setdefault(table, set()).add(name)
    return found


def _computed_values(
    removed: Removed, tables: Iterable[str]
) -> Iterator[tuple[tuple[str, str], pl.Series]]:
    """By table and column the texts of tables whose rows are of nobody, and of no line of files."""
    for table in tables:
        types = existing_types(removed.con, table)
        if table in _PROVIDED or removed.id_columns & types.keys() or {*PLACE} <= types.keys():
            continue
        columns = {name: kind for name, kind in types.items() if kind in ("VARCHAR", "VARCHAR[]")}
        for name, values in text_values(removed.con, qualified(table), columns):
            yield (table, name), values


def marks_of(key: Key, texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """The texts, and what is written in the place of each."""
    return list(texts), [MARK + digest_of(key, text)[:_SHORT] for text in texts]


def marked(
    con: duckdb.DuckDBPyConnection, table: str, name: str, marks: tuple[list[str], list[str]]
) -> str:
    """SQL of a column of text, or of lists of it, with marks in the place of texts."""
    values = con.sql(f"SELECT DISTINCT {quote(name)} AS v FROM {qualified(table)}").pl()["v"]
    is_list = values.dtype == pl.List(pl.String)
    element = pl.element().str.replace_many(*marks)
    written = values.list.eval(element) if is_list else values.str.replace_many(*marks)
    relation = f"written_{table.replace('.', '_')}_{name}"
    con.register("frame", pl.DataFrame({"was": values, "is_now": written}))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {quote(relation)} AS "
        "FROM frame WHERE was IS DISTINCT FROM is_now"
    )
    con.unregister("frame")
    column = f"t.{quote(name)}"
    now = f"(SELECT w.is_now FROM temp.{quote(relation)} AS w WHERE w.was = {column})"
    return f"coalesce({now}, {column})"


# -- what is noted of the rows ---------------------------------------------------------------


def _notes(removed: Removed, changed: Collection[str]) -> Iterator[str]:
    """Statements that bring the account and the counts up to the rows that are there.

    When they were made stays as it was.
    """
    con = removed.con
    if "rows_erased" in existing_types(con, RECEIPTS.full_name):
        counts = con.execute(
            "SELECT month, table_name, count(*) FROM temp.erased_places GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        for month, name, count in counts:
            yield (
                f"UPDATE {RECEIPTS.full_name} SET rows_erased = coalesce(rows_erased, 0) + {count} "
                f"WHERE month = {literal(month)} AND table_name = {literal(name)}"
            )
    for table in removed.tables:
        if table.stored.full_name in changed:
            yield (
                "UPDATE meta.partitions AS p SET row_count = coalesce((SELECT c.n FROM "
                f"({_counts_sql(table)}) AS c WHERE c.month = p.month), 0) "
                f"WHERE p.table_name = {literal(table.full_name)}"
            )
    if existing_types(con, "meta.runs"):
        for column, was, now in zip(("files", "definitions"), *removed.inputs, strict=False):
            yield (
                f"UPDATE meta.runs SET {column} = {literal(now)} WHERE {column} = {literal(was)}"
            )


def _counts_sql(table: Table) -> str:
    """Rows by month, as months are noted."""
    stored = table.stored
    month = literal("")
    if stored.partition_by is PartitionBy.MONTH:
        month = "month"
    elif stored.partition_by is PartitionBy.AS_OF:
        month = "strftime(as_of, '%Y-%m')"
    name = qualified(stored.full_name)
    return f"SELECT {month} AS month, count(*) AS n FROM {name} GROUP BY 1"
