"""The warehouse for what works in it beside runs, which then do not: its lock and a connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import open_database, require_file
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.store import Warehouse


@contextmanager
def exclusive_reader(settings: Settings, reader: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that only reads the warehouse; it waits for no run, and runs wait for it.

    Args:
        settings: which warehouse.
        reader: which the message of a run that waits names.

    Raises:
        WarehouseBusyError: when a run holds the warehouse.
        WarehouseError: when there is none, or it cannot be opened.
    """
    # The lock would leave a folder where no run has been.
    require_file(settings.warehouse_file)
    with (
        warehouse_lock(settings.lock_file, reader, 0),
        open_database(
            settings.warehouse_file, settings.memory_limit_gib, settings.threads, read_only=True
        ) as con,
    ):
        yield con


@contextmanager
def exclusive_writer(
    settings: Settings, writer: str, contracts: Sequence[Table]
) -> Iterator[Warehouse]:
    """The warehouse, brought up to the contracts of this version.

    Args:
        settings: which warehouse, and how long to wait for a run that holds it.
        writer: whom the message of a run that waits names.
        contracts: of its tables.

    Raises:
        WarehouseBusyError: when a run holds the warehouse for longer than the wait.
        WarehouseError: when there is none, or it cannot be opened or brought up.
    """
    require_file(settings.warehouse_file)
    with warehouse_lock(settings.lock_file, writer, settings.lock_wait_seconds):
        warehouse = Warehouse(
            settings.warehouse_file,
            settings.source,
            writer,
            settings.memory_limit_gib,
            settings.threads,
            bounds=settings.bounds,
            contracts=contracts,
        )
        try:
            yield warehouse
        finally:
            warehouse.close()
