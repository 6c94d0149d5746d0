"""Whose a warehouse file is, and of which format: a new one is marked, an older one brought up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.migrations import check_format, current_format, migrate

META_SQL = """
CREATE SCHEMA IF NOT EXISTS meta;
CREATE TABLE IF NOT EXISTS meta.source (name VARCHAR NOT NULL, format INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS meta.partitions (
    table_name VARCHAR NOT NULL, month VARCHAR NOT NULL, row_count BIGINT NOT NULL,
    run_id VARCHAR NOT NULL, made_at TIMESTAMPTZ NOT NULL, changed_at TIMESTAMPTZ NOT NULL
);
"""


def _owner(con: duckdb.DuckDBPyConnection) -> tuple[str, int] | None:
    """The source and the format that the file is marked with."""
    # A cursor of its own: to name a table that is not there aborts the transaction.
    try:
        rows = con.cursor().execute("SELECT name, format FROM meta.source").fetchall()
    except duckdb.CatalogException:
        return None
    return rows[0] if rows else None


def take_over(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    source: str,
    contracts: Sequence[Table] | None,
    read_only: bool,
) -> list[str]:
    """Mark a new file as the source's, or check an older one and bring it up to this version.

    Args:
        con: a connection to the file, within a transaction of the caller's.
        path: the file, for the sentences.
        source: the source that is worked on.
        contracts: those of this version; None where nothing may be brought up.
        read_only: whether nothing can be written.

    Returns:
        What each step of a migration was for; see `migrate`.

    Raises:
        WarehouseError: when the file is no warehouse, another source's, of a newer version, or of
            an older one that is not, or cannot be, brought up.
    """
    owner = _owner(con)
    if owner is None and not read_only:
        con.execute(META_SQL)
        con.execute("INSERT INTO meta.source VALUES (?, ?)", [source, current_format()])
        return []
    if owner is None:
        raise WarehouseError(
            f"{path.name} in {path.parent.name} is no warehouse; rebuild it with "
            f"`{command('run', '--fresh')}`."
        )
    name, found = owner
    if name != source:
        raise WarehouseError(
            f"{path.name} in {path.parent.name} belongs to the source '{name}' "
            f"and cannot take '{source}'; give each source its own folder."
        )
    check_format(path.name, found, can_migrate=contracts is not None)
    return [] if contracts is None else migrate(con, path.name, found, contracts)
