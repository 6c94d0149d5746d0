"""One run from the command line: progress while it works, and what was made when it ends."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import dagster as dg
import duckdb
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from portrait_assets.automation import JOB, range_tags
from portrait_assets.definitions import build_defs
from portrait_assets.errors import PortraitError, WarehouseError
from portrait_assets.estimate import MART, RAW, ROOMS, source_rows
from portrait_assets.home import open_records
from portrait_assets.months import month_batches
from portrait_assets.planning import Plan, read_plan, read_record
from portrait_assets.progress import RunProgress, shown_progress
from portrait_assets.request import Request
from portrait_assets.settings import Settings
from portrait_assets.status import print_made
from portrait_assets.warehouse.connection import told, with_remedy
from portrait_assets.warehouse.lock import warehouse_lock
from portrait_assets.warehouse.runs import process_tag

_MACHINE_REMEDY = (
    "free room on the disk or allow the folder to be written to, and run again; "
    "what was published stands as it was"
)


def run_portrait(request: Request, out: Console, plan: Plan | None = None) -> int:
    """Carry out the plan of a request in pieces, each kept when it ends, and publish.

    When a month fails a blocking check the months before it are run on their own, for they
    look at nothing later.

    Args:
        request: what is asked for.
        out: where progress and results are printed.
        plan: what `read_plan` gives for the request, where it is known.

    Returns:
        The exit code: 0 when all months were made.

    Raises:
        PortraitError: when the request cannot be carried out.
    """
    warnings.filterwarnings("ignore", module="dagster")
    with _machine_failures_told():
        plan = plan or read_plan(request)
        out.print(plan.sentence)
        return 0 if plan.is_empty else _run_request(request, plan, out)


@contextmanager
def _machine_failures_told() -> Iterator[None]:
    """A full disk or a forbidden folder, wherever it is met first, as a sentence."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise PortraitError(f"{error.strerror or error}{where}; {_MACHINE_REMEDY}.") from None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise PortraitError(f"Dagster's records: {cause}; {_MACHINE_REMEDY}.") from None
    except duckdb.Error as error:
        raise WarehouseError(f"The warehouse: {told(error)}.") from None


def _run_request(request: Request, plan: Plan, out: Console) -> int:
    settings = request.settings
    if request.fresh:
        _remove_warehouse(settings)
    with open_records(settings) as instance, shown_progress(out) as progress:
        runner = _Runner(settings, instance, progress, out)
        result = _carry_out(request, plan, runner)
    if result.is_published:
        print_made(settings, out)
    return 1 if result.has_failed else 0


def _remove_warehouse(settings: Settings) -> None:
    lock = settings.warehouse_dir / "warehouse.lock"
    with warehouse_lock(lock, "--fresh", settings.lock_wait_seconds):
        for suffix in (".wal", ""):
            settings.warehouse_file.with_name(settings.warehouse_file.name + suffix).unlink(
                missing_ok=True
            )


@dataclass(frozen=True)
class _Result:
    """Whether a month failed a blocking check, and whether anything was published."""

    has_failed: bool
    is_published: bool


def _carry_out(request: Request, plan: Plan, runner: _Runner) -> _Result:
    """Read the source, run the months in pieces, and publish when the last one is complete.

    A source that makes one piece, all of whose months are run, is read in the same run.
    """
    most = request.settings.bounds.run_rows
    share = len(plan.months) / len(request.available)
    if plan.raw == plan.months and source_rows(request.source) * share <= most:
        return _run_pieces(runner, set(ROOMS), [plan.months])
    failed = runner.run({RAW}, plan.raw) if plan.raw else set()
    if plan.raw != plan.months:
        # Only now is it known in which months the source's rows have changed.
        plan = read_plan(request)
    record = read_record(request.settings)
    months = [month for month in plan.months if not failed or month < min(failed)]
    pieces = list(month_batches(months, record.raw_rows(), most))
    if pieces:
        result = _run_pieces(runner, set(ROOMS) - {RAW}, pieces)
        return replace(result, has_failed=result.has_failed or bool(failed))
    if failed:
        return _Result(has_failed=True, is_published=False)
    if plan.publish:
        runner.run({MART}, [month for month in request.available if month in record.months])
    return _Result(has_failed=False, is_published=plan.publish)


def _run_pieces(runner: _Runner, rooms: Set[str], pieces: Sequence[list[str]]) -> _Result:
    """Run the pieces in turn up to the first month that fails, and publish what is complete."""
    with_mart = rooms if len(pieces) == 1 else rooms - {MART}
    done: list[str] = []
    failed: set[str] = set()
    for piece in pieces:
        failed = runner.run(with_mart, piece)
        complete = [month for month in piece if not failed or month < min(failed)]
        if failed and complete:
            runner.out.print(
                f"Going on with {complete[0]} to {complete[-1]}, which the failure leaves alone."
            )
            runner.run(with_mart, complete)
        done += complete
        if failed:
            break
    if done and len(pieces) > 1:
        runner.run({MART}, done)
    return _Result(bool(failed), bool(done))


class _Runner:
    """Runs stages of the job for some months, as a Dagster run each."""

    def __init__(
        self,
        settings: Settings,
        instance: dg.DagsterInstance,
        progress: RunProgress,
        out: Console,
    ) -> None:
        self.instance = instance
        self.progress = progress
        self.out = out
        self.job = build_defs(settings, on_written=progress.on_written).resolve_job_def(JOB)

    def run(self, rooms: Set[str], months: Sequence[str]) -> set[str]:
        """Run these stages once; the months that failed a blocking check.

        Raises:
            PortraitError: when the run failed for any other reason.
        """
        keys = [key for key in self.job.asset_layer.selected_asset_keys if key.path[0] in rooms]
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
        failed = _failed_checks(result)
        for line in dict.fromkeys(failed.values()):
            of = sorted(month for month, told in failed.items() if told == line)
            span = of[0] if len(of) == 1 else f"{of[0]} to {of[-1]}"
            self.out.print(f"{span}: {line}", style="red", markup=False)
        if not result.success and not failed:
            raise PortraitError(_reason(result))
        if MART in rooms and not failed:
            self.progress.end(MART)
        return set(failed)


def _failed_checks(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """By month, a line on the first blocking check that it failed."""
    failed: dict[str, str] = {}
    for evaluation in result.get_asset_check_evaluations():
        stops = evaluation.blocking and evaluation.severity is dg.AssetCheckSeverity.ERROR
        if stops and not evaluation.passed and evaluation.partition not in failed:
            table = ".".join(evaluation.asset_key.path)
            failed[str(evaluation.partition)] = (
                f"{table} failed the check '{evaluation.check_name}': {evaluation.description}"
            )
    return failed


def _reason(result: dg.ExecuteInProcessResult) -> str:
    """The innermost cause of the first failure, in a sentence."""
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        if error is None:
            continue
        while error.cause is not None:
            error = error.cause
        line = str(error.message).strip().splitlines()[0]
        line = line.split(": ", 1)[1] if "Error: " in line else line
        return with_remedy(error.cls_name or "", line)
    return f"The run {result.run_id} failed; `make ui` shows its log."
