"""One run from the command line: progress while it works, and what was made when it ends."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import dagster as dg
import duckdb
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from portrait_assets.automation import JOB, range_tags
from portrait_assets.definitions import TABLES, build_defs
from portrait_assets.errors import PortraitError, RunFailedError, WarehouseError
from portrait_assets.home import open_records
from portrait_assets.notifier import print_problem
from portrait_assets.request import Request
from portrait_assets.run_failures import (
    MACHINE_REMEDY,
    failed_checks,
    notify_failed_run,
    run_failure,
)
from portrait_assets.settings import Settings
from portrait_assets.status import print_made
from portrait_assets.validation.contract import VALIDATION_REPORT
from portrait_assets.warehouse.connection import told
from portrait_assets.warehouse.describe import asset_key
from portrait_assets.warehouse.io_manager import OnWritten
from portrait_assets.warehouse.lock import warehouse_lock
from portrait_assets.warehouse.runs import process_tag


def run_portrait(request: Request, out: Console) -> int:
    """Run the job for the months asked for and print what was made.

    When a month fails a blocking check the months before it are run on their own, for they
    look at nothing later.

    Returns:
        The exit code: 0 when all months were made.

    Raises:
        PortraitError: when the request cannot be carried out.
    """
    warnings.filterwarnings("ignore", module="dagster")
    with _machine_failures_told():
        return _run_request(request, out)


@contextmanager
def _machine_failures_told() -> Iterator[None]:
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
        raise WarehouseError(f"The warehouse: {told(error)}.") from None


def _run_request(request: Request, out: Console) -> int:
    settings = request.settings
    if request.fresh:
        _remove_warehouse(settings)
    before: list[str] = []
    with open_records(settings) as instance:
        asked = with_missing_history(instance, request, out)
        failed = _run(request, instance, asked, out)
        before = [month for month in asked if failed and month < min(failed)]
        if before:
            out.print(f"Going on with {before[0]} to {before[-1]}, which the failure leaves alone.")
            _run(request, instance, before, out)
    if not failed or before:
        print_made(settings, out)
    return 1 if failed else 0


def _remove_warehouse(settings: Settings) -> None:
    lock = settings.warehouse_dir / "warehouse.lock"
    with warehouse_lock(lock, "--fresh", settings.lock_wait_seconds):
        for suffix in (".wal", ""):
            settings.warehouse_file.with_name(settings.warehouse_file.name + suffix).unlink(
                missing_ok=True
            )


def with_missing_history(instance: dg.DagsterInstance, request: Request, out: Console) -> list[str]:
    """The months asked for, and before them those never made whole that they look back on."""
    asked = request.months
    is_new = request.fresh or not request.settings.warehouse_file.exists()
    # A month that was interrupted has its first tables: only with the last one is it made.
    made = set() if is_new else instance.get_materialized_partitions(asset_key(VALIDATION_REPORT))
    missing = [month for month in request.available if month < asked[0] and month not in made]
    if not missing:
        return asked
    out.print(f"{asked[0]} looks back on {missing[0]}, which was never made; starting there.")
    return [month for month in request.available if missing[0] <= month <= asked[-1]]


def _run(
    request: Request, instance: dg.DagsterInstance, months: Sequence[str], out: Console
) -> set[str]:
    """Run the job once; the months that failed a blocking check.

    Raises:
        PortraitError: when the run failed for any other reason.
    """
    with _progress(months, out) as on_written:
        job = build_defs(request.settings, on_written=on_written).resolve_job_def(JOB)
        run_id = str(uuid4())
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            tags={**range_tags(months), **process_tag(run_id)},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    events = result.all_events
    if not result.success:
        notify_failed_run(request.settings, instance, run_id, print_problem, events)
    failed = failed_checks(events)
    for line in dict.fromkeys(failed.values()):
        of = sorted(month for month, told in failed.items() if told == line)
        span = of[0] if len(of) == 1 else f"{of[0]} to {of[-1]}"
        out.print(f"{span}: {line}", style="red", markup=False)
    if not result.success and not failed:
        run = result.dagster_run
        raise RunFailedError(run_failure(request.settings.source, run, events).sentence)
    return set(failed)


@contextmanager
def _progress(months: Sequence[str], out: Console) -> Iterator[OnWritten]:
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} tables"),
        TimeElapsedColumn(),
        console=out,
    )
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    out.print(f"Making {span}.")
    with bar:
        task = bar.add_task("reading the source", total=TABLES)

        def on_written(table: str, rows: int) -> None:
            if not out.is_terminal:
                out.print(f"  {table}: {rows:,} rows")
            bar.update(task, advance=1, description=f"{table}: {rows:,} rows")

        yield on_written
