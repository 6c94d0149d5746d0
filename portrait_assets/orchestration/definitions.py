"""Everything wired together, room by room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg

from portrait_assets.core.invocation import commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import (
    failure_sensors,
    monthly_schedule,
    portrait_job,
    source_sensor,
    with_freshness,
)
from portrait_assets.orchestration.run_failures import notify_failed_run
from portrait_assets.privacy.erasure import require_none_half_done
from portrait_assets.schema.describe import asset_key
from portrait_assets.stages.raw.assets import SOURCE_FILES, source_files
from portrait_assets.stages.raw.inputs import definitions_digest, files_digest
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.dagster.asset import month_partitions
from portrait_assets.storage.dagster.checks import room_checks
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY, OnWritten, warehouse_resource
from portrait_assets.storage.dagster.room import Context, Room, SourceFolder
from portrait_assets.storage.dagster.versions import observe
from portrait_assets.storage.staleness.inputs import Inputs


def context_of(settings: Settings, rooms: tuple[Room, ...] = ROOMS) -> Context:
    """What the rooms are assembled for: the source that the settings name, and its months.

    Raises:
        SourceError: when the source cannot be used.
    """
    folder = SourceFolder(settings.source_dir)
    covers = folder.read(load_source).definition
    partitions = month_partitions(covers.first_month, covers.last_month, covers.time_zone)
    return Context(settings, folder, partitions, rooms)


def build_defs(
    settings: Settings | None = None,
    on_written: OnWritten = lambda table, rows: None,
    rooms: tuple[Room, ...] = ROOMS,
    **overrides: Any,
) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors for the source that the settings name.

    Args:
        settings: where data lives and which source is meant; from the environment by default.
        on_written: called with each table that a run writes, and its rows.
        rooms: the rooms to assemble, in the order of the flow.
        overrides: arguments of `dg.Definitions` to replace, such as `executor`.

    Raises:
        PortraitError: when the source or its tag catalogue cannot be used.
    """
    settings = settings or Settings()
    with commands_for(settings):
        return _defs_of(context_of(settings, rooms), on_written, overrides)


def _defs_of(
    context: Context, on_written: OnWritten, overrides: Mapping[str, Any]
) -> dg.Definitions:
    settings, source = context.settings, context.folder.read(load_source)
    # Before they are read: a definition that changes meanwhile must not pass for one that was.
    definitions = definitions_digest(source)
    assets = with_freshness(
        [step for room in context.rooms for step in room.steps(context)], source
    )
    keys = [key for each in assets for key in each.keys]
    job = portrait_job(assets)
    arguments: dict[str, Any] = {
        "assets": [source_files(source), *assets],
        "asset_checks": list(_checks(context)),
        "jobs": [job],
        "schedules": [monthly_schedule(job)],
        "sensors": [source_sensor(settings, source, job, keys), *failure_sensors(settings)],
        "resources": {
            RESOURCE_KEY: warehouse_resource(
                settings,
                {asset_key(table): table for table in context.tables},
                on_written,
                partial(_inputs_of_run, settings, source, definitions),
                _upstream_of(context, assets),
                partial(notify_failed_run, settings),
                lambda instance, read: observe(instance, SOURCE_FILES, read.version),
            )
        },
        # polars and DuckDB use all cores themselves: one process per run is the fastest.
        "executor": dg.in_process_executor,
    }
    return dg.Definitions(**{**arguments, **overrides})


def _inputs_of_run(settings: Settings, source: Source, definitions: str) -> Inputs:
    """What a run is about to read, which no run may while rows are half removed.

    Raises:
        ErasureError: when an erasure was stopped while it removed rows.
    """
    require_none_half_done(settings)
    return Inputs(files_digest(source), definitions)


def _checks(context: Context) -> Iterator[dg.AssetChecksDefinition]:
    for room in context.rooms:
        if tables := room.tables(context):
            yield room_checks(room.name, tables, room.checks(context), context.partitions)


def upstream_tables(context: Context) -> dict[str, list[str]]:
    """By table, in the order of the flow, the tables whose changes make it stale."""
    steps = (step for room in context.rooms for step in room.steps(context))
    return _upstream_of(context, steps)


def _upstream_of(context: Context, assets: Iterable[Any]) -> dict[str, list[str]]:
    silent = {SOURCE_FILES, *(asset_key(t) for t in context.tables if not t.makes_stale)}
    return {
        ".".join(spec.key.path): sorted(
            ".".join(dep.asset_key.path) for dep in spec.deps if dep.asset_key not in silent
        )
        for step in assets
        for spec in step.specs
    }


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions that `dagster dev` loads, for the source named in PORTRAIT_SOURCE."""
    return build_defs()
