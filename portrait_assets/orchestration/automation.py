"""What runs by itself: the job for everything, its schedule, and sensors of files and failures."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.run_failures import RANGE_END, RANGE_START, notify_failed_run
from portrait_assets.schema.describe import asset_key
from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.stages.raw.source import Source
from portrait_assets.stages.raw.watching import (
    as_ranges,
    changed_months,
    file_stamp,
    month_digests,
)

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
WATCH_SECONDS = 60
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


def source_sensor(source: Source, job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """A watch on the source's files that asks for a run of just the months that changed.

    It goes by what is there, not by what happened: a month is asked for when its rows differ
    from those last seen, however often a file was touched in between.
    """

    @dg.sensor(
        name="source_files",
        job=job,
        minimum_interval_seconds=WATCH_SECONDS,
        description="New or changed source files ask for the months whose rows differ.",
    )
    def source_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        stamp = file_stamp(source)
        seen = json.loads(context.cursor) if context.cursor else {}
        if seen.get("stamp") == stamp:
            return dg.SkipReason("No file of the source has changed.")
        digests = month_digests(source)
        if "digests" in seen:
            months = changed_months(seen["digests"], digests)
        else:
            months = _never_made(context.instance, source)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{stamp} {first}", tags=range_tags([first, last]))
                for first, last in as_ranges(months)
            ],
            cursor=json.dumps({"stamp": stamp, "digests": digests}),
            skip_reason=None if months else dg.SkipReason("The rows are those seen before."),
        )

    return source_files


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


def _never_made(instance: dg.DagsterInstance, source: Source) -> list[str]:
    materialized = instance.get_materialized_partitions(asset_key(RECEIPTS))
    return [month for month in source.months() if month not in materialized]
