"""Abandoned runs: Dagster lists them as unfinished, and the next run to start marks them failed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dagster as dg

PROCESS_TAG = "portrait/process"
UNFINISHED = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def process_tag(run_id: str) -> dict[str, str]:
    """The tag that names the process of a run: host, number and when that one started.

    To be given to a run when it is created, so that at no moment there is one without. It names
    the run, for Dagster gives the tags of a run to one that repeats it.
    """
    process = f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"
    return {PROCESS_TAG: f"{run_id}:{process}"}


def mark_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Give the tag to a run that others created, such as the UI's."""
    run = instance.get_run_by_id(run_id)
    if run is not None and _process(run) is None:
        instance.add_run_tags(run_id, process_tag(run_id))


def fail_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed the unfinished runs whose process is gone.

    Returns:
        The ids of the runs marked.
    """
    abandoned = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED)))
        if (process := _process(run)) is not None and not _is_alive(process)
    ]
    for run in abandoned:
        instance.report_run_failed(run, "The process of this run is gone.")
    return [run.run_id for run in abandoned]


def _process(run: dg.DagsterRun) -> str | None:
    of_run, _, process = run.tags.get(PROCESS_TAG, "").partition(":")
    return process if of_run == run.run_id else None


def _is_alive(process: str) -> bool:
    host, number, started = process.rsplit(":", 2)
    if host != socket.gethostname():
        return True  # Another machine's process cannot be seen from here.
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # Numbers are given again: it is another process when it started at another time.
    return _started(int(number)) == started


def _started(number: int) -> str:
    """When a process started, in the kernel's ticks since boot; empty where unknown."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
