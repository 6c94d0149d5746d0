"""One step by itself, with frames in place of its inputs, and databases of a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import quote, scratch_database
from portrait_assets.storage.duckdb.rows import Rows
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import (
    column_types,
    create_table_sql,
    existing_types,
)
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, Source, Step


def small_database() -> duckdb.DuckDBPyConnection:
    """A scratch database for a few rows.

    Of these any plan is as good as another, and to look for the best takes a third of the time.
    """
    con = scratch_database()
    con.execute("PRAGMA disable_optimizer")
    return con


class SmallWarehouse(Warehouse):
    """A warehouse for a few rows: one thread, any plan as in `small_database`, and no comments.

    To put them on a feature matrix takes as long as to open the file.
    """

    def __init__(self, path: Path, source: str, run_id: str) -> None:
        super().__init__(path, source, run_id, threads=1)
        self.con.execute("PRAGMA disable_optimizer")

    def write(
        self,
        table: Table,
        months: Sequence[str] | None,
        rows: Rows,
        within: Sequence[tuple[str, ...]] | None = None,
    ) -> dict[str, int]:
        """As of every warehouse."""
        name = table.full_name
        is_known = name in self._as_contract or bool(existing_types(self.con, name))
        if table.stored_as is None and not is_known:
            self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
            self.con.execute(create_table_sql(table, column_types(table)))
        return super().write(table, months, rows, within)


def run_step(
    step: Step,
    scope: Scope,
    inputs: Mapping[Source, pl.DataFrame],
    con: duckdb.DuckDBPyConnection | None = None,
) -> pl.DataFrame:
    """The step's rows, with frames for its inputs, or for the inputs of those.

    Args:
        step: the step.
        scope: the month and its population.
        inputs: a frame for each stored table and step that is not to be computed.
        con: the database of the tables without a frame; an empty one by default.
    """
    con = con or small_database()
    names = {source: f"given_{number}" for number, source in enumerate(inputs)}
    for source, name in names.items():
        con.register(name, inputs[source])
    try:
        return Engine(con, names).frame(step, scope)
    finally:
        for name in names.values():
            con.unregister(name)
