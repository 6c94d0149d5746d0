"""A run whose process died is told off as failed; one that lives is left alone."""

from __future__ import annotations

import os
import subprocess
import sys

import dagster as dg
import pytest

from portrait_assets.warehouse.runs import HOLDER_TAG, _holder, fail_abandoned_runs

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def started_run(instance: dg.DagsterInstance, holder: str | None) -> str:
    tags = {HOLDER_TAG: holder} if holder else {}
    run = dg.DagsterRun(job_name="portrait", status=STARTED, tags=tags)
    return instance.add_run(run).run_id


def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def test_a_run_whose_process_is_gone_is_marked_failed(instance: dg.DagsterInstance):
    run_id = started_run(instance, _holder(dead_process()))
    assert fail_abandoned_runs(instance, "mine") == [run_id]
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE


def test_runs_that_live_wait_or_are_elsewhere_are_left_alone(instance: dg.DagsterInstance):
    alive = started_run(instance, _holder(os.getppid()))
    waiting = started_run(instance, None)
    elsewhere = started_run(instance, "another-host:1")
    assert fail_abandoned_runs(instance, "mine") == []
    for run_id in (alive, waiting, elsewhere):
        assert instance.get_run_by_id(run_id).status is STARTED


def test_the_run_that_asks_is_left_alone(instance: dg.DagsterInstance):
    mine = started_run(instance, _holder(os.getpid()))
    assert fail_abandoned_runs(instance, mine) == []
