"""The small world that is tortured: a shop of two months, runs as processes, and contents by name.

A run is a process forked from one that has loaded everything already, so that most of its time is
the run itself. The parent opens no database and starts no thread.
"""

from __future__ import annotations

import contextlib
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

from rich.console import Console  # noqa: E402  (engines read their settings when loaded)

from portrait_assets.core.errors import PortraitError  # noqa: E402
from portrait_assets.core.settings import Settings  # noqa: E402
from portrait_assets.testing.worlds.shop import short_shop  # noqa: E402

FORK = multiprocessing.get_context("fork")


def _run(settings: Settings, months: str | None, fresh: bool, log: Path) -> None:
    from portrait_assets.app.cli.run import run_and_show
    from portrait_assets.orchestration.request import read_request

    with log.open("w", buffering=1) as file:
        try:
            code = run_and_show(read_request(settings, months, fresh), Console(file=file))
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


def counts_by_name(counts: Mapping[str, int]) -> str:
    """One line of names with their counts."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())
