"""The asset of steps that write tables: what it depends on is derived from what they read."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import dagster as dg
import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import Fits
from portrait_assets.storage.steps import Read, Scope, Step, upstream


def steps_asset(
    name: str,
    steps: Sequence[Step],
    partitions: dg.PartitionsDefinition,
    fitted: Table | None = None,
    shared: Sequence[Step] = (),
) -> dg.AssetsDefinition:
    """The asset that writes the tables of these steps, one after the other, for its months.

    Args:
        name: of the asset.
        steps: each writes a table.
        partitions: the source's months.
        fitted: the table that what the steps fit over all customers is written to.
        shared: steps that several of these read, and that are computed once for all in a run of
            one month; of several months each table's are computed one month after the other.

    Raises, when it is materialized:
        WarehouseError: when a month that a step reads has not been materialized.
    """
    tables = [step.writes for step in steps if step.writes is not None]

    @tables_asset(
        name,
        [*tables, *([fitted] if fitted else [])],
        partitions,
        reads=[each for each in upstream(*steps) if isinstance(each, Read)],
        kinds={"duckdb", *("polars" for step in steps if step.compute)},
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        fits = Fits(warehouse.con)
        engine = Engine(
            warehouse.con,
            materialized=warehouse.materialized,
            part_customers=warehouse.bounds.matrix_customers,
        )
        if fitted:
            engine.on_standing = fits.keep
        with ExitStack() as standing:
            for step in shared if len(months) == 1 else ():
                standing.enter_context(engine.shared(step, Scope(months[0])))
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
            if isinstance(rows, Query | pl.DataFrame):
                yield rows
            else:
                yield from rows
