"""The asset of steps that write tables: what it depends on is derived from what they read."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.storage.dagster.asset import month_of, months_of, tables_asset
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import Fits
from portrait_assets.storage.steps import THE_MONTH, Scope, Span, Step, spans_read


def steps_asset(
    name: str,
    steps: Sequence[Step],
    partitions: dg.PartitionsDefinition,
    fitted: Table | None = None,
) -> dg.AssetsDefinition:
    """The asset that writes the tables of these steps, one after the other, for its months.

    Args:
        name: of the asset.
        steps: each writes a table.
        partitions: the source's months.
        fitted: the table that what the steps fit over all customers is written to.

    Raises, when it is materialized:
        WarehouseError: when a month that a step reads has not been materialized.
    """
    tables = [step.writes for step in steps if step.writes is not None]
    reads = {table: spans for table, spans in spans_read(*steps).items() if table not in tables}

    @tables_asset(
        name,
        [*tables, *([fitted] if fitted else [])],
        partitions,
        deps=[_dependency(table, spans, partitions) for table, spans in reads.items()],
        kinds={"duckdb", *("polars" for step in steps if step.compute)},
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        _require(warehouse, reads, partitions.get_partition_keys(), months)
        fits = Fits(warehouse.con)
        engine = Engine(
            warehouse.con,
            materialized=warehouse.materialized,
            part_customers=warehouse.bounds.matrix_customers,
        )
        if fitted:
            engine.on_standing = fits.keep
        for step, table in zip(steps, tables, strict=True):
            yield dg.Output(_rows(warehouse, engine, step, months), table.name)
        engine.close()
        if fitted:
            yield dg.Output(fits.rows, fitted.name)

    return asset


def _rows(
    warehouse: Warehouse, engine: Engine, step: Step, months: Sequence[str]
) -> Iterator[Query | pl.DataFrame]:
    for month in warehouse.place.each(months):
        with engine.rows(step, Scope(month)) as rows:
            yield rows


def _dependency(
    table: Table, spans: Sequence[Span], partitions: dg.PartitionsDefinition
) -> dg.AssetDep:
    """On the months that are read: the asset's own, a window, or all so far."""
    if list(spans) == [THE_MONTH]:
        return month_of(table)
    firsts = [span.first for span in spans if span.first is not None]
    return months_of(table, partitions, max(firsts) if len(firsts) == len(spans) else None)


def _require(
    warehouse: Warehouse,
    reads: Mapping[Table, Sequence[Span]],
    known: Sequence[str],
    months: Sequence[str],
) -> None:
    """Check that the earlier months that are read have been materialized.

    The months of the run itself have been materialized by the steps before.
    """
    for table, spans in reads.items():
        wanted = {
            each
            for span in spans
            if span != THE_MONTH
            for month in months
            for each in span.months(known, month)
        }
        warehouse.require(table, sorted(wanted))
