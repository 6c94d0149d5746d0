"""Opening a DuckDB file with bounds on what it may use, and quoting what goes into SQL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb


def quote(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """The value, as text, in an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[object]) -> str:
    """The values as a comma-separated list of SQL string literals."""
    return ", ".join(literal(value) for value in values)


def qualified(full_name: str) -> str:
    """A `schema.table` name with both parts quoted."""
    return ".".join(quote(part) for part in full_name.split("."))


def open_database(
    path: Path, memory_limit_gib: float = 2.0, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection that may write; what does not fit the memory limit spills beside the file.

    Raises:
        duckdb.Error: when the file cannot be opened.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_gib}GiB",
        "temp_directory": str(path.with_suffix(".spill")),
        # An extension may only come from this machine, never from the network in mid-run.
        "autoinstall_known_extensions": False,
    }
    if threads is not None:
        config["threads"] = threads
    return duckdb.connect(str(path), config=config)
