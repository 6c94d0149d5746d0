"""Runs whose process died while it held the warehouse: still 'started' to Dagster, so told off."""

from __future__ import annotations

import os
import socket

import dagster as dg

HOLDER_TAG = "portrait/holder"


def _holder(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}"


def _is_alive(holder: str) -> bool:
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname():
        return True  # Another machine's process cannot be seen from here.
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def mark_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note on the run which process holds the warehouse for it."""
    if instance.get_run_by_id(run_id) is not None:
        instance.add_run_tags(run_id, {HOLDER_TAG: _holder(os.getpid())})


def fail_abandoned_runs(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Mark as failed the runs that held the warehouse and whose process is gone.

    To be called with the lock held: a run that only waits for it carries no tag yet.

    Returns:
        The ids of the runs marked.
    """
    unfinished = instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    )
    abandoned = [
        run
        for run in unfinished
        if run.run_id != run_id
        and HOLDER_TAG in run.tags
        and (not _is_alive(run.tags[HOLDER_TAG]) or run.tags[HOLDER_TAG] == _holder(os.getpid()))
    ]
    for run in abandoned:
        instance.report_run_failed(run, "The process that held the warehouse for this run is gone.")
    return [run.run_id for run in abandoned]
