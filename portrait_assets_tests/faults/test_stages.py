"""A machine that fails, or a person who stops a run, at each stage: nothing is half-written."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.orchestration.instance import open_records
from portrait_assets.orchestration.run_failures import run_failure
from portrait_assets.stages.mart import assets as mart
from portrait_assets.stages.tags import assets as tags
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import QUIET, run
from portrait_assets_tests.faults.command import (
    fails_in_a_sentence,
    portrait,
    started,
)
from portrait_assets_tests.faults.conftest import MONTHS

pytestmark = pytest.mark.slow
RUN = ("run", "--months", "2024-01..2024-02")
# The table whose write must fail, and the table written just before it.
LAST_WRITTEN = {
    "raw.campaigns": "raw.balances",
    "cleaned.consents": "cleaned.customers",
    "features.customer_month": "features.product_month",
    "clusters.cluster_candidates": "clusters.cluster_model",
    "validation.migration": "validation.drift",
}
# The steps that write all their output at once, and the function that does so.
AT_ONCE = {"tags": (tags, "materialize_months"), "mart.portrait_file": (mart, "publish")}


@contextmanager
def room_that_ends() -> Iterator[Callable[[], None]]:
    """What ends the room for files of this process, until the end of the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def failed_run(settings: Settings, on_written: Callable[[str, int], None]) -> str:
    """The sentence of a run of the newest month, which must fail."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs(settings, on_written)
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=instance,
                tags=range_tags(MONTHS[1:]),
                run_config=QUIET,
                raise_on_error=False,
            )
        )
    assert not result.success
    return run_failure(settings.source, result.dagster_run, result.all_events).sentence


def test_a_full_disk_at_any_stage_is_reported_with_table_and_month_and_harms_nothing(
    materialized: Settings, monkeypatch: pytest.MonkeyPatch
):
    published, stored = contents(materialized.portrait_file), contents(materialized.warehouse_file)

    def nothing_is_harmed() -> None:
        assert contents(materialized.portrait_file) == published
        assert contents(materialized.warehouse_file) == stored
        assert not list(materialized.warehouse_dir.glob(".portrait*"))

    for table, last in LAST_WRITTEN.items():
        with room_that_ends() as end_room:

            def on_written(name: str, _: int, last: str = last, end: Callable[[], None] = end_room):
                if name == last:
                    end()

            sentence = failed_run(materialized, on_written)
        assert re.match(rf"{table} of 2024-02: .*[Tt]oo large.*; free room on the disk", sentence)
        nothing_is_harmed()
    for step, (module, function) in AT_ONCE.items():
        write = getattr(module, function)
        with room_that_ends() as end_room, monkeypatch.context() as patched:

            def without_room(
                *of: Any, end: Callable[[], None] = end_room, into: Any = write, **named: Any
            ) -> Any:
                end()
                return into(*of, **named)

            patched.setattr(module, function, without_room)
            sentence = failed_run(materialized, lambda name, rows: None)
        assert re.match(rf"{step} of 2024-02: .*[Tt]oo large.*; free room on the disk", sentence)
        nothing_is_harmed()
    assert run(materialized, MONTHS[1:]).success
    nothing_is_harmed()


def test_a_memory_limit_below_what_a_month_needs_is_reported_with_the_remedy(
    materialized: Settings,
):
    before = contents(materialized.portrait_file)
    ran = portrait(*RUN, data=materialized.data_dir, PORTRAIT_MEMORY_LIMIT_GIB="0.006")
    fails_in_a_sentence(ran, r"^\w+\.\w+ of 2024-01 to 2024-02: Out of .*raise PORTRAIT_MEMORY")
    assert contents(materialized.portrait_file) == before


def test_a_run_that_a_signal_stops_ends_in_a_sentence_and_the_next_goes_well(
    materialized: Settings,
):
    before = contents(materialized.portrait_file)
    for number, last_seen in ((signal.SIGINT, "cleaned:"), (signal.SIGTERM, "raw:")):
        with started(last_seen, *RUN, data=materialized.data_dir) as process:
            process.send_signal(number)
            out, err = process.communicate()
        ran = subprocess.CompletedProcess([], process.returncode, out, err)
        fails_in_a_sentence(ran, "of 2024-01 to 2024-02: stopped by a signal; .* run --m")
        assert ran.returncode == 128 + number
        assert contents(materialized.portrait_file) == before
    with open_records(materialized) as instance:
        statuses = {each.status for each in instance.get_runs()}
    assert statuses == {dg.DagsterRunStatus.FAILURE}
    assert portrait(*RUN, data=materialized.data_dir).returncode == 0
    assert contents(materialized.portrait_file) == before
