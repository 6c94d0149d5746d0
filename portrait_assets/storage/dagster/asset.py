"""How a room declares its assets: names, owners, kinds and partitions in one way for all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any

import dagster as dg

from portrait_assets.core.months import next_month
from portrait_assets.schema.describe import asset_key, table_spec_metadata
from portrait_assets.schema.table import Table
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY
from portrait_assets.storage.dagster.versions import keep_versions
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.steps import THE_MONTH, Read, Span, spans_read

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


def until(
    partitions: dg.PartitionsDefinition[str], before: int | None = None
) -> dg.PartitionMapping:
    """The months being materialized and so many before; None is all before."""
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
    reads: Iterable[Read] = (),
    kinds: Iterable[str] = KINDS,
    external: Iterable[dg.AssetKey] = (),
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """A decorator for the function that materializes these tables of one room for its months.

    The function yields one `dg.Output` per table, named as the table.

    Args:
        name: of the asset.
        tables: what it writes.
        partitions_def: the source's months.
        reads: the stored tables that it reads, and the months of each; what the asset depends on
            follows from them.
        kinds: what the UI shows it to be made with.
        external: what it depends on without reading its rows.

    Raises, when it is materialized:
        WarehouseError: when a month that is read has not been materialized.
    """
    tables = list(tables)
    reads = list(reads)
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
        deps=[*external, *_dependencies(tables, reads, partitions_def)],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={RESOURCE_KEY},
    )
    upstream = [each for each in reads if each.table not in tables]

    def with_place_and_inputs(step: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        @wraps(step)
        def materialize(context: Any) -> Iterator[Any]:
            warehouse, months = context.resources.warehouse.warehouse, list(context.partition_keys)
            with warehouse.place.noted(name, months):
                _require(warehouse, upstream, partitions_def.get_partition_keys(), months)
                yield from step(context)
                keep_versions(context, warehouse, tables, months)

        return materialize

    return lambda step: as_asset(with_place_and_inputs(step))


def _dependencies(
    tables: Sequence[Table], reads: Iterable[Read], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetDep]:
    """On the months that are read of each table: the asset's own, a window, or all so far.

    That a table is carried forward from its own earlier months is nothing Dagster needs.
    """
    return [
        dg.AssetDep(asset_key(table), partition_mapping=_mapping(spans, partitions))
        for table, spans in spans_read(*reads).items()
        if table not in tables
    ]


def _mapping(
    spans: Sequence[Span], partitions: dg.PartitionsDefinition[str]
) -> dg.PartitionMapping | None:
    if set(spans) == {THE_MONTH}:
        return None
    firsts = [span.first for span in spans if span.first is not None]
    return until(partitions, max(firsts) if len(firsts) == len(spans) else None)


def _require(
    warehouse: Warehouse, reads: Iterable[Read], known: Sequence[str], months: Sequence[str]
) -> None:
    """Check that the months that are read have been materialized."""
    for each in reads:
        wanted = {read for month in months for read in each.span.months(known, month)}
        warehouse.require(each.table, sorted(wanted))
