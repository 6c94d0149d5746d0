"""Files searched for texts of people, in their decoded values and in their bytes.

Databases and Parquet write texts through dictionaries and compression, so that their bytes alone
show few of them; and a page that nothing refers to any more is seen in the bytes alone. So each
file is read both ways.
"""

from __future__ import annotations

import gzip
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.privacy.scan.blocks import columns_of
from portrait_assets.privacy.scan.in_bytes import Place, Stream, places_in_bytes
from portrait_assets.privacy.scan.values import READ_ROWS, count_holding, is_textual, text_values
from portrait_assets.privacy.scan.wanted import BYTES, Hits, Scan, Wanted
from portrait_assets.storage.duckdb.connection import literal, qualified, quote

Decoded = Iterator[tuple[str, int | pl.Series]]
"""By place within a file, rows that name one of the ids, or values that may hold a text."""
_GZIP = b"\x1f\x8b"


@dataclass
class _Search:
    paths: Sequence[Path]
    wanted: Wanted
    root: Path
    memory_limit_gib: float
    by_id: Counter[Place] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)

    def values(self) -> Iterator[tuple[Place, pl.Series]]:
        """The text values of all files; ids are counted, and what cannot be decoded noted."""
        for path in self.paths:
            name = name_from(path, self.root)
            try:
                for place, found in _decoded(path, self.wanted, self.memory_limit_gib):
                    if isinstance(found, int):
                        self.by_id[name, place] += found
                    else:
                        yield (name, place), found
            except (duckdb.Error, sqlite3.Error):
                self.unreadable.append(name)

    def streams(self) -> Iterator[Stream]:
        """The bytes of all files, and of what is packed in them."""
        for path in self.paths:
            name = name_from(path, self.root)
            with open(path, "rb") as file:
                yield (name, BYTES), file.read
            if first_bytes(path).startswith(_GZIP):
                with gzip.open(path) as packed:
                    yield (name, "what is packed"), _Packed(packed, name, self.unreadable).read


@dataclass
class _Packed:
    file: gzip.GzipFile
    name: str
    unreadable: list[str]

    def read(self, size: int) -> bytes:
        """So many bytes at most; none where there are no more, or they cannot be read."""
        try:
            return self.file.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self.unreadable.append(self.name)
            return b""


def scan(
    files: Iterable[Path],
    wanted: Wanted,
    root: Path,
    memory_limit_gib: float = 2.0,
    written_anew: Collection[Path] = (),
) -> Scan:
    """Search these files for what is wanted.

    Args:
        files: the files, of any kind; DuckDB's, SQLite's, Parquet, CSV and gzip are decoded too.
        wanted: what is looked for.
        root: the folder from which files are named in what is found.
        memory_limit_gib: what DuckDB may use.
        written_anew: databases that were written by processes which never had what is wanted. Of
            these, bytes are no find that lie in the values of a column none of which holds a text.

    Raises:
        OSError: when a file cannot be read.
    """
    paths = sorted(set(files))
    search = _Search(paths, wanted, root, memory_limit_gib)
    found = count_holding(search.values(), wanted.forms)
    found += search.by_id
    decoded = {*found}
    spots = places_in_bytes(search.streams(), wanted.forms)
    found.update({place: len(each) for place, each in spots.items()})
    chance: Counter[Place] = Counter()
    for path in {*written_anew} & {*paths}:
        name = name_from(path, root)
        if (name, BYTES) in spots and name not in search.unreadable:
            holding = {place for file, place in decoded if file == name}
            by_column = _by_chance(path, [*spots[name, BYTES]], holding)
            chance += Counter({(name, column): n for column, n in by_column.items()})
            found[name, BYTES] -= by_column.total()
    size = sum(path.stat().st_size for path in paths)
    return Scan(
        len(paths), size, wanted.patterns, _hits(found), tuple(search.unreadable), _hits(chance)
    )


def _hits(found: Mapping[Place, int]) -> tuple[Hits, ...]:
    return tuple(Hits(*place, count) for place, count in sorted(found.items()) if count)


def _by_chance(
    path: Path, spots: Sequence[tuple[int, int]], holding: Collection[str]
) -> Counter[str]:
    """By column, how many spots are parts of its values; not of columns `holding` a text."""
    with duckdb.connect(str(path), read_only=True) as con:
        first = columns_of(con, [start for start, _ in spots])
        last = columns_of(con, [end - 1 for _, end in spots])
    return Counter(
        begun
        for begun, ended in zip(first, last, strict=True)
        if begun is not None and ended is not None and {begun, ended}.isdisjoint(holding)
    )


def first_bytes(path: Path) -> bytes:
    """The bytes that differ between kinds of files."""
    with open(path, "rb") as file:
        return file.read(16)


def name_from(path: Path, root: Path) -> str:
    """The path from the folder on, where it is in it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _decoded(path: Path, wanted: Wanted, memory_limit_gib: float) -> Decoded:
    head = first_bytes(path)
    if head[8:12] == b"DUCK":
        yield from _in_duckdb(path, wanted, memory_limit_gib)
    elif head.startswith(b"SQLite format 3"):
        yield from _in_sqlite(path)
    elif head.startswith(b"PAR1"):
        yield from _in_columns(f"read_parquet({literal(path)})", wanted)
    elif path.suffix.lower() in (".csv", ".tsv"):
        csv = f"read_csv({literal(path)}, all_varchar = true)"
        yield from _in_columns(csv, wanted, with_texts=False)  # The bytes show texts.


def _in_duckdb(path: Path, wanted: Wanted, memory_limit_gib: float) -> Decoded:
    """By `schema.table.column`, what a DuckDB file holds."""
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
                for column, found in _in_table(con, qualified(table), columns, wanted):
                    yield f"{table}.{column}", found
            yield "its comments", _comments(con)


def _comments(con: duckdb.DuckDBPyConnection) -> pl.Series:
    texts: pl.Series = con.sql(
        "SELECT sql AS text FROM duckdb_tables() UNION ALL SELECT sql FROM duckdb_views() "
        "UNION ALL SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL"
    ).pl()["text"]
    return texts


def _in_table(
    con: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    wanted: Wanted,
    with_texts: bool = True,
) -> Decoded:
    """By column, rows that name one of the ids, and other texts."""
    of_ids = sorted(columns.keys() & wanted.ids.keys())
    for name in of_ids:
        values = con.sql(
            f"SELECT CAST({quote(name)} AS VARCHAR) AS value, count(*) AS rows FROM {table} "
            "GROUP BY ALL"
        ).pl()
        ids = pl.Series(wanted.ids[name], dtype=pl.String).implode()
        theirs = values.filter(pl.col("value").str.strip_chars(" ").is_in(ids))
        yield name, int(theirs["rows"].sum())
        if wanted.texts and with_texts and is_textual(columns[name]):
            yield name, values["value"]
    if wanted.texts and with_texts:
        others = {name: kind for name, kind in columns.items() if name not in of_ids}
        yield from text_values(con, table, others)


def _in_columns(table: str, wanted: Wanted, with_texts: bool = True) -> Decoded:
    with duckdb.connect() as con:
        columns = {row[0]: row[1] for row in con.execute(f"DESCRIBE FROM {table}").fetchall()}
        yield from _in_table(con, table, columns, wanted, with_texts)


def _in_sqlite(path: Path) -> Decoded:
    """By `table.column`, what an SQLite file holds."""
    con = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    con.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        for table, column in sqlite_texts(con):
            for values in _sqlite_batches(con, table, column):
                yield f"{table}.{column}", values
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
    while batch := rows.fetchmany(READ_ROWS // 10):
        yield pl.Series([value for (value,) in batch], dtype=pl.String)
