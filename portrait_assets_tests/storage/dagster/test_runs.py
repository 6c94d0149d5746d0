"""A run whose process died is marked as failed; one that lives is left alone."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from uuid import uuid4

import dagster as dg
import pytest

from portrait_assets.storage.dagster.runs import (
    PROCESS_TAG,
    fail_abandoned_runs,
    mark_run,
    process_tag,
)
from portrait_assets.testing.worlds.shop import run_of

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def started_run(
    instance: dg.DagsterInstance,
    process: str | None,
    status: dg.DagsterRunStatus = STARTED,
    of_run: str | None = None,
) -> str:
    """The id of a run whose tag names a process, written for this run or for `of_run`."""
    run_id = str(uuid4())
    tags = {PROCESS_TAG: f"{of_run or run_id}:{process}"} if process else {}
    run = dg.DagsterRun(job_name="portrait", run_id=run_id, status=status, tags=tags)
    return instance.add_run(run).run_id


def this_process() -> str:
    return process_tag("run")[PROCESS_TAG].removeprefix("run:")


@cache
def dead_process() -> str:
    """A process that is over; one serves all tests, as Dagster takes a second to import."""
    script = (
        "from portrait_assets.storage.dagster.runs import *; print(process_tag('run')[PROCESS_TAG])"
    )
    tag = subprocess.check_output([sys.executable, "-c", script], text=True)
    return tag.strip().removeprefix("run:")


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus[n] for n in ("NOT_STARTED", "STARTING", "STARTED", "CANCELING")]
)
def test_a_run_whose_process_is_gone_is_marked_failed_wherever_it_was_killed(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
):
    run_id = started_run(instance, dead_process(), status)
    assert fail_abandoned_runs(instance) == [run_id]
    assert run_of(instance, run_id).status is dg.DagsterRunStatus.FAILURE


def test_a_process_that_was_given_the_number_of_a_dead_one_is_another(
    instance: dg.DagsterInstance,
):
    host, number, _ = this_process().split(":")
    run_id = started_run(instance, f"{host}:{number}:earlier")
    assert fail_abandoned_runs(instance) == [run_id]


def test_processes_are_distinguished_by_when_they_started():
    later, own = (int(process.rpartition(":")[2]) for process in (dead_process(), this_process()))
    assert later > own > 0


def test_runs_that_live_or_are_elsewhere_are_left_alone(instance: dg.DagsterInstance):
    alive = started_run(instance, this_process())
    unknown = started_run(instance, None)
    elsewhere = started_run(instance, "another-host:1:1")
    repeated = started_run(instance, dead_process(), of_run="the one that it repeats")
    assert fail_abandoned_runs(instance) == []
    for run_id in (alive, unknown, elsewhere, repeated):
        assert run_of(instance, run_id).status is STARTED


def test_a_run_that_others_created_is_given_the_process_that_carries_it_out(
    instance: dg.DagsterInstance,
):
    of_the_ui = started_run(instance, None)
    repeated = started_run(instance, dead_process(), of_run="the one that it repeats")
    marked = started_run(instance, "another-host:1:1")
    for run_id in (of_the_ui, repeated, marked, "no run"):
        mark_run(instance, run_id)
    for run_id in (of_the_ui, repeated):
        assert run_of(instance, run_id).tags == process_tag(run_id)
    assert "another-host" in run_of(instance, marked).tags[PROCESS_TAG]
