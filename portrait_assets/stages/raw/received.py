"""What a source's SQL gives, with numbers that are identifiers written in one way.

A missing value makes files of whole numbers hold them as floating-point ones: 17850 is received as
17850.0, from Parquet and JSON by its type, from CSV by every value of the column ending in .0. What
the contract has as text is text then, so that files may differ in it, and from month to month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portrait_assets.schema.table import Type
from portrait_assets.stages.raw.reading import SourceReader
from portrait_assets.stages.raw.tables.canonical import Canonical
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
    """The rows of one table: the query that gives them, and the DuckDB type of each column."""

    sql: str
    types: Mapping[str, str]


def received(reader: SourceReader, canonical: Canonical) -> Received:
    """The rows of a table as its SQL gives them, but for identifiers that came as numbers.

    Raises:
        SourceError: as `SourceReader.columns`.
    """
    types = reader.columns(canonical)
    sql = reader.source.sql(canonical.name)
    rewritten = dict(_of_numbers(canonical, types))
    if reader.may_write_numbers(sql):
        rewritten |= _of_texts(reader, canonical, types, sql)
    if not rewritten:
        return Received(sql, types)
    columns = ", ".join(f"{expression} AS {quote(name)}" for name, expression in rewritten.items())
    return Received(
        f"SELECT * REPLACE ({columns}) FROM ({sql})",
        {**types, **dict.fromkeys(rewritten, str(Type.TEXT))},
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
