"""Where texts of people still stand: in the decoded values, and in the bytes, of files.

Databases and Parquet write texts through dictionaries and compression, so that their bytes alone
show few of them; and a page that nothing refers to any more is seen in the bytes alone. So each
file is read both ways.
"""

from __future__ import annotations

import gzip
import html
import json
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl

from portrait_assets.storage.duckdb.connection import literal, qualified, quote

CHUNK_BYTES = 8 << 20
SHORTEST = 8
"""Bytes of a text that is looked for anywhere: shorter ones are met by chance."""
SHORTEST_OF_OTHERS = 6
"""The same of texts that are not all ASCII."""
_BATCH_ROWS = 500_000
_FEW = 1_000
"""Different values in a sample, below which a column is read by its different values."""
_SAMPLE_ROWS = 20_000
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))
_TEXTUAL = ("VARCHAR", "JSON", "ENUM")
BYTES = "its bytes"
"""The place of what is found in a file and in none of its values."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for: texts anywhere, and ids as the whole values of columns that identify.

    `ids` are by the name of the column. They stand among the texts too unless they are short or
    others' texts contain them.
    """

    texts: tuple[str, ...]
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def patterns(self) -> int:
        """How many different texts and ids are looked for."""
        return len({*self.texts, *(each for ids in self.ids.values() for each in ids)})

    @cached_property
    def forms(self) -> list[str]:
        """The texts as they stand in text files: plain, and escaped as in JSON and HTML."""
        escapes = (lambda text: text, lambda text: json.dumps(text)[1:-1], html.escape)
        return sorted({escape(text) for text in self.texts for escape in escapes})

    @cached_property
    def by_seven_bits(self) -> Mapping[str, Sequence[bytes]]:
        """The forms in UTF-8, by what is left of them when each byte loses its highest bit."""
        found: dict[str, list[bytes]] = {}
        for form in self.forms:
            encoded = form.encode()
            found.setdefault(encoded.translate(_SEVEN_BITS).decode(), []).append(encoded)
        return found

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest form."""
        return max((len(form.encode()) for form in self.forms), default=0)


@dataclass(frozen=True)
class Hits:
    """How many values, or places in the bytes, of a part of a file hold what was looked for."""

    file: str
    place: str
    count: int


@dataclass(frozen=True)
class Scan:
    """What a scan searched and found; `unreadable` are files that could not be decoded."""

    files: int
    size: int
    patterns: int
    hits: tuple[Hits, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def found(self) -> int:
        """Values and places found altogether."""
        return sum(each.count for each in self.hits)

    def by_file(self) -> dict[str, int]:
        """Values and places found, by file."""
        found: Counter[str] = Counter()
        for each in self.hits:
            found[each.file] += each.count
        return dict(found)


@dataclass
class _Files:
    wanted: Wanted
    memory_limit_gib: float
    unreadable: list[str] = field(default_factory=list)


def scan(files: Iterable[Path], wanted: Wanted, root: Path, memory_limit_gib: float = 2.0) -> Scan:
    """Search these files for what is wanted.

    Args:
        files: the files, of any kind; DuckDB's, SQLite's, Parquet, CSV and gzip are decoded too.
        wanted: what is looked for.
        root: the folder from which files are named in what is found.
        memory_limit_gib: what DuckDB may use.

    Raises:
        OSError: when a file cannot be read.
    """
    paths = sorted(set(files))
    search = _Files(wanted, memory_limit_gib)
    hits = [
        Hits(name_from(path, root), place, count)
        for path in paths
        for place, count in _found_in(path, search, name_from(path, root))
        if count
    ]
    size = sum(path.stat().st_size for path in paths)
    return Scan(len(paths), size, wanted.patterns, tuple(hits), tuple(search.unreadable))


def is_long_enough(text: str) -> bool:
    """Whether a text can be looked for anywhere without being met by chance."""
    return len(text.encode()) >= (SHORTEST if text.isascii() else SHORTEST_OF_OTHERS)


def first_bytes(path: Path) -> bytes:
    """The bytes that differ between kinds of files."""
    with open(path, "rb") as file:
        return file.read(16)


def holding(values: pl.Series, texts: Sequence[str]) -> pl.Series:
    """Of each text value, whether it holds one of the texts."""
    if not texts:
        return pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    return values.str.contains_any(list(texts)).fill_null(False)


def name_from(path: Path, root: Path) -> str:
    """The path from the folder on, where it is in it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _found_in(path: Path, search: _Files, name: str) -> Iterator[tuple[str, int]]:
    head = first_bytes(path)
    try:
        if head[8:12] == b"DUCK":
            yield from in_duckdb(path, search.wanted, search.memory_limit_gib)
        elif head.startswith(b"SQLite format 3"):
            yield from in_sqlite(path, search.wanted)
        elif head.startswith(b"PAR1"):
            yield from _in_columns(f"read_parquet({literal(path)})", search.wanted)
        elif path.suffix.lower() in (".csv", ".tsv"):
            ids = replace(search.wanted, texts=())  # The bytes show texts.
            yield from _in_columns(f"read_csv({literal(path)}, all_varchar = true)", ids)
        elif head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as packed:
                yield "what is packed", _in_bytes(packed, search.wanted)  # type: ignore[arg-type]
    except (duckdb.Error, sqlite3.Error, EOFError, gzip.BadGzipFile):
        search.unreadable.append(name)
    with open(path, "rb") as file:
        yield BYTES, _in_bytes(file, search.wanted)


# -- decoded ---------------------------------------------------------------------------------


def in_duckdb(
    path: Path, wanted: Wanted, memory_limit_gib: float = 2.0
) -> Iterator[tuple[str, int]]:
    """By `schema.table.column`, the values of a DuckDB file that hold what is wanted."""
    with tempfile.TemporaryDirectory(prefix="portrait-", dir=path.parent) as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_limit_gib}GiB",
            "temp_directory": spill,
        }
        with duckdb.connect(str(path), read_only=True, config=config) as con:
            tables = con.execute(
                "SELECT concat_ws('.', schema_name, table_name), list(column_name), "
                "list(data_type) FROM duckdb_columns() WHERE NOT internal "
                "AND (schema_name, table_name) IN "
                "(SELECT (schema_name, table_name) FROM duckdb_tables()) GROUP BY ALL ORDER BY 1"
            ).fetchall()
            for table, names, types in tables:
                columns = dict(zip(names, types, strict=True))
                for column, count in _in_table(con, qualified(table), columns, wanted):
                    yield f"{table}.{column}", count
            yield "its comments", _in_comments(con, wanted)


def _in_comments(con: duckdb.DuckDBPyConnection, wanted: Wanted) -> int:
    texts = con.sql(
        "SELECT sql AS text FROM duckdb_tables() UNION ALL SELECT sql FROM duckdb_views() "
        "UNION ALL SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL"
    ).pl()["text"]
    return int(holding(texts, wanted.texts).sum())


def _in_table(
    con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], wanted: Wanted
) -> Iterator[tuple[str, int]]:
    """By column, the values that hold what is wanted: rows of ids, and different other texts."""
    for name in columns.keys() & wanted.ids.keys():
        ids = pl.DataFrame({"id": wanted.ids[name]}, schema={"id": pl.String})
        con.register("wanted_ids", ids)
        value = f"trim(CAST({quote(name)} AS VARCHAR))"
        sql = f"SELECT count(*) FROM {table} WHERE {value} IN (SELECT id FROM wanted_ids)"
        yield name, int(con.execute(sql).fetchall()[0][0])
        con.unregister("wanted_ids")
    if wanted.texts:
        yield from _held(text_values(con, table, columns), wanted.texts).items()


def _held(columns: Iterable[tuple[str, pl.Series]], texts: Sequence[str]) -> Counter[str]:
    """By column the values that hold a text; many are looked at together, which costs the same."""
    found: Counter[str] = Counter()
    waiting: list[pl.DataFrame] = []

    def look() -> None:
        if waiting:
            together = pl.concat(waiting)
            theirs = together.filter(holding(together["value"], texts))
            found.update(dict(theirs.group_by("name").len().iter_rows()))
            waiting.clear()

    for name, values in columns:
        waiting.append(values.alias("value").to_frame().with_columns(pl.lit(name).alias("name")))
        if sum(each.height for each in waiting) >= _BATCH_ROWS:
            look()
    look()
    return found


def text_values(
    con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], where: str = "true"
) -> Iterator[tuple[str, pl.Series]]:
    """The text in a table, column by column: a column of few different values has each once.

    Args:
        con: a connection to the database.
        table: the table, quoted.
        columns: DuckDB type by name; lists, structs and JSON are read as text.
        where: SQL of the rows that are read.
    """
    streamed = []
    texts = [name for name, kind in columns.items() if any(part in kind for part in _TEXTUAL)]
    for name, is_few in _few_values(con, table, texts):
        if is_few:
            value = f"CAST({quote(name)} AS VARCHAR)"
            yield (
                name,
                con.sql(f"SELECT DISTINCT {value} AS v FROM {table} WHERE {where}").pl()["v"],
            )
        else:
            streamed.append(name)
    if streamed:
        values = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in streamed)
        rows: pl.LazyFrame = con.sql(f"SELECT {values} FROM {table} WHERE {where}").pl(lazy=True)
        for batch in rows.collect_batches(chunk_size=_BATCH_ROWS):
            for name in streamed:
                yield name, batch[name]


def _few_values(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]
) -> list[tuple[str, bool]]:
    """Of each column, whether the first rows have few different values."""
    if not names:
        return []
    counts = ", ".join(f"approx_count_distinct({quote(name)})" for name in names)
    sql = f"SELECT {counts} FROM (FROM {table} LIMIT {_SAMPLE_ROWS})"
    found = con.execute(sql).fetchall()[0]
    return [(name, count <= _FEW) for name, count in zip(names, found, strict=True)]


def in_sqlite(path: Path, wanted: Wanted) -> Iterator[tuple[str, int]]:
    """By `table.column`, the values of an SQLite file that hold what is wanted."""
    con = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    con.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        for table, column in sqlite_texts(con):
            for values in _sqlite_batches(con, table, column):
                yield f"{table}.{column}", int(holding(values, wanted.forms).sum())
    finally:
        con.close()


def sqlite_texts(con: sqlite3.Connection) -> list[tuple[str, str]]:
    """Table and column of all that may hold text, of whatever type it was declared."""
    tables = con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [
        (table, row[1])
        for (table,) in tables
        for row in con.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    ]


def _sqlite_batches(con: sqlite3.Connection, table: str, column: str) -> Iterator[pl.Series]:
    name = quote(column)
    rows = con.execute(
        f"SELECT CAST({name} AS TEXT) FROM {quote(table)} WHERE typeof({name}) IN ('text', 'blob')"
    )
    while batch := rows.fetchmany(_BATCH_ROWS // 10):
        yield pl.Series([value for (value,) in batch], dtype=pl.String)


def _in_columns(table: str, wanted: Wanted) -> Iterator[tuple[str, int]]:
    with duckdb.connect() as con:
        columns = {row[0]: row[1] for row in con.execute(f"DESCRIBE FROM {table}").fetchall()}
        yield from _in_table(con, table, columns, wanted)


# -- bytes -----------------------------------------------------------------------------------


def _in_bytes(file: BinaryIO, wanted: Wanted) -> int:
    """Places in the bytes that hold one of the forms in UTF-8, chunk by overlapping chunk."""
    if not wanted.texts:
        return 0
    workers = max(1, min(4, os.cpu_count() or 1))
    count = 0
    with ThreadPoolExecutor(workers) as pool:
        waiting = []
        for chunk, seen in _chunks(file, wanted.longest):
            waiting.append(pool.submit(_places, chunk, seen, wanted))
            if len(waiting) > workers:
                count += waiting.pop(0).result()
        count += sum(each.result() for each in waiting)
    return count


def _chunks(file: BinaryIO, longest: int) -> Iterator[tuple[bytes, int]]:
    """The file in chunks, and how many bytes of each were at the end of the one before."""
    before = b""
    while read := file.read(CHUNK_BYTES):
        chunk = before + read
        yield chunk, len(before)
        before = chunk[-(longest - 1) :] if longest > 1 else b""


def _places(chunk: bytes, seen: int, wanted: Wanted) -> int:
    """How often the chunk holds one of the forms that does not end in the bytes seen before.

    polars looks for many texts at once (Aho and Corasick 1975), in valid text: so the highest bit
    of each byte is cleared before, and what is found is compared with the bytes as they are.
    """
    text = pl.Series([chunk.translate(_SEVEN_BITS)], dtype=pl.Binary).cast(pl.String)
    sought = list(wanted.by_seven_bits)
    places = text.str.find_many(sought, overlapping=True)[0]
    if not len(places):
        return 0
    candidates = text.str.extract_many(sought, overlapping=True)[0]
    return sum(
        place + len(candidate) > seen
        and any(chunk.startswith(form, place) for form in wanted.by_seven_bits[candidate])
        for place, candidate in zip(places, candidates, strict=True)
    )
