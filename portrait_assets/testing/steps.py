"""One step by itself: frames in place of what it reads."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, Source, Step


def run_step(
    step: Step,
    scope: Scope,
    inputs: Mapping[Source, pl.DataFrame],
    con: duckdb.DuckDBPyConnection | None = None,
) -> pl.DataFrame:
    """The step's rows, with frames for what it reads, or for what that is computed from.

    Args:
        step: the step.
        scope: the month, and whom of its customers.
        inputs: a frame for each stored table and step that is not to be computed.
        con: where the tables are that no frame is given for; an empty database by default.
    """
    con = con or duckdb.connect()
    names = {source: f"given_{number}" for number, source in enumerate(inputs)}
    for source, name in names.items():
        con.register(name, inputs[source])
    try:
        return Engine(con, names).frame(step, scope)
    finally:
        for name in names.values():
            con.unregister(name)
