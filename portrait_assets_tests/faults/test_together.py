"""Two runs at once on one warehouse: they take turns, or the second says who holds it."""

from __future__ import annotations

import subprocess

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.testing.published import contents
from portrait_assets_tests.faults.command import (
    PORTRAIT,
    environment_of,
    fails_in_a_sentence,
    portrait,
)

pytestmark = pytest.mark.slow


def start(settings: Settings, *arguments: str, wait_seconds: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PORTRAIT, "run", *arguments],
        env=environment_of(settings.data_dir) | {"PORTRAIT_LOCK_WAIT_SECONDS": str(wait_seconds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "months",
    [("2024-01", "2024-02"), pytest.param(("2024-02", "2024-02"), marks=pytest.mark.long)],
)
def test_two_runs_take_turns(materialized: Settings, months: tuple[str, str]):
    before = contents(materialized.portrait_file)
    runs = [start(materialized, "--months", month, wait_seconds=600) for month in months]
    outputs = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert contents(materialized.portrait_file) == before
    assert portrait("doctor", data=materialized.data_dir).returncode == 0


def test_the_second_run_says_who_holds_the_warehouse(materialized: Settings):
    first = start(materialized, "--months", "2024-01..2024-02", wait_seconds=600)
    assert first.stdout is not None
    while "raw:" not in first.stdout.readline():
        assert first.poll() is None
    second = portrait("run", data=materialized.data_dir, PORTRAIT_LOCK_WAIT_SECONDS="0")
    fails_in_a_sentence(second, rf"is held by run .* \(process {first.pid}, since .*try again when")
    first.communicate()
    assert first.returncode == 0
