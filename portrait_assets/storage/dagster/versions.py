"""Data versions in Dagster's records, by which its UI marks what is stale.

Dagster gives each month that a run materializes a new data version. Where the rows came out the
same, the month is recorded once more with the version that it had, so that nothing downstream of
it is marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.store import Warehouse


def keep_versions(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    tables: Iterable[Table],
    months: Sequence[str],
) -> None:
    """Record the months whose rows are those of before with the data version of before."""
    for table in tables:
        same = warehouse.unchanged(table, months) if table.makes_stale else months
        for month in same:
            _keep_version(context, asset_key(table), month)


def _keep_version(context: dg.AssetExecutionContext, key: dg.AssetKey, month: str) -> None:
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[month])
    newest = [
        record.asset_materialization
        for record in context.instance.fetch_materializations(wanted, limit=2).records
        if record.asset_materialization
    ]
    if len(newest) < 2:
        return
    now, before = newest
    if version := (before.tags or {}).get(DATA_VERSION_TAG):
        tags = {**(now.tags or {}), DATA_VERSION_TAG: version}
        again = dg.AssetMaterialization(key, now.description, now.metadata, month, tags)
        context.log_event(again)


def observe(instance: dg.DagsterInstance, key: dg.AssetKey, version: str) -> None:
    """Record the data version of something that is not materialized here, where it is a new one."""
    newest = instance.fetch_observations(key, limit=1).records
    observation = newest[0].asset_observation if newest else None
    if observation is None or (observation.tags or {}).get(DATA_VERSION_TAG) != version:
        instance.report_runless_asset_event(
            dg.AssetObservation(key, tags={DATA_VERSION_TAG: version})
        )
