"""Which text values hold one of many texts.

All texts are looked for in one pass over the values (Aho and Corasick 1975). What does so is built
anew for each look, which of 50,000 texts takes as long as looking through 10 MB: so values of many
columns, tables and files are looked at together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import duckdb
import polars as pl

from portrait_assets.storage.duckdb.connection import quote

READ_ROWS = 500_000
TOGETHER = 2_000_000
"""Values that are looked at in one go."""
REPEATED = 2
"""Rows for each different value of a column from which on each value is read once."""
FIRST_ROWS = 200_000
"""Rows of a table that show whether the values of a column repeat."""
_TEXTUAL = ("VARCHAR", "JSON", "ENUM")

Place = TypeVar("Place", bound=Hashable)


def holding(values: pl.Series, texts: Sequence[str]) -> pl.Series:
    """Of each text value, whether it holds one of the texts."""
    if not texts:
        return pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    return values.str.contains_any(list(texts)).fill_null(False)


def count_holding(parts: Iterable[tuple[Place, pl.Series]], texts: Sequence[str]) -> Counter[Place]:
    """By place, how many values hold one of the texts.

    Args:
        parts: places with text values; a place may come several times.
        texts: what is looked for.
    """
    found: Counter[Place] = Counter()
    for places, together in _together(parts):
        theirs = together.filter(holding(together["value"], texts))
        for number, count in theirs.group_by("place").len().iter_rows():
            found[places[number]] += count
    return found


def within(parts: Iterable[pl.Series], texts: Sequence[str]) -> set[str]:
    """Those of the texts that one of the values holds."""
    found: set[str] = set()
    for _, together in _together(("", values) for values in parts):
        theirs = together["value"].filter(holding(together["value"], texts))
        if len(theirs):
            extracted = theirs.str.extract_many(list(texts), overlapping=True)
            found |= {*extracted.explode().drop_nulls().unique()}
    return found


def _together(
    parts: Iterable[tuple[Place, pl.Series]],
) -> Iterator[tuple[list[Place], pl.DataFrame]]:
    """Places, and many `value`s with the number of the `place` of each among them."""
    places: list[Place] = []
    waiting: list[pl.DataFrame] = []
    for place, values in parts:
        own = values.alias("value").cast(pl.String).to_frame()
        waiting.append(own.with_columns(pl.lit(len(places), pl.UInt32).alias("place")))
        places.append(place)
        if sum(each.height for each in waiting) >= TOGETHER:
            yield places, pl.concat(waiting)
            places, waiting = [], []
    if waiting:
        yield places, pl.concat(waiting)


def text_values(
    con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], where: str = "true"
) -> Iterator[tuple[str, pl.Series]]:
    """The text in a table, column by column; where values repeat, each comes once.

    Args:
        con: a connection to the database.
        table: the table, quoted.
        columns: DuckDB type by name; lists, structs and JSON are read as text.
        where: SQL of the rows that are read.
    """
    texts = [name for name, kind in columns.items() if is_textual(kind)]
    repeated = _repeated(con, table, texts)
    for name in repeated:
        sql = f"SELECT DISTINCT {_as_text(name)} FROM {table} WHERE {where}"
        yield from _streamed(con, sql, [name])
    if others := [name for name in texts if name not in repeated]:
        sql = f"SELECT {', '.join(map(_as_text, others))} FROM {table} WHERE {where}"
        yield from _streamed(con, sql, others)


def is_textual(kind: str) -> bool:
    """Whether values of a DuckDB type are or hold text."""
    return any(part in kind for part in _TEXTUAL)


def _as_text(name: str) -> str:
    return f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}"


def _streamed(
    con: duckdb.DuckDBPyConnection, sql: str, names: Sequence[str]
) -> Iterator[tuple[str, pl.Series]]:
    rows: pl.LazyFrame = con.sql(sql).pl(lazy=True)
    for batch in rows.collect_batches(chunk_size=READ_ROWS):
        for name in names:
            yield name, batch[name]


def _repeated(con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> list[str]:
    """The columns whose values repeat so often that each value is better looked at once."""
    if not names:
        return []
    counts = ", ".join(f"approx_count_distinct({quote(name)})" for name in names)
    first = f"(SELECT {', '.join(map(quote, names))} FROM {table} LIMIT {FIRST_ROWS})"
    rows, *different = con.execute(f"SELECT count(*), {counts} FROM {first}").fetchall()[0]
    return [name for name, count in zip(names, different, strict=True) if REPEATED * count <= rows]
