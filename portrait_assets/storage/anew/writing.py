"""Rows sent to a process of its own, which writes them into a new database.

DuckDB uses blocks of memory again without clearing them, so what a process has read may stand,
where nothing refers to it, in a file that it writes. Here it has read only what it was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from portrait_assets.core.errors import PortraitError, WarehouseError
from portrait_assets.core.machine.fresh_process import FreshProcess, fresh_process
from portrait_assets.storage.duckdb.connection import error_message, open_database, qualified

ROW_GROUP = 122_880
"""Rows that DuckDB compresses and writes together."""
_MOST_VALUES = 4_000_000
"""Values that are sent in one go, some 8 bytes each; of wide tables a group of rows may be more."""

_MOST_IN_ORDER = 32
"""Columns of a table whose rows keep their order."""


@contextmanager
def new_database(path: Path, memory_limit_gib: float, threads: int | None) -> Iterator[NewDatabase]:
    """A database file that did not exist, for as long as the block lasts.

    All of it is one transaction: the file is whole when the block has ended without an error.

    Raises:
        PortraitError: when the file cannot be written, or the process that writes it has ended.
    """
    process_of = fresh_process("writes the file anew", _serve, path, memory_limit_gib, threads)
    with process_of as process:
        process.receive()
        yield NewDatabase(process)
        process.send(None)
        process.receive()


@dataclass(frozen=True)
class NewDatabase:
    """A database that another process writes."""

    _process: FreshProcess

    def execute(self, sql: str) -> None:
        """Execute a statement there.

        Raises:
            PortraitError: when it fails, or the process has ended.
        """
        self._process.send(sql)
        self._process.receive()

    def insert(self, table: str, con: duckdb.DuckDBPyConnection, sql: str) -> int:
        """Send what a query gives into the columns of those names; rows inserted.

        They are written in its order, but groups of rows of a wide table in any: DuckDB would keep
        their order by compressing one after the other, unless it had some 16 MiB for each column.

        Raises:
            PortraitError: when they cannot be written, or the process has ended.
            duckdb.Error: when the query fails.
        """
        con.execute("SET arrow_lossless_conversion = true")  # Wide integers would become floats.
        rows = con.sql(sql)
        reader = rows.to_arrow_reader(rows_together(len(rows.columns)))
        is_in_order = len(rows.columns) <= _MOST_IN_ORDER
        self._process.send((f"INSERT INTO {qualified(table)} BY NAME FROM sent", is_in_order))
        with (
            suppress(ConnectionError),  # It has ended, and its answer says why.
            open(self._process.requests.fileno(), "wb", closefd=False) as pipe,
            pa.ipc.new_stream(pipe, reader.schema) as stream,
        ):
            for each in _batches(reader):
                stream.write_batch(each)
        count: int = self._process.receive()
        return count


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """What a query gives, with its failures as DuckDB's: Arrow raises them as an OSError."""
    try:
        yield from reader
    except OSError as error:
        raise duckdb.Error(str(error)) from error


def rows_together(columns: int) -> int:
    """Rows of so many columns that are sent in one go: whole groups, as they are written.

    Of other batches the last rows make groups of their own, which are put together at the end.
    """
    return max(1, _MOST_VALUES // columns // ROW_GROUP) * ROW_GROUP


def _serve(
    requests: Connection,
    answers: Connection,
    path: Path,
    memory_limit_gib: float,
    threads: int | None,
) -> None:
    """Answer requests: SQL, SQL that reads the rows `sent` after it, and None at the end."""
    # Who wanted it is gone; where that was before the rows, Arrow finds no schema.
    with suppress(EOFError, ConnectionError, pa.ArrowInvalid):
        try:
            _write(requests, answers, open_database(path, memory_limit_gib, threads))
            answers.send(None)
        except PortraitError as error:
            answers.send(error)
        except duckdb.Error as error:
            answers.send(WarehouseError(f"The warehouse: {error_message(error)}."))


def _write(requests: Connection, answers: Connection, opened: duckdb.DuckDBPyConnection) -> None:
    with opened as con:
        con.begin()  # A commit waits for the disk: one for all tables, not one for each.
        answers.send(None)
        while (request := requests.recv()) is not None:
            answers.send(_answer(con, request, requests))
        con.commit()
        con.execute("CHECKPOINT")


def _answer(con: duckdb.DuckDBPyConnection, request: Any, requests: Connection) -> int | None:
    if isinstance(request, str):
        con.execute(request)
        return None
    sql, is_in_order = request
    con.execute(f"SET preserve_insertion_order = {is_in_order}")
    with (
        open(requests.fileno(), "rb", closefd=False) as pipe,
        pa.ipc.open_stream(pipe) as sent,
    ):
        con.register("sent", sent)
        count: int = con.execute(sql).fetchall()[0][0]
        con.unregister("sent")
    return count
