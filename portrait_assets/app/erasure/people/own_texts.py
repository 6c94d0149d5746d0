"""Texts that only rows of the erased have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import polars as pl

from portrait_assets.app.erasure.people.persons import is_erased
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.privacy.scan.values import holding, text_values, within
from portrait_assets.privacy.scan.wanted import is_long_enough
from portrait_assets.schema.table import Sensitivity, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.duckdb.tables import existing_types

_MOST_TEXTS = 5_000
"""Texts of a column that is not C3 that are looked for, spread evenly."""
_SAYS_SOMETHING = r"[0-9\s]|[^\x00-\x7F]{6,}"
"""Words of categories (couple_with_children) are nobody's own; numbers and sentences are."""
_WORDS = ("tags.tag_catalogue", "features.feature_catalogue", "features.source_evidence")
"""Tables of what the program itself says, which holds nobody's own texts."""


def own_texts(con: duckdb.DuckDBPyConnection, ids: list[str]) -> tuple[list[str], int]:
    """The texts that only rows of the erased have, and how many more stand in those of others.

    Texts that `SMALLEST_CELL` of the erased share say nothing of one of them.

    Args:
        con: a connection to the warehouse, after `name_ids`.
        ids: the ids of the erased, which are among their texts.
    """
    texts = {text for text in ids if is_long_enough(text)}
    for canonical in CANONICAL:
        for table in _tables(canonical):
            for values in _own_values(con, canonical, table):
                texts |= {text for text in values if is_long_enough(text)}
    others = _of_others(con, sorted(texts))
    return sorted(texts - others), len(others)


def _tables(canonical: Canonical) -> tuple[str, str]:
    """The table as received, and as cleaned, which writes texts in one way."""
    return canonical.raw_table().full_name, CLEANED[canonical.name].full_name


def _own_values(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, table: str
) -> Iterator[pl.Series]:
    who = canonical.identifier
    types = existing_types(con, table)
    if who not in types:
        return
    for column in canonical.columns:
        if (
            column.name == who
            or column.type is not Type.TEXT
            or types.get(column.name) != "VARCHAR"
        ):
            continue
        values = con.sql(
            f"SELECT v FROM (SELECT trim({quote(column.name)}) AS v, count(DISTINCT {quote(who)}) "
            f"AS persons FROM {table} WHERE {is_erased(who, who)} GROUP BY 1) "
            f"WHERE v IS NOT NULL AND persons < {SMALLEST_CELL} ORDER BY 1"
        ).pl()["v"]
        if column.sensitivity is not Sensitivity.C3:
            values = values.filter(values.str.contains(_SAYS_SOMETHING))
            values = values.gather_every(max(1, -(-len(values) // _MOST_TEXTS)))
        yield values


def _of_others(con: duckdb.DuckDBPyConnection, texts: list[str]) -> set[str]:
    """Those of the texts that stand within what the source provides of others."""
    return within(_values_of_others(con), texts) if texts else set()


def _values_of_others(con: duckdb.DuckDBPyConnection) -> Iterator[pl.Series]:
    for table, where in _tables_of_others(con):
        columns = {
            name: kind
            for name, kind in existing_types(con, table).items()
            if name not in ("month", "source_file")
        }
        for _, values in text_values(con, table, columns, where):
            yield values


def _tables_of_others(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """Tables, and SQL of the rows of others."""
    for canonical in CANONICAL:
        who = canonical.identifier
        for table in _tables(canonical):
            if existing_types(con, table):
                yield table, f"NOT {is_erased(who, who)}" if who else "true"
    for table in _WORDS:
        if existing_types(con, table):
            yield table, "true"


def texts_in_kept_rows(
    con: duckdb.DuckDBPyConnection, texts: Sequence[str]
) -> dict[str, list[str]]:
    """By column, values that hold one of the texts in rows that are kept for what they count.

    Args:
        con: a connection to the warehouse.
        texts: those that only the erased have.
    """
    found: dict[str, set[str]] = {}
    for canonical in (each for each in CANONICAL if each.keeps_count):
        names = {each.name for each in canonical.columns} - {canonical.identifier}
        for table in _tables(canonical):
            columns = {
                name: kind for name, kind in existing_types(con, table).items() if name in names
            }
            for name, values in text_values(con, table, columns):
                found.setdefault(name, set()).update(values.filter(holding(values, texts)))
    return {name: sorted(values) for name, values in sorted(found.items()) if values}
