"""One step by itself, with frames in place of its inputs, and databases of a few rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, Source, Step


def small_database() -> duckdb.DuckDBPyConnection:
    """A scratch database for a few rows.

    Of these any plan is as good as another, and to look for the best takes a third of the time.
    """
    con = scratch_database()
    con.execute("PRAGMA disable_optimizer")
    return con


def small_warehouse(path: Path, source: str, run_id: str) -> Warehouse:
    """A warehouse for a few rows: one thread, and any plan, as in `small_database`."""
    warehouse = Warehouse(path, source, run_id, threads=1)
    warehouse.con.execute("PRAGMA disable_optimizer")
    return warehouse


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
