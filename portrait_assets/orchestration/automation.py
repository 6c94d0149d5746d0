"""What runs by itself: the job for everything, its schedule, and sensors of files and failures."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import dagster as dg

from portrait_assets.core.errors import WarehouseBusyError
from portrait_assets.core.invocation import commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.planning import STAGES, plan, runs_of
from portrait_assets.orchestration.record import read_record
from portrait_assets.orchestration.request import Request
from portrait_assets.orchestration.run_failures import RANGE_END, RANGE_START, notify_failed_run
from portrait_assets.privacy.erasure import ErasureError, require_none_half_done
from portrait_assets.stages.raw.assets import SOURCE_FILES
from portrait_assets.stages.raw.inputs import inputs_of, source_rows
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.dagster.versions import observe

if TYPE_CHECKING:  # Dagster does not export what these functions return.
    from dagster._core.definitions.partitions.partitioned_schedule import (
        UnresolvedPartitionedAssetScheduleDefinition,
    )
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

    MonthlySchedule = UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition

JOB = "portrait"
HOUR_OF_DAY = 6  # Source systems have closed the month before by then.
DAYS_TO_MATERIALIZE = 3  # A month is fresh when it has been materialized by the third at that hour.
SENSOR_SECONDS = 60
FAILURE_SECONDS = 30


def range_tags(months: Sequence[str]) -> dict[str, str]:
    """The tags that make one run of these months, which must be without a gap."""
    return {RANGE_START: months[0], RANGE_END: months[-1]}


def portrait_job(assets: Sequence[dg.AssetsDefinition]) -> "UnresolvedAssetJobDefinition":
    """The job that makes every asset of its months."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*assets),
        description="Every asset of the months asked for, from the source to the published file.",
    )


def monthly_schedule(job: "UnresolvedAssetJobDefinition") -> "MonthlySchedule":
    """A run for the month before, on the first day of each month."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="monthly",
        description="The month before, on the first of each month.",
        hour_of_day=HOUR_OF_DAY,
    )


def with_freshness(
    assets: Sequence[dg.AssetsDefinition], source: Source
) -> list[dg.AssetsDefinition]:
    """The assets, overdue where the month before has not been materialized soon after its end.

    By the clock a source with a last month would always be overdue, so its assets have no policy.
    """
    if source.definition.last_month is not None:
        return list(assets)
    policy = dg.FreshnessPolicy.cron(
        deadline_cron=f"0 {HOUR_OF_DAY} {DAYS_TO_MATERIALIZE} * *",
        lower_bound_delta=timedelta(days=DAYS_TO_MATERIALIZE - 1, hours=HOUR_OF_DAY),
        timezone=source.definition.time_zone,
    )
    return [
        asset.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy))
        for asset in assets
    ]


def source_sensor(
    settings: Settings,
    source: Source,
    job: "UnresolvedAssetJobDefinition",
    keys: Iterable[dg.AssetKey],
) -> dg.SensorDefinition:
    """The sensor that requests what `portrait run` would run next, one run at a time.

    Both follow the same plan, so a change of any month is followed by the months that look back
    on it, in order, whenever it was made and however often a file was touched in between. A run
    that fails is not requested again until something has changed.

    Args:
        settings: where the warehouse is.
        source: what is planned for.
        job: the job of all assets.
        keys: the assets of the job.
    """
    by_room: dict[str, list[dg.AssetKey]] = {}
    for key in keys:
        by_room.setdefault(key.path[0], []).append(key)

    @dg.sensor(
        name="source_files",
        job=job,
        minimum_interval_seconds=SENSOR_SECONDS,
        description="What `portrait run` would run next: months that are new, changed or stale.",
    )
    @commands_for(settings)
    def source_files(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason | dg.RunRequest:
        source.check()
        request = Request(settings, source, None, source.months(), fresh=False)
        inputs = inputs_of(source)
        observe(context.instance, SOURCE_FILES, inputs.version)
        try:
            require_none_half_done(settings)  # A run would fail, and be reported.
            record = read_record(settings, wait_seconds=0)
        except (ErasureError, WarehouseBusyError) as error:
            return dg.SkipReason(str(error))
        planned = plan(request.available, None, record, inputs)
        if planned.is_empty:
            return dg.SkipReason(planned.sentence)
        rows = record.source_rows(request.available, source_rows(source))
        run = runs_of(planned, rows, settings.bounds.run_rows)[0]
        context.log.info(planned.sentence)
        return dg.RunRequest(
            run_key=_key(inputs.files, inputs.definitions, str(record.version), planned.sentence),
            asset_selection=[key for room in STAGES if room in run.rooms for key in by_room[room]],
            tags=range_tags(run.months),
        )

    return source_files


def _key(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()


def failure_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor that reports failed runs, on from the start; none where nobody asked for it."""
    if not settings.has_notifier:
        return []

    # Runs of the command line have no code location, and Dagster shows them to a sensor of all
    # locations only. The records are this source's own.
    @dg.run_failure_sensor(
        name="failed_runs",
        monitor_all_code_locations=True,
        minimum_interval_seconds=FAILURE_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports each failed run to PORTRAIT_NOTIFY_COMMAND and _WEBHOOK, once.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        if context.dagster_run.job_name == JOB:
            run_id = context.dagster_run.run_id
            notify_failed_run(settings, context.instance, run_id, context.log.warning)

    return [failed_runs]
