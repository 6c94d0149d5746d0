"""Statements on several tables of a database at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from time import sleep

import duckdb

from portrait_assets.storage.duckdb.connection import without_bar

LANES = 2
"""Of a table that is written, a processor waits while the rows of a group are compressed."""
_PAUSE_SECONDS = 0.05


def in_lanes(con: duckdb.DuckDBPyConnection, work: Sequence[Sequence[str]]) -> None:
    """Execute lists of statements, the statements of each in their order, some lists at a time.

    Each list has a connection of its own, which has no temporary tables, and writes what no other
    list reads or writes.

    Raises:
        duckdb.Error: when a statement fails; those of other lists are interrupted.
    """
    cursors = [without_bar(con.cursor()) for _ in work]
    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(_execute, *each) for each in zip(cursors, work, strict=True)]
        try:
            for lane in as_completed(lanes):
                lane.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while any(lane.running() for lane in lanes):
                for cursor in cursors:
                    cursor.interrupt()  # It does nothing between two statements.
                sleep(_PAUSE_SECONDS)
            raise
        finally:
            pool.shutdown()
            for cursor in cursors:
                cursor.close()


def _execute(con: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
    for statement in statements:
        con.execute(statement)
