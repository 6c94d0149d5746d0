"""Rows that are older than their source keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, Removed
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.tables import existing_types

_NOBODY = Key(KeyName.TOMBSTONES, b"")
"""Nobody is erased, so that no tombstone is made with it."""


@dataclass(frozen=True)
class Past:
    """Rows of a canonical table before the first month whose rows are kept."""

    table: str
    kept_from: str
    rows: int


def past_retention(con: duckdb.DuckDBPyConnection, source: Source) -> list[Past]:
    """The tables with rows that are older than they are kept, and how many."""
    found = []
    for name, past in _past(con, source, source.kept_from).items():
        table = CANONICAL_BY_NAME[name].raw_table().full_name
        count = con.execute(f"SELECT count(*) FROM {table} WHERE {past}").fetchall()[0][0]
        found.append(Past(name, source.kept_from[name], int(count)))
    return [each for each in found if each.rows]


def too_old(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    kept_from: Mapping[str, str],
    tables: Sequence[Table],
    id_columns: frozenset[str],
) -> Removed:
    """What is removed where rows go for their age, and nobody is erased.

    Args:
        con: open on the warehouse, after `name_ids` of nobody.
        source: says which rows age.
        kept_from: by canonical table the first month (YYYY-MM) whose rows are kept.
        tables: the contracts of the warehouse's tables.
        id_columns: the columns that name people.
    """
    nothing = pl.DataFrame(schema=LINE_SCHEMA)
    return Removed(
        *(con, tables, id_columns, _NOBODY, (), nothing, ((), ())),
        past=_past(con, source, kept_from),
    )


def _past(
    con: duckdb.DuckDBPyConnection, source: Source, kept_from: Mapping[str, str]
) -> dict[str, str]:
    """By canonical table that there is, SQL of whether a row as received is past its time."""
    tables = {name: CANONICAL_BY_NAME[name] for name in kept_from}
    types = {name: existing_types(con, of.raw_table().full_name) for name, of in tables.items()}
    return {
        name: source.is_past(canonical, kept_from[name], types[name])
        for name, canonical in tables.items()
        if types[name]
    }
