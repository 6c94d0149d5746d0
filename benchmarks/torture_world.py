"""The small world that is tortured: a shop of two months, runs as processes, and contents by name.

A run is a process forked from one that has loaded everything already, so that most of its time is
the run itself. The parent opens no database and starts no thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ENGINES = (
    "POLARS_MAX_THREADS",
    "PORTRAIT_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
for engine in ENGINES:  # A small world has no use for more threads than one.
    os.environ.setdefault(engine, "1")

import duckdb  # noqa: E402  (the engines read their settings when they are loaded)
from rich.console import Console  # noqa: E402

from portrait_assets.core.errors import PortraitError  # noqa: E402
from portrait_assets.core.settings import Settings  # noqa: E402
from portrait_assets_tests.scenario import short_shop  # noqa: E402

FORK = multiprocessing.get_context("fork")


def sales_versions(settings: Settings) -> dict[str, bytes]:
    """Two versions of the shop's file that differ in every month, by name."""
    whole = (settings.source_dir / "sales.csv").read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines) if number == 0 or number % 3]
    return {"whole": whole, "thinned": b"".join(kept)}


def put_sales(settings: Settings, version: bytes) -> None:
    """Make the shop's file hold this version."""
    (settings.source_dir / "sales.csv").write_bytes(version)


def _run(settings: Settings, months: str | None, fresh: bool, log: Path) -> None:
    from portrait_assets.app.request import read_request
    from portrait_assets.app.run import run_portrait

    with log.open("w", buffering=1) as file:
        try:
            code = run_portrait(read_request(settings, months, fresh), Console(file=file))
        except PortraitError as error:
            file.write(str(error))
            code = 1
    sys.exit(code)


def start_run(
    settings: Settings, log: Path, months: str | None = None, fresh: bool = False
) -> BaseProcess:
    """Start `portrait run` in a process of its own; what it prints goes to `log`."""
    process = FORK.Process(target=_run, args=(settings, months, fresh, log))
    process.start()
    return process


def load_everything() -> None:
    """Load the modules that a run has loaded at its end, so that those forked later need not."""
    for name in in_child(_modules_of_a_run):
        with contextlib.suppress(ImportError):  # Some are only there while another one loads.
            importlib.import_module(name)


def _modules_of_a_run() -> list[str]:
    ended = contextlib.suppress(SystemExit)
    with tempfile.TemporaryDirectory(prefix="portrait-torture-") as folder, ended:
        _run(short_shop(Path(folder)), None, False, Path(folder) / "log")
    return list(sys.modules)


def finish_run(
    settings: Settings, log: Path, months: str | None = None, fresh: bool = False
) -> float:
    """Run to the end and give the seconds it took.

    Raises:
        RuntimeError: when it fails, with what it printed.
    """
    started = time.monotonic()
    process = start_run(settings, log, months, fresh)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"the run ended with {process.exitcode}: {log.read_text()[-2000:]}")
    return time.monotonic() - started


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives, computed in a process of its own."""
    results = FORK.SimpleQueue()

    def compute() -> None:
        try:
            results.put((True, function(*arguments)))
        except Exception as error:
            results.put((False, repr(error)))

    process = FORK.Process(target=compute)
    process.start()
    is_right, result = results.get()
    process.join()
    if not is_right:
        raise RuntimeError(result)
    return result


def digest(path: Path) -> str:
    """A digest of all contents of a published file, without what differs from run to run."""
    with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
        tables = con.execute(
            "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) "
            "FROM duckdb_columns() WHERE NOT internal "
            "AND column_name NOT IN ('run_id', 'made_at', 'published_at') GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        sums = [
            con.execute(
                "SELECT count(*), sum(hash(t)::HUGEINT)::VARCHAR "
                f"FROM (SELECT {', '.join(columns)} FROM {name}) AS t"
            ).fetchall()
            for name, columns in tables
        ]
    return hashlib.sha256(repr((tables, sums)).encode()).hexdigest()


COUNTED = ("tags.tag_table", "features.feature_matrix", "cleaned.rejects", "mart.table_rows")


def quick_look(con: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """A few numbers that every analyst may ask for; they tell the two versions apart."""
    counts = [con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in COUNTED]
    spent = con.execute("SELECT sum(rows_received) FROM raw.receipts").fetchall()[0][0]
    people = con.execute("SELECT count(*) FROM portrait").fetchall()[0][0]
    return (*counts, spent, people)


def look(path: Path) -> tuple[object, ...]:
    """`quick_look` on a file."""
    with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
        return quick_look(con)


def records_agree(settings: Settings) -> list[str]:
    """Where Dagster's records (the UI) and the published file tell different things."""
    import dagster as dg

    from portrait_assets.orchestration.instance import open_records

    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        made: dict[str, set[str]] = {}
        for name, month in con.execute("SELECT table_name, month FROM mart.table_rows").fetchall():
            made.setdefault(name, set()).add(month)
        con.execute("SELECT table_name, check_name, month, passed FROM validation.check_results")
        checks = {(name, check, month): passed for name, check, month, passed in con.fetchall()}
    wrong = []
    with open_records(settings) as instance:
        for name, months in made.items():
            key = dg.AssetKey(name.split("."))
            told = instance.get_materialized_partitions(key)
            if name != "validation.check_results" and set(told) != months:
                wrong.append(f"{name}: the UI shows {len(told)} months, {len(months)} are made")
        storage = instance.event_log_storage
        for (name, check, month), passed in checks.items():
            checked = dg.AssetCheckKey(dg.AssetKey(name.split(".")), check)
            for record in storage.get_asset_check_execution_history(checked, limit=200):
                if record.partition == month:
                    if (record.status.value == "SUCCEEDED") != passed:
                        wrong.append(f"{name} {check} {month}: the UI shows {record.status.value}")
                    break
            else:
                wrong.append(f"{name} {check} {month}: the UI shows nothing")
        open_runs = [run.run_id for run in instance.get_runs() if not run.is_finished]
        wrong += [f"run {run_id} is shown as unfinished" for run_id in open_runs]
    return wrong


def told(counts: Mapping[str, int]) -> str:
    """Counts by name as a line."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())
