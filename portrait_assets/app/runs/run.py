"""A request carried out in pieces, each of them a run of Dagster's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import dagster as dg
import duckdb
from sqlalchemy.exc import SQLAlchemyError

from portrait_assets.app.runs.estimate import (
    Stage,
    check_disk,
    estimate,
    machine_memory_gib,
    memory_warning,
    size,
    stages,
)
from portrait_assets.app.runs.progress import Progress
from portrait_assets.core.errors import PortraitError, RunFailedError, WarehouseError
from portrait_assets.core.invocation import command, commands_for
from portrait_assets.core.months import span
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.orchestration.instance import open_records
from portrait_assets.orchestration.planning import MART, RAW, Plan, Run, read_plan, runs_of
from portrait_assets.orchestration.record import Record, read_record
from portrait_assets.orchestration.request import Request
from portrait_assets.orchestration.run_failures import (
    MACHINE_REMEDY,
    failed_checks,
    notify_failed_run,
    run_failure,
)
from portrait_assets.privacy.erasure import require_none_half_done
from portrait_assets.privacy.tombstones import read_tombstones
from portrait_assets.stages.raw.inputs import source_rows
from portrait_assets.storage.dagster.runs import process_tag
from portrait_assets.storage.duckdb.connection import error_message
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.publishing.file import remove_database


@dataclass(frozen=True)
class Result:
    """Whether a month failed a blocking check, and whether anything was published."""

    has_failed: bool
    is_published: bool


def run_portrait(request: Request, progress: Progress, plan: Plan | None = None) -> Result:
    """Carry out the plan of a request in pieces, each kept when it ends, and publish.

    When a month fails a blocking check the months before it are run on their own, for they
    look at nothing later.

    Args:
        request: what is asked for.
        progress: receives what the run reports while it goes on.
        plan: what `read_plan` gives for the request, where it is known.

    Raises:
        PortraitError: when the request cannot be carried out.
    """
    with commands_for(request.settings), machine_failures_in_a_sentence():
        require_none_half_done(request.settings)
        read_tombstones(request.settings)  # What they say must be known before anything is read.
        plan = plan or read_plan(request)
        progress.say(plan.sentence)
        return Result(False, False) if plan.is_empty else _run_request(request, plan, progress)


def publish_again(settings: Settings, months: list[str], progress: Progress) -> None:
    """Make the published file and the report again from the warehouse as it is.

    Raises:
        PortraitError: when that fails.
    """
    with open_records(settings) as instance:
        _Runner(settings, instance, progress).run(Run(frozenset({MART}), months))


@contextmanager
def machine_failures_in_a_sentence() -> Iterator[None]:
    """A full disk or a forbidden folder, wherever it is met first, as a sentence."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise PortraitError(f"{error.strerror or error}{where}; {MACHINE_REMEDY}.") from None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise PortraitError(f"Dagster's records: {cause}; {MACHINE_REMEDY}.") from None
    except duckdb.Error as error:
        raise WarehouseError(f"The warehouse: {error_message(error)}.") from None


def _run_request(request: Request, plan: Plan, progress: Progress) -> Result:
    settings = request.settings
    record = Record() if request.fresh else read_record(settings)
    runs, ahead = _prepare(request, plan, record, progress)
    if request.fresh:
        _remove_warehouse(settings)
    with open_records(settings) as instance:
        progress.expect(ahead)
        execute = _Runner(settings, instance, progress).run
        failed: set[str] = set()
        if runs[0].rooms == {RAW}:
            failed = execute(runs[0])
            if plan.raw != plan.months:
                # Only now is it known in which months the source's rows have changed.
                plan = read_plan(request)
                progress.say(plan.sentence)
            months = [month for month in plan.months if not failed or month < min(failed)]
            plan = replace(plan, raw=[], months=months, publish=bool(months) or not failed)
            runs, ahead = _prepare(request, plan, read_record(settings), progress)
            progress.expect(ahead)
        result = run_pieces(execute, runs, progress.say)
    return replace(result, has_failed=bool(failed) or result.has_failed)


def _prepare(
    request: Request, plan: Plan, record: Record, progress: Progress
) -> tuple[list[Run], list[Stage]]:
    """The runs that carry out a plan and their stages; tells what they should take.

    Raises:
        PortraitError: when the disk will not do.
    """
    settings = request.settings
    rows = record.source_rows(request.available, source_rows(request.source))
    runs = runs_of(plan, rows, settings.bounds.run_rows)
    ahead = stages(runs, rows, record.past)
    pieces = [run for run in runs if len(run.rooms) > 1]
    standing = settings.warehouse_file
    needed = estimate(
        sum(stage.seconds for stage in ahead),
        sum(rows.values()),
        max((sum(rows[month] for month in run.months) for run in pieces), default=0),
        standing.stat().st_size if standing.exists() else 0,
        settings.memory_limit_gib,
    )
    free = check_disk(needed, settings.warehouse_dir)
    if runs:
        progress.say(f"{needed} ({size(free)} free).")
    if warning := memory_warning(needed, machine_memory_gib()):
        progress.warn(warning)
    return runs, ahead


def _remove_warehouse(settings: Settings) -> None:
    with warehouse_lock(settings.lock_file, "--fresh", settings.lock_wait_seconds):
        remove_database(settings.warehouse_file)


def run_pieces(
    execute: Callable[[Run], set[str]], runs: Sequence[Run], say: Callable[[str], None]
) -> Result:
    """Carry out runs in turn up to the first month that fails, and publish what is complete.

    Args:
        execute: carries out one run and gives the months that failed a blocking check.
        runs: what `runs_of` gives.
        say: called when a part of a piece is run again.
    """
    done: list[str] = []
    failed: set[str] = set()
    is_published = False
    for run in runs:
        if run.rooms == {MART}:
            is_published = bool(done) or not failed
            if is_published:
                execute(replace(run, months=done or run.months))
        elif not failed:
            failed = execute(run)
            complete = [month for month in run.months if not failed or month < min(failed)]
            if failed and complete:
                say(f"Going on with {span(complete)}, which the failure leaves alone.")
                execute(replace(run, months=complete))
            done += complete
            is_published = MART in run.rooms and bool(complete)
    return Result(bool(failed), is_published)


class _Runner:
    """Runs stages of the job for some months, as a Dagster run each."""

    def __init__(
        self, settings: Settings, instance: dg.DagsterInstance, progress: Progress
    ) -> None:
        self.settings = settings
        self.instance = instance
        self.progress = progress
        self.job = build_defs(settings, on_written=progress.on_written).resolve_job_def(JOB)

    def run(self, run: Run) -> set[str]:
        """Run these stages of these months once; the months that failed a blocking check.

        Raises:
            PortraitError: when the run failed for any other reason.
        """
        months = run.months
        keys = [key for key in self.job.asset_layer.selected_asset_keys if key.path[0] in run.rooms]
        self.progress.start(months, Counter(key.path[0] for key in keys))
        run_id = str(uuid4())
        result = self.job.execute_in_process(
            instance=self.instance,
            run_id=run_id,
            tags={**range_tags(months), **process_tag(run_id)},
            asset_selection=keys,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        events = result.all_events
        if not result.success:
            notify_failed_run(self.settings, self.instance, run_id, self.progress.problem, events)
        failed = failed_checks(events)
        for line in dict.fromkeys(failed.values()):
            of = sorted(month for month, found in failed.items() if found == line)
            self.progress.fail(f"{span(of)}: {line}")
        if not result.success and not failed:
            run_of = result.dagster_run
            raise RunFailedError(run_failure(self.settings.source, run_of, events).sentence)
        if failed:
            again = command("run")
            self.progress.say(f"When that is put right, `{again}` goes on at {min(failed)}.")
        if MART in run.rooms and not failed:
            self.progress.end(MART)
        return set(failed)
