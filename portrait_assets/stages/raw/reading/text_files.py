"""Delimited text files as DuckDB tables: what reads as a row, and an account of what does not."""

from __future__ import annotations

import codecs
import csv
import gzip
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.errors import SourceError
from portrait_assets.stages.raw.definition import FileSpec
from portrait_assets.storage.duckdb.connection import first_line, literal, quote

CHUNK_CHARACTERS = 1 << 20
MAX_LINE_BYTES = 16 << 20  # DuckDB holds a few buffers of twice that.
DELIMITERS = (",", ";", "\t", "|")
# A line that breaks more than one of DuckDB's rules, or one rule in several fields, is one line.
BROKEN_LINES_SQL = (
    "SELECT CAST(line AS BIGINT) - 1 AS source_row, first(error_type ORDER BY column_idx) AS kind "
    "FROM reject_errors GROUP BY line ORDER BY line"
)
REASONS = {
    "MISSING COLUMNS": "fewer fields than the header",
    "TOO MANY COLUMNS": "more fields than the header",
    "UNQUOTED VALUE": "a quotation mark that is not closed",
    "LINE SIZE OVER MAXIMUM": "a line that is too long",
    "INVALID ENCODING": "bytes that are not in the file's encoding",
}
BROKEN_LINES = {
    "source_file": pl.String(),
    "source_row": pl.Int64(),
    "reason": pl.String(),
}


def load_text_file(
    con: duckdb.DuckDBPyConnection, table: str, path: Path, spec: FileSpec, file_name: str
) -> pl.DataFrame:
    """Make a temporary table of the file's rows, every value as text, and tell of broken lines.

    Rows carry `source_file` and `source_row`, their place in the file counted from 1 with the
    broken lines counted too.

    Args:
        con: the connection that holds the temporary table.
        table: its name.
        path: the file, in UTF-8 but for broken lines.
        spec: how the source describes it.
        file_name: the name to tell rows by.

    Returns:
        One row per line that is no row, with `source_file`, `source_row` and `reason`.

    Raises:
        SourceError: when the file is in UTF-16, has no header, or one that names a column twice.
    """
    delimiter = f", delim = {literal(spec.delimiter)}" if spec.delimiter else ""
    con.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    _check_header(path, spec, file_name)
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS "
            f"SELECT *, {literal(file_name)} AS source_file, row_number() OVER () AS source_row "
            f"FROM read_csv({literal(path)}, all_varchar = true, header = true, "
            f"store_rejects = true, rejects_limit = 0, max_line_size = {MAX_LINE_BYTES}, "
            f"buffer_size = {2 * MAX_LINE_BYTES}{delimiter})"
        )
    except duckdb.Error as error:
        raise SourceError(f"The file '{file_name}' cannot be read: {first_line(error)}") from None
    broken: pl.DataFrame = con.sql(BROKEN_LINES_SQL).pl()
    con.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    if broken.height:
        _count_broken_lines_too(con, table, broken)
    return broken.select(
        pl.lit(file_name).alias("source_file"),
        "source_row",
        pl.format("unreadable line: {}", pl.col("kind").replace(REASONS)).alias("reason"),
    )


def _count_broken_lines_too(
    con: duckdb.DuckDBPyConnection, table: str, broken: pl.DataFrame
) -> None:
    """Move the numbers of the rows that stand after broken lines to their places in the file."""
    shifts = broken.with_row_index("before").select(
        (pl.col("source_row") - pl.col("before")).alias("from_row"),
        (pl.col("before") + 1).cast(pl.Int64).alias("shift"),
    )
    con.register("shifts", shifts.unique("from_row", keep="last", maintain_order=True))
    con.execute(
        f"UPDATE {quote(table)} AS t SET source_row = t.source_row + s.shift FROM ("
        f"SELECT source_row, shift FROM {quote(table)} ASOF JOIN shifts ON source_row >= from_row"
        ") AS s WHERE t.source_row = s.source_row"
    )
    con.unregister("shifts")


def _check_header(path: Path, spec: FileSpec, file_name: str) -> None:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rb") as received:
        if received.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise SourceError(
                f"The file '{file_name}' is in UTF-16 and is read as UTF-8; declare it in "
                "source.yaml, such as {path: ..., encoding: utf-16}."
            )
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(MAX_LINE_BYTES)
    if not line.strip():
        raise SourceError(
            f"The file '{file_name}' is empty; its line 1 must hold the names of the columns."
        )
    # The delimiter that DuckDB finds is one of these too: the one that parts most names.
    split = (
        next(csv.reader([line], delimiter=delimiter))
        for delimiter in ([spec.delimiter] if spec.delimiter else DELIMITERS)
    )
    names = [name.strip().lower() for name in max(split, key=len)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SourceError(
            f"The file '{file_name}' names the column '{twice}' twice in line 1; "
            "rename one of them."
        )


def transcode(path: Path, encoding: str, target: Path) -> None:
    """Write the file again in UTF-8; bytes that are not in its encoding stay as they are.

    Raises:
        LookupError: when there is no such encoding.
    """
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with (
        opened(path, "rt", encoding=encoding, errors="surrogateescape", newline="") as received,
        open(target, "w", encoding="utf-8", errors="surrogateescape", newline="") as written,
    ):
        while chunk := received.read(CHUNK_CHARACTERS):
            written.write(chunk)
