"""What is removed from a warehouse, and which rows that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import polars as pl

from portrait_assets.app.erasure.people.own_texts import texts_in_kept_rows
from portrait_assets.app.erasure.people.persons import PROSPECTS, is_erased
from portrait_assets.app.erasure.rows.few import few_sql
from portrait_assets.app.erasure.rows.recounting import Recounting
from portrait_assets.privacy.keys import Key
from portrait_assets.privacy.tombstones import CUSTOMERS, MARK, digest_of, word_of
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_CATEGORY_MONTH, FEATURE_MATRIX
from portrait_assets.stages.features.window import WINDOW_MONTHS
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.storage.duckdb.connection import literal, qualified
from portrait_assets.storage.duckdb.tables import existing_types

PLACE = ("table_name", "source_file", "source_row")
LINES = ("month", *PLACE)
LINE_SCHEMA = dict.fromkeys(LINES[:3], pl.String) | {"source_row": pl.Int64}
"""Lines of files, as a frame."""
KEPT = {f"{s}.{c.name}" for s in ("raw", "cleaned") for c in CANONICAL if c.keeps_count}
"""Tables whose rows stay for what they count, under tombstones."""


@dataclass(frozen=True)
class Removed:
    """What is removed from a warehouse.

    `con` is open on it, after `name_ids`; `tables` are its contracts and `id_columns` the columns
    that name people; `texts` are theirs alone; `lines` are lines of files in no month that are
    theirs: `month` and the columns of a place. `inputs` are the digests of the source's files and
    definitions that runs noted, and what they are now that decisions on the people are gone;
    `past` is by canonical table SQL of whether a row, as received, is removed for its age.
    `also_gone` and `also_written` are by table SQL of more rows that go, and by column of what is
    written instead. `recounting` counts rows of few customers again; where it is None they only go.
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
    recounting: Recounting | None = None

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


def counted(
    con: duckdb.DuckDBPyConnection, tables: Sequence[str], id_columns: frozenset[str]
) -> dict[str, int]:
    """Rows of the erased by table, of the tables that name people."""
    found = {}
    for table in tables:
        if named := _names(con, table, id_columns):
            sql = f"SELECT count(*) FROM {qualified(table)} WHERE {any_of(named)}"
            found[table] = int(con.execute(sql).fetchall()[0][0])
    return {table: count for table, count in found.items() if count}


def name_places(removed: Removed) -> None:
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
    _name_kept_texts(removed)


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
    for table in sorted(KEPT):
        if table.startswith("raw.") and CUSTOMERS in existing_types(con, table):
            con.execute(
                "INSERT INTO erased_assigned SELECT source_file, source_row, tombstone "
                f"FROM {table} AS t JOIN temp.erased_tombstones AS e "
                "ON CAST(t.customer_id AS VARCHAR) = e.id"
            )


def _name_kept_texts(removed: Removed) -> None:
    """`temp.erased_texts`: what stands for values of theirs in rows that are kept, by column."""
    con = removed.con
    rows = [
        (column, value, word_of(digest_of(removed.key, value, column)))
        for column, values in texts_in_kept_rows(con, removed.texts).items()
        for value in values
    ]
    schema = dict.fromkeys(("column_name", "value", "tombstone"), pl.String)
    con.register("texts", pl.DataFrame(rows, schema=schema, orient="row"))
    con.execute("CREATE OR REPLACE TEMP TABLE erased_texts AS FROM texts")
    con.unregister("texts")


def name_rows(con: duckdb.DuckDBPyConnection) -> None:
    """`temp.erased_numbers` of customers within a month, and `temp.erased_months` of theirs.

    `temp.erased_choices` has what in the window of one of these months only they chose.
    """
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
    con.execute("CREATE OR REPLACE TEMP TABLE erased_choices (as_of DATE, choice_id VARCHAR)")
    if existing_types(con, CUSTOMER_CATEGORY_MONTH.full_name):
        con.execute(
            f"INSERT INTO erased_choices SELECT m.as_of, CAST(c.choice_id AS VARCHAR) FROM ("
            f"SELECT month, choice_id, bool_and({is_erased(CUSTOMERS)}) AS is_theirs "
            f"FROM {CUSTOMER_CATEGORY_MONTH.full_name} GROUP BY ALL) AS c JOIN erased_months AS m "
            f"ON c.month BETWEEN strftime(m.as_of - INTERVAL {WINDOW_MONTHS - 1} MONTH, '%Y-%m') "
            "AND strftime(m.as_of, '%Y-%m') "
            "GROUP BY ALL HAVING bool_and(is_theirs)"
        )


def gone_sql(removed: Removed, table: str) -> str:
    """SQL of whether a row of the table is removed; empty where none is."""
    con = removed.con
    columns = existing_types(con, table)
    past = removed.is_past(table)
    if table in KEPT:
        return past
    conditions = [past] if past else []
    conditions += _names(con, table, removed.id_columns)
    if {*PLACE} <= columns.keys():
        place = ", ".join(PLACE)
        conditions.append(f"({place}) IN (SELECT ({place}) FROM temp.erased_places)")
    if conditions:
        return any_of(conditions)
    if {"as_of", "customer_no"} <= columns.keys():
        return "(as_of, customer_no) IN (SELECT (as_of, customer_no) FROM temp.erased_numbers)"
    contract = next((t for t in removed.tables if t.stored.full_name == table), None)
    return few_sql(con, table, contract)


def any_of(conditions: Sequence[str]) -> str:
    """SQL of whether one of them holds; none does of none."""
    return f"({' OR '.join(f'coalesce({each}, false)' for each in conditions) or 'false'})"


def _names(con: duckdb.DuckDBPyConnection, table: str, id_columns: frozenset[str]) -> list[str]:
    """Conditions on the columns of the table that name people."""
    columns = [name for name in existing_types(con, table) if name in id_columns]
    return [is_erased(name, PROSPECTS if name == PROSPECTS else CUSTOMERS) for name in columns]
