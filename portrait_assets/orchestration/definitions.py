"""Everything wired together: the one place that knows all rooms."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import dagster as dg

from portrait_assets.core.invocation import give_commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import (
    failure_sensors,
    monthly_schedule,
    portrait_job,
    source_sensor,
)
from portrait_assets.orchestration.run_failures import notify_failed_run
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned import assets as cleaned
from portrait_assets.stages.cleaned.checks import cleaned_checks
from portrait_assets.stages.cleaned.views import CURRENT_CUSTOMER_VIEW, PORTRAIT_HISTORY_VIEW
from portrait_assets.stages.clusters import assets as clusters
from portrait_assets.stages.clusters.checks import clusters_checks
from portrait_assets.stages.features import assets as features
from portrait_assets.stages.features.checks import features_checks
from portrait_assets.stages.mart.assets import mart_assets
from portrait_assets.stages.raw import assets as raw
from portrait_assets.stages.raw.checks import raw_checks
from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.stages.raw.inputs import definitions_digest, files_digest
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.tags.assets import tag_tables, tags_assets
from portrait_assets.stages.tags.audiences.saved_audiences import source_audiences
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.changes import changes_view
from portrait_assets.stages.tags.checks import tags_checks
from portrait_assets.stages.tags.views import PORTRAIT_VIEW, evidence_view
from portrait_assets.stages.validation import assets as validation
from portrait_assets.stages.validation.checks import validation_checks
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.asset import month_partitions
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY, OnWritten, warehouse_resource
from portrait_assets.storage.inputs import Inputs


def all_tables(catalogue: Catalogue) -> list[Table]:
    """The contract of every table that the pipeline makes, in the order of the flow."""
    return [
        *raw.TABLES,
        *cleaned.TABLES,
        *features.TABLES,
        *clusters.TABLES,
        *tag_tables(catalogue),
        *validation.TABLES,
    ]


def build_defs(
    settings: Settings | None = None,
    on_written: OnWritten = lambda table, rows: None,
    **overrides: Any,
) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors for the source that the settings name.

    Args:
        settings: where data lives and which source is meant; from the environment by default.
        on_written: told of each table that a run writes, and its rows.
        overrides: arguments of `dg.Definitions` to replace, such as `executor`.

    Raises:
        PortraitError: when the source or its tag catalogue cannot be used.
    """
    settings = settings or Settings()
    give_commands_for(settings)
    source = load_source(settings.source_dir)
    # Before they are read: a definition that changes meanwhile must not pass for one that was.
    definitions = definitions_digest(source)
    catalogue = source_catalogue(source.own_folder)
    audiences = source_audiences(source.own_folder, catalogue)
    tables = all_tables(catalogue)
    told = source.definition
    partitions = month_partitions(told.first_month, told.last_month, told.time_zone)
    assets = [
        *raw.raw_assets(source, partitions),
        *cleaned.cleaned_assets(source, partitions),
        *features.features_assets(partitions),
        *clusters.clusters_assets(source.own_folder, partitions),
        *tags_assets(catalogue, audiences, partitions),
        *validation.validation_assets(catalogue, partitions),
        *mart_assets(
            source,
            settings,
            [*tables, CHECK_RESULTS],
            [
                PORTRAIT_VIEW,
                CURRENT_CUSTOMER_VIEW,
                PORTRAIT_HISTORY_VIEW,
                evidence_view(catalogue),
                changes_view(catalogue),
            ],
            partitions,
        ),
    ]
    checks = [
        raw_checks(partitions),
        cleaned_checks(partitions),
        features_checks(partitions),
        clusters_checks(partitions),
        tags_checks(catalogue, audiences, partitions),
        validation_checks(partitions),
    ]
    job = portrait_job(assets)
    arguments: dict[str, Any] = {
        "assets": assets,
        "asset_checks": checks,
        "jobs": [job],
        "schedules": [monthly_schedule(job)],
        "sensors": [source_sensor(source, job), *failure_sensors(settings)],
        "resources": {
            RESOURCE_KEY: warehouse_resource(
                settings,
                {asset_key(table): table for table in tables},
                on_written,
                lambda: Inputs(files_digest(source), definitions),
                _upstream_of(assets),
                partial(notify_failed_run, settings),
            )
        },
        # polars and DuckDB use all cores themselves: one process per run is the fastest.
        "executor": dg.in_process_executor,
    }
    return dg.Definitions(**{**arguments, **overrides})


def upstream_tables(settings: Settings) -> dict[str, list[str]]:
    """By table, in the order of the flow, the tables whose changes make it stale."""
    return _upstream_of(build_defs(settings).assets or [])


def _upstream_of(assets: Iterable[Any]) -> dict[str, list[str]]:
    # Receipts count whole files: they change in every month with any row of any month, and what
    # they say of a month's own rows changes with the month's tables.
    return {
        ".".join(spec.key.path): sorted(
            name
            for dep in spec.deps
            if (name := ".".join(dep.asset_key.path)) != RECEIPTS.full_name
        )
        for step in assets
        for spec in step.specs
    }


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions that `dagster dev` loads, for the source named in PORTRAIT_SOURCE."""
    return build_defs()
