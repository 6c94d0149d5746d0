"""How a room declares its assets: names, owners, kinds and partitions in one way for all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

import dagster as dg

from portrait_assets.core.months import next_month
from portrait_assets.schema.describe import asset_key, table_spec_metadata
from portrait_assets.schema.table import Table
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY

OWNER = "team:customer-portrait"
KINDS = {"duckdb", "polars"}


def month_partitions(
    first: str, last: str | None, time_zone: str
) -> dg.MonthlyPartitionsDefinition:
    """One partition per month, keyed YYYY-MM; open-ended without a last month."""
    return dg.MonthlyPartitionsDefinition(
        start_date=first,
        end_date=next_month(last) if last else None,
        fmt="%Y-%m",
        timezone=time_zone,
    )


def month_in(table: Table) -> dg.AssetIn:
    """The table's rows of the months being materialized."""
    return dg.AssetIn(key=asset_key(table))


def month_of(table: Table) -> dg.AssetDep:
    """A dependency on the table's months being materialized, read by the step itself."""
    return dg.AssetDep(asset_key(table))


def all_months_in(table: Table, partitions: dg.PartitionsDefinition[str]) -> dg.AssetIn:
    """The table's rows of the months being materialized and of all months before."""
    return dg.AssetIn(key=asset_key(table), partition_mapping=_until(partitions))


def months_of(
    table: Table, partitions: dg.PartitionsDefinition[str], before: int | None = None
) -> dg.AssetDep:
    """A dependency on the months being materialized and so many before, read by the step itself.

    None is all months before.
    """
    return dg.AssetDep(asset_key(table), partition_mapping=_until(partitions, before))


def _until(
    partitions: dg.PartitionsDefinition[str], before: int | None = None
) -> dg.PartitionMapping:
    # Dagster walks the offset month by month, so it is no longer than it needs to be. A source
    # without a last month gains some while this process lives.
    back = len(partitions.get_partition_keys()) + 12 if before is None else before
    with warnings.catch_warnings():
        # That there may be no month so far back is marked beta; a test holds Dagster to it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(
            start_offset=-back, end_offset=0, allow_nonexistent_upstream_partitions=True
        )


def tables_asset(
    name: str,
    tables: Iterable[Table],
    partitions_def: dg.PartitionsDefinition,
    ins: Mapping[str, dg.AssetIn] | None = None,
    deps: Iterable[Table | dg.AssetDep] = (),
    kinds: Iterable[str] = KINDS,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """A decorator for a step that materializes these tables of one room for its months.

    The function yields one `dg.Output` per table, named as the table. It is
    given the tables of `ins`; those of `deps` it reads by itself.
    """
    outs = {
        table.name: dg.AssetOut(
            key=asset_key(table),
            description=table.comment,
            io_manager_key=RESOURCE_KEY,
            metadata=table_spec_metadata(table),
            owners=[OWNER],
            kinds=set(kinds),
            group_name=table.schema,
        )
        for table in tables
    }
    as_asset = dg.multi_asset(
        name=name,
        outs=outs,
        ins=dict(ins or {}),
        deps=[asset_key(dep) if isinstance(dep, Table) else dep for dep in deps],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={RESOURCE_KEY},
    )
    return lambda step: as_asset(noting_its_place(name, step))


def noting_its_place(name: str, step: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The step, such that an error which ends it notes the step and its months."""

    @wraps(step)
    def noting(context: Any, **ins: Any) -> Iterator[Any]:
        place = context.resources.warehouse.warehouse.place
        with place.noted(name, list(context.partition_keys)):
            yield from step(context, **ins)

    return noting
