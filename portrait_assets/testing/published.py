"""Contents of published files, and whether Dagster's records agree with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import duckdb

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.instance import open_records

_DIFFER = "('run_id', 'made_at', 'changed_at', 'published_at')"
"""Columns that differ from run to run."""


def contents(
    path: Path, columns: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[tuple[object, ...]]]:
    """Every table of a DuckDB file, sorted, without the columns that differ from run to run.

    Of the tables that `columns` names, only these columns.
    """
    with duckdb.connect(str(path), read_only=True) as con:
        compared = dict(_compared(con)) | dict(columns or {})
        return {
            name: con.execute(f"SELECT {', '.join(names)} FROM {name} ORDER BY ALL").fetchall()
            for name, names in compared.items()
        }


def columns_of(path: Path, *tables: str) -> dict[str, list[str]]:
    """The names of these tables' columns, without those that differ from run to run."""
    with duckdb.connect(str(path), read_only=True) as con:
        return {name: names for name, names in _compared(con) if name in tables}


def digest(path: Path) -> str:
    """A digest of `contents`, for files too large for memory."""
    with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
        tables = _compared(con)
        sums = [
            con.execute(
                "SELECT count(*), sum(hash(t)::HUGEINT)::VARCHAR "
                f"FROM (SELECT {', '.join(columns)} FROM {name}) AS t"
            ).fetchall()
            for name, columns in tables
        ]
    return hashlib.sha256(repr((tables, sums)).encode()).hexdigest()


def _compared(con: duckdb.DuckDBPyConnection) -> list[tuple[str, list[str]]]:
    """Tables and views with the columns that are equal in two runs."""
    return con.execute(
        "SELECT concat_ws('.', schema_name, table_name) AS name, "
        "list(column_name ORDER BY column_index) FROM duckdb_columns() "
        f"WHERE NOT internal AND column_name NOT IN {_DIFFER} AND name <> 'meta.runs' "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()


COUNTED = ("tags.tag_table", "features.feature_matrix", "cleaned.rejects", "mart.table_rows")


def key_figures(con: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """A few typical queries of analysts; their results differ between the shop's two versions."""
    counts = [con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in COUNTED]
    received = con.execute("SELECT sum(rows_received) FROM raw.receipts").fetchall()[0][0]
    customers = con.execute("SELECT count(*) FROM portrait").fetchall()[0][0]
    return (*counts, received, customers)


def key_figures_of(path: Path) -> tuple[object, ...]:
    """`key_figures` of a file."""
    with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
        return key_figures(con)


def records_agree(settings: Settings) -> list[str]:
    """Where Dagster's records (the UI) and the published file differ."""
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        stored: dict[str, set[str]] = {}
        for name, month in con.execute("SELECT table_name, month FROM mart.table_rows").fetchall():
            stored.setdefault(name, set()).add(month)
        con.execute("SELECT table_name, check_name, month, passed FROM validation.check_results")
        checks = {(name, check, month): passed for name, check, month, passed in con.fetchall()}
    differences = []
    with open_records(settings) as instance:
        for name, months in stored.items():
            key = dg.AssetKey(name.split("."))
            shown = instance.get_materialized_partitions(key)
            if name != "validation.check_results" and set(shown) != months:
                differences.append(
                    f"{name}: the UI shows {len(shown)} months, {len(months)} are stored"
                )
        storage = instance.event_log_storage
        for (name, check, month), passed in checks.items():
            check_key = dg.AssetCheckKey(dg.AssetKey(name.split(".")), check)
            for record in storage.get_asset_check_execution_history(check_key, limit=200):
                if record.partition == month:
                    if (record.status.value == "SUCCEEDED") != passed:
                        differences.append(
                            f"{name} {check} {month}: the UI shows {record.status.value}"
                        )
                    break
            else:
                differences.append(f"{name} {check} {month}: the UI shows nothing")
        open_runs = [run.run_id for run in instance.get_runs() if not run.is_finished]
        differences += [f"run {run_id} is shown as unfinished" for run_id in open_runs]
    return differences
