"""The rows that are held of a person, table by table, as the contracts state who a row is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import polars as pl

from portrait_assets.app.subject.person import Person, condition, existing, identifying
from portrait_assets.schema.table import Column, Table
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.tables.canonical import SOURCE_FILE, SOURCE_ROW
from portrait_assets.storage.duckdb.connection import qualified, quote

Row = dict[str, Any]
RAW, CLEANED = "raw", "cleaned"
_PLACE = {"table_name": pl.String, SOURCE_FILE.name: pl.String, SOURCE_ROW.name: pl.Int64}
_PLACES = "places of the subject"


@dataclass(frozen=True)
class Holding:
    """The rows of one table that are about a person, oldest first."""

    table: Table
    rows: tuple[Row, ...] = field(repr=False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of which a row has a value."""
        return tuple(
            column
            for column in self.table.all_columns
            if any(row.get(column.name) is not None for row in self.rows)
        )

    def up_to(self, clearance: str) -> Holding:
        """The same without the columns of a class above this one."""
        names = [c.name for c in self.table.all_columns if c.sensitivity <= clearance]
        return replace(self, rows=tuple({name: row[name] for name in names} for row in self.rows))


def holdings(
    con: duckdb.DuckDBPyConnection,
    person: Person,
    tables: Sequence[Table],
    in_no_month: pl.DataFrame | None = None,
) -> tuple[Holding, ...]:
    """All rows about the person, of each table that has any, in the order of the flow.

    A row is about a person by a column that identifies them. A row that names the line of a file
    that it came from is about whom that line is about: so are rejects, and typed rows of months in
    which a record was taken for somebody else's.

    Args:
        con: the warehouse; only read.
        person: the person.
        tables: the contracts of all tables.
        in_no_month: places of lines that are about the person and stand in no month.
    """
    there = existing(con)
    present = [table for table in tables if table.full_name in there]
    places = pl.concat(
        [
            pl.DataFrame(schema=_PLACE),
            *([] if in_no_month is None else [in_no_month.select(*_PLACE)]),
            *(_places(con, table, person) for table in present if table.schema == RAW),
        ]
    )
    con.register(_PLACES, places)
    try:
        found = (Holding(table, tuple(_rows(con, table, person))) for table in present)
        return tuple(holding for holding in found if holding.rows)
    finally:
        con.unregister(_PLACES)


def _places(con: duckdb.DuckDBPyConnection, table: Table, person: Person) -> pl.DataFrame:
    names = identifying(table, person)
    if not names or not _has_places(table):
        return pl.DataFrame(schema=_PLACE)
    found = con.execute(
        f"SELECT DISTINCT '{table.name}' AS table_name, source_file, "
        f"CAST(source_row AS BIGINT) AS source_row FROM {qualified(table.full_name)} "
        f"WHERE {condition(names)}",
        [list(person.ids)],
    ).fetchall()
    return pl.DataFrame(found, schema=_PLACE, orient="row")


def _has_places(table: Table) -> bool:
    return {SOURCE_FILE.name, SOURCE_ROW.name} <= set(table.column_names)


def _rows(con: duckdb.DuckDBPyConnection, table: Table, person: Person) -> Iterator[Row]:
    names = identifying(table, person)
    # A line in no month is of whom its file says, which its row here does not repeat.
    by_place = _has_places(table) and (table.schema != RAW or "table_name" in table.column_names)
    if not by_place and not names:
        return
    of_person = condition(names)
    parameters: list[object] = [list(person.ids)]
    if by_place:
        of = "t.table_name" if "table_name" in table.column_names else f"'{table.name}'"
        of_person = (
            f'EXISTS (SELECT 1 FROM "{_PLACES}" AS p WHERE p.table_name = {of} '
            "AND p.source_file = t.source_file AND p.source_row = t.source_row)"
        )
        parameters = []
    columns = ", ".join(quote(name) for name in table.column_names)
    order = ", ".join(
        quote(name)
        for name in (str(table.partition_by) if table.partition_by else "", *table.key)
        if name in table.column_names
    )
    sql = f"SELECT {columns} FROM {qualified(table.full_name)} AS t WHERE {of_person}"
    cursor = con.execute(f"{sql} ORDER BY {order or 'ALL'}", parameters)
    for row in cursor.fetchall():
        yield dict(zip(table.column_names, row, strict=True))


@dataclass(frozen=True)
class Origin:
    """A file that rows about the person came from, by table, with the days of the first and last.

    Days are None where the table's rows have none.
    """

    file: str
    table: Table
    rows: int
    first_day: object
    last_day: object


def origins(found: Sequence[Holding]) -> Iterator[Origin]:
    """The files that the person's rows came from."""
    for holding in found:
        canonical = CANONICAL_BY_NAME.get(holding.table.name)
        if holding.table.schema != CLEANED or canonical is None:
            continue
        for file in sorted({row["source_file"] for row in holding.rows}):
            own = [row for row in holding.rows if row["source_file"] == file]
            dated = (row.get(canonical.dated_by) for row in own)
            days = [day for day in dated if day is not None]
            first, last = (min(days), max(days)) if days else (None, None)
            yield Origin(file, holding.table, len(own), first, last)
