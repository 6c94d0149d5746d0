"""Runs asked for at once in the UI, by the sensor and on the command line: they take turns.

Run `python -m benchmarks.torture_together [port]`. The UI is started as a user does; a run of all
months is launched over its GraphQL, the sensor on the source's files is turned on, and two command
lines run, one over the same months and one over another.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.torture_world import finish_run, in_child, load_everything
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.testing.published import digest, records_agree
from portrait_assets.testing.worlds.shop import clean_environment, short_shop

PORTRAIT = [sys.executable, "-m", "portrait_assets"]
MONTHS = ("2024-01", "2024-02")
REPOSITORY = {
    "repositoryLocationName": "portrait_assets.definitions",
    "repositoryName": "__repository__",
}
LAUNCH = """mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) {
    __typename ... on PythonError { message } } }"""
WATCH = """mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) {
    __typename ... on PythonError { message } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
PATIENCE_SECONDS = 900
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
Run = dict[str, Any]


def ask(port: int, query: str, **variables: Any) -> dict[str, Any]:
    """What the UI's GraphQL answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)["data"]
    return found


def wait_for_ui(port: int) -> None:
    """Return when the UI has loaded the definitions."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    while time.monotonic() < give_up:
        try:
            if ask(port, query)["repositoriesOrError"].get("nodes"):
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(1)
    raise TimeoutError("the UI did not come up")


def of_sensor(runs: list[Run]) -> list[Run]:
    """The runs that the sensor asked for."""
    return [run for run in runs if any(t["key"] == "dagster/sensor_name" for t in run["tags"])]


def wait_for(port: int, happened: Callable[[list[Run]], bool]) -> list[Run]:
    """The runs, as soon as this can be said of them.

    Raises:
        TimeoutError: when it never can.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        runs: list[Run] = ask(port, RUNS)["runsOrError"]["results"]
        if happened(runs):
            return runs
        time.sleep(2)
    raise TimeoutError(f"the runs stay as they are: {[run['status'] for run in runs]}")


def together(settings: Settings, port: int) -> list[str]:
    """Start the runs all at once and wait for them; what went wrong."""
    environment = clean_environment() | {
        "PORTRAIT_DATA_DIR": str(settings.data_dir),
        "PORTRAIT_SOURCE": settings.source,
    }
    ui = subprocess.Popen(
        [*PORTRAIT, "ui", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_ui(port)
        tags = [{"key": key, "value": value} for key, value in range_tags(MONTHS).items()]
        launch = {
            "selector": {**REPOSITORY, "jobName": JOB},
            "executionMetadata": {"tags": tags},
            "runConfigData": {},
        }
        watching = ask(port, WATCH, s={**REPOSITORY, "sensorName": "source_files"})
        wait_for(port, lambda runs: bool(of_sensor(runs)))
        launched = ask(port, LAUNCH, p=launch)
        print(watching, launched, flush=True)
        lines = [
            subprocess.Popen(
                [*PORTRAIT, "run", "--months", months],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for months in ("..".join(MONTHS), MONTHS[0])
        ]
        printed = [line.communicate()[0] for line in lines]
        codes = [line.returncode for line in lines]
        faults = [
            f"a command line: {text[-300:]}"
            for text, code in zip(printed, codes, strict=True)
            if code
        ]
        runs = wait_for(port, lambda runs: all(run["status"] in ENDED for run in runs))
        statuses = [run["status"] for run in runs]
        print(f"{len(runs)} runs, {len(of_sensor(runs))} of the sensor: {', '.join(statuses)}")
        if set(statuses) != {"SUCCESS"}:
            faults.append(f"not all runs succeeded: {statuses}")
        return faults
    finally:
        os.killpg(ui.pid, signal.SIGTERM)
        ui.wait()


def torture(port: int) -> int:
    """Print what was found; the number of faults."""
    load_everything()
    with tempfile.TemporaryDirectory(prefix="portrait-torture-") as folder:
        alone = short_shop(Path(folder) / "alone")
        finish_run(alone, Path(folder) / "log")
        settings = short_shop(Path(folder) / "together")
        faults = together(settings, port)
        if in_child(digest, settings.portrait_file) != in_child(digest, alone.portrait_file):
            faults.append("the contents differ from those of one run")
        faults += in_child(records_agree, settings)
    print(f"UI, sensor and command line at once: {len(faults)} faults")
    for fault in faults[:20]:
        print(f"FAULT {fault}")
    return len(faults)


if __name__ == "__main__":
    raise SystemExit(1 if torture(int(sys.argv[1]) if len(sys.argv) > 1 else 3457) else 0)
