"""The warehouse copied into a new file without rows of some people.

A row that is deleted leaves its texts in dictionaries that other rows use, so every table is copied
into a file that never had them, and that file takes the place of the old one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.erasure.persons import PROSPECTS, is_erased
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.files import sync
from portrait_assets.privacy.erasure import Rows
from portrait_assets.privacy.keys import Key
from portrait_assets.privacy.scan import holding, text_values
from portrait_assets.privacy.tombstones import CUSTOMERS, MARK, digest_of
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.clusters.contract import CLUSTER_PROFILE, CLUSTER_SEGMENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.raw.contract import CANONICAL, RECEIPTS
from portrait_assets.storage.duckdb.connection import literal, qualified, quote
from portrait_assets.storage.duckdb.tables import existing_types

_NEW = "without_erased"
_PLACE = ("table_name", "source_file", "source_row")
LINES = ("month", *_PLACE)
LINE_SCHEMA = dict.fromkeys(LINES[:3], pl.String) | {"source_row": pl.Int64}
"""Lines of files, as a frame."""
_SHORT = 8
"""Digits of a tombstone that stand for a text."""
_PROVIDED = {f"{stage}.{c.name}" for stage in ("raw", "cleaned") for c in CANONICAL}
_KEPT = {f"{s}.{c.name}" for s in ("raw", "cleaned") for c in CANONICAL if c.keeps_count}


@dataclass(frozen=True)
class Removed:
    """What is removed from a warehouse.

    `con` is open on it, after `name_ids`; `tables` are its contracts and `id_columns` the columns
    that name people; `texts` are theirs alone; `lines` are lines of files in no month that are
    theirs: `month` and the columns of a place. `inputs` are the digests of the source's files and
    definitions that runs noted, and what they are now that decisions on the people are gone;
    `past` is by canonical table SQL of whether a row, as received, is removed for its age.
    `also_gone` and `also_written` are by table SQL of more rows that go, and by column of what is
    written instead.
    """

    con: duckdb.DuckDBPyConnection
    tables: Sequence[Table]
    id_columns: frozenset[str]
    key: Key
    texts: Sequence[str]
    lines: pl.DataFrame
    inputs: tuple[Sequence[str], Sequence[str]]
    past: Mapping[str, str] = field(default_factory=dict)
    also_gone: Mapping[str, str] = field(default_factory=dict)
    also_written: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def is_past(self, table: str) -> str:
        """SQL of whether a row of a canonical table is older than such rows are kept, or empty.

        A cleaned row goes with the line that it comes from.
        """
        stage, _, name = table.partition(".")
        if name not in self.past or stage not in ("raw", "cleaned"):
            return ""
        if stage == "raw":
            return self.past[name]
        return (
            f"((source_file, source_row) IN (SELECT (source_file, source_row) "
            f"FROM temp.past_places WHERE table_name = {literal(name)}))"
        )


def copy_without(removed: Removed, new: Path) -> list[Rows]:
    """Write the warehouse to a new file without what is removed; rows of each table.

    Raises:
        duckdb.Error: when the disk is full; the warehouse stands as it was.
    """
    con = removed.con
    _name_places(removed)
    _name_rows(con)
    con.execute(f"ATTACH {literal(new)} AS {_NEW}")
    try:
        name, path = con.execute(
            "SELECT database_name, path FROM duckdb_databases() "
            "WHERE database_name = current_database()"
        ).fetchall()[0]
        if path is not None:  # One in memory has none.
            shutil.copymode(path, new)  # Who may not read the one may not read the other.
        con.execute(f"COPY FROM DATABASE {quote(name)} TO {_NEW} (SCHEMA)")
        con.begin()  # A commit waits for the disk: one for all tables, not one for each.
        rows = [_copy(removed, table) for table in _stored(con)]
        rows += _replaced(con)
        _note(removed, {each.name for each in rows if each.before != each.after})
        con.commit()
        con.execute(f"CHECKPOINT {_NEW}")
    finally:
        con.execute(f"DETACH {_NEW}")
    return rows


def put_in_place(new: Path, path: Path) -> None:
    """Let the new file take the place of the old one, whose log goes with it."""
    sync(new)
    os.replace(new, path)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    sync(path.parent)


def counted(
    con: duckdb.DuckDBPyConnection, tables: Sequence[str], id_columns: frozenset[str]
) -> dict[str, int]:
    """Rows of the erased by table, of the tables that name people."""
    found = {}
    for table in tables:
        if named := _names(con, table, id_columns):
            sql = f"SELECT count(*) FROM {qualified(table)} WHERE {_any(named)}"
            found[table] = int(con.execute(sql).fetchall()[0][0])
    return {table: count for table, count in found.items() if count}


def _stored(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "SELECT concat_ws('.', schema_name, table_name) FROM duckdb_tables() "
        "WHERE NOT internal AND NOT temporary AND database_name = current_database() ORDER BY 1"
    ).fetchall()
    return [name for (name,) in rows]


def _names(con: duckdb.DuckDBPyConnection, table: str, id_columns: frozenset[str]) -> list[str]:
    """Conditions on the columns of the table that name people."""
    columns = [name for name in existing_types(con, table) if name in id_columns]
    return [is_erased(name, PROSPECTS if name == PROSPECTS else CUSTOMERS) for name in columns]


def _any(conditions: Sequence[str]) -> str:
    """SQL of whether one of them holds; none does of none."""
    return f"({' OR '.join(f'coalesce({each}, false)' for each in conditions) or 'false'})"


# -- which rows ------------------------------------------------------------------------------


def _name_places(removed: Removed) -> None:
    """`temp.erased_places`: month, table, file and row of every line that is of the erased.

    `temp.past_places` has those that are removed for their age.
    """
    con = removed.con
    con.register("lines", removed.lines)
    con.execute("CREATE OR REPLACE TEMP TABLE erased_places AS FROM lines")
    con.unregister("lines")
    con.execute("CREATE OR REPLACE TEMP TABLE past_places AS FROM erased_places LIMIT 0")
    for canonical in CANONICAL:
        who, table = canonical.identifier, canonical.raw_table().full_name
        if who not in existing_types(con, table):
            continue
        of_them = "false" if canonical.keeps_count else is_erased(who, who)
        con.execute(
            f"INSERT INTO erased_places SELECT month, {literal(canonical.name)}, source_file, "
            f"source_row FROM {table} WHERE {of_them}"
        )
        if past := removed.is_past(table):
            con.execute(
                f"INSERT INTO past_places SELECT month, {literal(canonical.name)}, source_file, "
                f"source_row FROM {table} WHERE {past} AND NOT {of_them}"
            )
    con.execute("INSERT INTO erased_places FROM past_places")
    _name_tombstones(removed)


def _name_tombstones(removed: Removed) -> None:
    """`temp.erased_tombstones`: what stands for each id in rows that are kept for what they count.

    `temp.erased_assigned` has it by place, for a record's rows bear its customer's id later.
    """
    con = removed.con
    ids = con.sql("FROM temp.erased_customer_id").pl()["id"]
    marks = [MARK + digest_of(removed.key, value) for value in ids]
    con.register("marks", pl.DataFrame({"id": ids, "tombstone": marks}))
    con.execute("CREATE OR REPLACE TEMP TABLE erased_tombstones AS FROM marks")
    con.unregister("marks")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE erased_assigned "
        "(source_file VARCHAR, source_row BIGINT, tombstone VARCHAR)"
    )
    for table in sorted(_KEPT):
        if table.startswith("raw.") and CUSTOMERS in existing_types(con, table):
            con.execute(
                "INSERT INTO erased_assigned SELECT source_file, source_row, tombstone "
                f"FROM {table} AS t JOIN temp.erased_tombstones AS e "
                "ON CAST(t.customer_id AS VARCHAR) = e.id"
            )


def _name_rows(con: duckdb.DuckDBPyConnection) -> None:
    """`temp.erased_numbers` of customers within a month, and `temp.erased_months` of theirs."""
    con.execute("CREATE OR REPLACE TEMP TABLE erased_numbers (as_of DATE, customer_no UINTEGER)")
    con.execute("CREATE OR REPLACE TEMP TABLE erased_months (as_of DATE)")
    if existing_types(con, "tags.portrait_matrix"):
        con.execute(
            "INSERT INTO erased_numbers SELECT as_of, customer_no FROM tags.portrait_matrix "
            f"WHERE {is_erased(CUSTOMERS)}"
        )
    if existing_types(con, FEATURE_MATRIX.full_name):
        con.execute(
            f"INSERT INTO erased_months SELECT DISTINCT as_of FROM {FEATURE_MATRIX.full_name} "
            f"WHERE {is_erased(CUSTOMERS)}"
        )


def _gone(removed: Removed, table: str) -> str:
    """SQL of whether a row of the table is removed; empty where none is."""
    con = removed.con
    columns = existing_types(con, table)
    past = removed.is_past(table)
    if table in _KEPT:
        return past
    conditions = [past] if past else []
    conditions += _names(con, table, removed.id_columns)
    if {*_PLACE} <= columns.keys():
        place = ", ".join(_PLACE)
        conditions.append(f"({place}) IN (SELECT ({place}) FROM temp.erased_places)")
    if conditions:
        return _any(conditions)
    if {"as_of", "customer_no"} <= columns.keys():
        return "(as_of, customer_no) IN (SELECT (as_of, customer_no) FROM temp.erased_numbers)"
    of_them = "as_of IN (FROM temp.erased_months)"
    if table == CLUSTER_PROFILE.full_name:
        return (
            f"{of_them} AND (as_of, segment_id) IN (SELECT (as_of, segment_id) "
            f"FROM {CLUSTER_SEGMENT.full_name} WHERE customers < {SMALLEST_CELL})"
        )
    is_counted = {"as_of", "customers"} <= columns.keys() and table != CLUSTER_SEGMENT.full_name
    return f"{of_them} AND customers BETWEEN 1 AND {SMALLEST_CELL - 1}" if is_counted else ""


# -- copying ---------------------------------------------------------------------------------


def _copy(removed: Removed, table: str) -> Rows:
    con = removed.con
    gone = _any([each for each in (_gone(removed, table), removed.also_gone.get(table)) if each])
    written = {**_rewritten(removed, table), **removed.also_written.get(table, {})}
    replaced = ", ".join(f"{sql} AS {quote(name)}" for name, sql in written.items())
    columns = f"* REPLACE ({replaced})" if replaced else "*"
    where = f" WHERE NOT coalesce({gone}, false)"
    name = qualified(table)
    before = con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
    inserted = con.execute(
        f"INSERT INTO {_NEW}.{name} SELECT {columns} FROM {name} AS t{where}"
    ).fetchall()
    return Rows(name=table, before=before, after=inserted[0][0])


def _replaced(con: duckdb.DuckDBPyConnection) -> list[Rows]:
    """Rows that are kept for what they count, under tombstones."""
    count = con.execute("SELECT count(*) FROM temp.erased_assigned").fetchall()[0][0]
    what = "ids replaced by tombstones"
    return [Rows(name=table, before=count, after=0, what=what) for table in sorted(_KEPT) if count]


def _rewritten(removed: Removed, table: str) -> dict[str, str]:
    """By column the SQL of what is written instead, in rows that stay."""
    con = removed.con
    if table in _KEPT and CUSTOMERS in existing_types(con, table):
        by_place = (
            "(SELECT any_value(a.tombstone) FROM temp.erased_assigned AS a "
            "WHERE a.source_file = t.source_file AND a.source_row = t.source_row)"
        )
        by_id = (
            "(SELECT e.tombstone FROM temp.erased_tombstones AS e "
            "WHERE e.id = CAST(t.customer_id AS VARCHAR))"
        )
        return {CUSTOMERS: f"coalesce({by_place}, {by_id}, t.customer_id)"}
    types = existing_types(con, table)
    if table in _PROVIDED or removed.id_columns & types.keys() or {*_PLACE} <= types.keys():
        return {}
    return _without_texts(removed, table, types)


def _without_texts(removed: Removed, table: str, types: Mapping[str, str]) -> dict[str, str]:
    """A text that only the erased had, within what was computed, is named by its tombstone."""
    con, texts = removed.con, list(removed.texts)
    columns = {name: kind for name, kind in types.items() if kind in ("VARCHAR", "VARCHAR[]")}
    holders = {
        name
        for name, values in text_values(con, qualified(table), columns)
        if holding(values, texts).any()
    }
    if not holders:
        return {}
    marks = marks_of(removed.key, texts)
    return {name: marked(con, table, name, marks) for name in sorted(holders)}


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


def _note(removed: Removed, changed: set[str]) -> None:
    """Bring the account and the counts up to the rows; when they were made stays as it was."""
    con = removed.con
    if "rows_erased" in existing_types(con, RECEIPTS.full_name):
        con.execute(
            f"UPDATE {_NEW}.{RECEIPTS.full_name} AS r "
            "SET rows_erased = coalesce(r.rows_erased, 0) + e.n FROM "
            "(SELECT month, table_name, count(*) AS n FROM temp.erased_places GROUP BY ALL) AS e "
            "WHERE r.month = e.month AND r.table_name = e.table_name"
        )
    for table in removed.tables:
        if table.stored.full_name in changed:
            con.execute(
                f"UPDATE {_NEW}.meta.partitions AS p SET row_count = coalesce((SELECT c.n FROM "
                f"({_counts_sql(table)}) AS c WHERE c.month = p.month), 0) "
                f"WHERE p.table_name = {literal(table.full_name)}"
            )
    if existing_types(con, "meta.runs"):
        for column, was, now in zip(("files", "definitions"), *removed.inputs, strict=False):
            con.execute(
                f"UPDATE {_NEW}.meta.runs SET {column} = {literal(now)} "
                f"WHERE {column} = {literal(was)}"
            )


def _counts_sql(table: Table) -> str:
    """Rows by month, as months are noted."""
    stored = table.stored
    month = literal("")
    if stored.partition_by is PartitionBy.MONTH:
        month = "month"
    elif stored.partition_by is PartitionBy.AS_OF:
        month = "strftime(as_of, '%Y-%m')"
    name = f"{_NEW}.{qualified(stored.full_name)}"
    return f"SELECT {month} AS month, count(*) AS n FROM {name} GROUP BY 1"
