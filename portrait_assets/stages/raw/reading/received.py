"""What a source's SQL gives, with numbers that are identifiers written in one way.

A missing value makes files of whole numbers hold them as floating-point ones: 17850 is received as
17850.0, from Parquet and JSON by its type, from CSV by every value of the column ending in .0. What
the contract has as text is text then, so that files may differ in it, and from month to month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.raw.reading.files import Added, SourceReader
from portrait_assets.stages.raw.tables.canonical import SOURCE_FILE, SOURCE_ROW, Canonical
from portrait_assets.storage.duckdb.connection import (
    is_number,
    literal,
    literals,
    number_text,
    quote,
)

_NUMBERED = ("phone", "bank_card", "postcode", "cancels")
"""Identifiers besides those whose names end in _id that may be numbers."""
# As programs write whole numbers that they hold as floating-point ones.
_WHOLE = r"(0|-?[1-9][0-9]*)\.0"
_SCIENTIFIC = r"-?[1-9](\.[0-9]+)?[eE]\+[0-9]+"


@dataclass(frozen=True)
class Received:
    """The rows of one table: the query that gives them, and the DuckDB type of each column.

    Of an `is_undated` one the source gives no days; only rows that were added to it have some.
    """

    sql: str
    types: Mapping[str, str]
    is_undated: bool = False


def received(reader: SourceReader, canonical: Canonical) -> Received:
    """The rows of a table as its SQL gives them, but for identifiers that came as numbers.

    Of a derived table the SQL numbers the rows itself, in whatever type of number.

    With those that the operator has added to it on behalf of customers.

    Raises:
        SourceError: as `SourceReader.columns`.
    """
    delivered = _delivered(reader, canonical)
    added = reader.added(canonical.name)
    if not added or canonical.name not in reader.source.defined:
        return delivered
    columns = {column.name: column for column in canonical.columns}
    shown = ", ".join(
        _as_delivered(reader, canonical, added, columns[name], delivered.types.get(name))
        for name in added.columns
        if name in columns
    )
    sql = (
        f"SELECT * FROM ({delivered.sql}) UNION ALL BY NAME "
        f"SELECT {shown}, source_file, source_row FROM {quote(added.table)}"
    )
    types = {name: kind for name, kind, *_ in reader.query(f"DESCRIBE ({sql})")}
    return Received(sql, types, canonical.dated_by not in delivered.types)


def _as_delivered(
    reader: SourceReader, canonical: Canonical, added: Added, column: Column, kind: str | None
) -> str:
    """SQL of an added column in the type that the source delivers, where all of it fits.

    So the source's own rows are read as before, and what does not fit is reported as unreadable.
    Numbers are added with a point.
    """
    text = quote(column.name)
    if kind is None or kind == "VARCHAR" or column.type is Type.TEXT:
        if reader.source.conventions.has_decimal_comma(canonical.name, column.name):
            return f"translate({text}, '.,', ',.') AS {text}"
        return text
    if column.type in (Type.MONEY, Type.NUMBER, Type.QUANTITY) and is_number(kind):
        # A number of the source's may be a whole one, which would round this.
        kind = kind if kind in ("DOUBLE", "FLOAT") else str(column.type)
    typed = f"TRY_CAST({text} AS {kind})"
    if column.type is Type.BOOLEAN:
        typed = f"CAST(TRY_CAST({text} AS BOOLEAN) AS {kind})"
    if kind == "TIMESTAMP WITH TIME ZONE":
        zone = literal(reader.source.definition.time_zone)
        typed = f"(TRY_CAST({text} AS TIMESTAMP) AT TIME ZONE {zone})"
    unread = f"SELECT 1 FROM {quote(added.table)} WHERE {text} IS NOT NULL AND {typed} IS NULL"
    return text if reader.query(f"{unread} LIMIT 1") else f"{typed} AS {text}"


def _delivered(reader: SourceReader, canonical: Canonical) -> Received:
    types = reader.columns(canonical)
    sql = reader.source.sql(canonical.name)
    rewritten = dict(_of_numbers(canonical, types))
    places = {
        column.name: str(column.type)
        for column in (SOURCE_FILE, SOURCE_ROW)
        if types[column.name] != str(column.type)
    }
    rewritten |= {name: f"TRY_CAST({name} AS {kind})" for name, kind in places.items()}
    if reader.may_write_numbers(sql):
        rewritten |= _of_texts(reader, canonical, types, sql)
    if not rewritten:
        return Received(sql, types)
    columns = ", ".join(f"{expression} AS {quote(name)}" for name, expression in rewritten.items())
    return Received(
        f"SELECT * REPLACE ({columns}) FROM ({sql})",
        {**types, **dict.fromkeys(rewritten, str(Type.TEXT)), **places},
    )


def _of_numbers(canonical: Canonical, types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column in canonical.columns:
        kind = types.get(column.name, "")
        if column.type is Type.TEXT and is_number(kind):
            yield column.name, number_text(quote(column.name), kind)


def _of_texts(
    reader: SourceReader, canonical: Canonical, types: Mapping[str, str], sql: str
) -> dict[str, str]:
    """SQL of the identifiers that are whole numbers with a fraction in all rows of a file."""
    names = [
        column.name
        for column in canonical.columns
        if types.get(column.name) == "VARCHAR"
        and (column.name.endswith("_id") or column.name in _NUMBERED)
    ]
    if not names:
        return {}
    fits = ", ".join(
        f"coalesce(bool_and(regexp_full_match({_value(reader, canonical, name)}, "
        f"'{_WHOLE}|{_SCIENTIFIC}')), false)"
        for name in names
    )
    by_file = reader.query(f"SELECT source_file, {fits} FROM ({sql}) GROUP BY source_file")
    files = {
        name: [row[0] for row in by_file if row[number]] for number, name in enumerate(names, 1)
    }
    return {name: _without_fraction(name, found) for name, found in files.items() if found}


def _value(reader: SourceReader, canonical: Canonical, name: str) -> str:
    """The text, null where it is empty or one of the source's codes for what is not known."""
    text = f"nullif(trim({quote(name)}), '')"
    if codes := reader.source.codes(canonical.column(name), canonical.name):
        text = f"CASE WHEN lower({text}) NOT IN ({literals(codes)}) THEN {text} END"
    return text


def _without_fraction(name: str, files: list[str]) -> str:
    column = quote(name)
    return (
        f"CASE WHEN source_file IN ({literals(files)}) "
        f"AND regexp_full_match(trim({column}), {literal(_WHOLE)}) "
        f"THEN left(trim({column}), -2) "
        f"WHEN source_file IN ({literals(files)}) "
        f"AND regexp_full_match(trim({column}), {literal(_SCIENTIFIC)}) "
        f"THEN {number_text(f'TRY_CAST({column} AS DOUBLE)', 'DOUBLE')} ELSE {column} END"
    )
