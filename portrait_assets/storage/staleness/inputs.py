"""What a run read: digests of the source's files and definitions, kept by run in the warehouse.

Every row of `meta.partitions` names the run that wrote it, so that the inputs of each month of
each table are known without further notes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import duckdb

RUNS_SQL = (
    "CREATE TABLE IF NOT EXISTS meta.runs "
    "(run_id VARCHAR NOT NULL, files VARCHAR NOT NULL, definitions VARCHAR NOT NULL, "
    "upstream VARCHAR NOT NULL, started_at TIMESTAMPTZ NOT NULL)"
)


@dataclass(frozen=True)
class Inputs:
    """Digests of a source's data files, and of its definitions with the code that reads them."""

    files: str
    definitions: str

    @property
    def version(self) -> str:
        """One digest of both."""
        return sha256(f"{self.files} {self.definitions}".encode()).hexdigest()


def record_inputs(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    inputs: Inputs,
    upstream: Mapping[str, Sequence[str]],
) -> None:
    """Note the inputs of a run before it reads anything; runs that left no rows are dropped.

    Args:
        con: the open warehouse.
        run_id: the run.
        inputs: digests taken before the run reads the files.
        upstream: by table, in the order of the flow, the tables that it is made from.
    """
    con.execute(RUNS_SQL)
    con.execute("DELETE FROM meta.runs WHERE run_id NOT IN (SELECT run_id FROM meta.partitions)")
    con.execute(
        "INSERT INTO meta.runs VALUES (?, ?, ?, ?, now())",
        [run_id, inputs.files, inputs.definitions, json.dumps(upstream)],
    )
