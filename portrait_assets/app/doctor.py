"""`portrait doctor`: whether a warehouse is whole, and what to do about what is not."""

from __future__ import annotations

from collections.abc import Iterator

from portrait_assets.app.examined.issue import Examination, Issue, run_again
from portrait_assets.app.examined.people import erased, too_old
from portrait_assets.app.examined.published import published, register
from portrait_assets.app.examined.warehouse import (
    balances,
    bookkeeping,
    contracts,
    orphans,
    unfinished,
)
from portrait_assets.core.invocation import commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of, upstream_tables
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import Request
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.checks import CONTRACT, TableCheck
from portrait_assets.storage.dagster.room import Context, Room
from portrait_assets.storage.duckdb.connection import require_file
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.store import Warehouse


def examine(settings: Settings, rooms: tuple[Room, ...] = ROOMS) -> list[Issue]:
    """What is wrong with the warehouse, worst first; nothing is changed.

    Raises:
        WarehouseError: when there is none, it cannot be opened, or a run holds it.
        SourceError: when the source, whose contracts it must keep, cannot be used.
    """
    with commands_for(settings):
        return _examined(context_of(settings, rooms))


def _examined(context: Context) -> list[Issue]:
    settings, source = context.settings, context.folder.read(load_source)
    tables = [*context.tables, CHECK_RESULTS]
    # The lock would leave a folder where no run has been.
    require_file(settings.warehouse_file)
    with warehouse_lock(settings.lock_file, "portrait doctor", 0):
        warehouse = Warehouse(
            settings.warehouse_file,
            settings.source,
            "portrait doctor",
            settings.memory_limit_gib,
            settings.threads,
            read_only=True,
            bounds=settings.bounds,
        )
        try:
            exam = Examination(
                settings,
                source,
                warehouse,
                tables,
                _blocking_checks(context),
                upstream_tables(context),
            )
            broken = list(contracts(exam))
            # Counting in a table that is not what its contract says would only confuse.
            found = broken or [*bookkeeping(exam), *balances(exam)]
            found += [*orphans(exam), *unfinished(exam), *published(exam), *register(settings)]
            found += [*erased(exam), *too_old(exam)]
            months = [m for m in source.months() if m in exam.materialized(FEATURE_MATRIX)]
        finally:
            warehouse.close()
    return found or list(_outdated(settings, source, months))


def _blocking_checks(context: Context) -> list[tuple[Table, TableCheck]]:
    """What stops a run where it fails, to be checked again on what is stored now."""
    own = [(table, check) for table, checks in context.checks.items() for check in checks]
    every = [(table, CONTRACT) for table in context.tables]
    return [*every, *((table, check) for table, check in own if check.blocking)]


def _outdated(settings: Settings, source: Source, months: list[str]) -> Iterator[Issue]:
    """What has changed in the source since these months were materialized.

    That others were never asked for is no issue; `portrait status` tells of it.
    """
    plan = read_plan(Request(settings, source, None, months, fresh=False), wait_seconds=0)
    if not plan.is_empty:
        yield Issue(source.name, plan.reason, run_again())
