"""The asset of steps that write tables: what it depends on is derived from what they read."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import Fits
from portrait_assets.storage.standing import shared_steps
from portrait_assets.storage.steps import Read, Scope, Step, upstream


def steps_asset(
    name: str,
    steps: Sequence[Step],
    partitions: dg.PartitionsDefinition,
    fitted: Table | None = None,
    together: bool = False,
) -> dg.AssetsDefinition:
    """The asset that writes the tables of these steps, one after the other, for its months.

    Args:
        name: of the asset.
        steps: each writes a table.
        partitions: the source's months.
        fitted: the table that what the steps fit over all customers is written to.
        together: whether a month's tables are computed together, so that what several of them read
            is computed once; all but the first then have few rows, which are kept in memory.

    Raises:
        ValueError: when a step reads a table, other than the first, that is written together with
            its own: its rows are not stored by then.

    Raises, when it is materialized:
        WarehouseError: when a month that a step reads has not been materialized.
    """
    tables = [step.writes for step in steps if step.writes is not None]
    reads = [each for each in upstream(*steps) if isinstance(each, Read)]
    if together and (unstored := {each.table for each in reads} & {*tables[1:]}):
        raise ValueError(
            f"{name}: {min(t.full_name for t in unstored)} is read before it is stored."
        )

    @tables_asset(
        name,
        [*tables, *([fitted] if fitted else [])],
        partitions,
        reads=reads,
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
        for first, *others in [steps] if together else [[step] for step in steps]:
            later: dict[Step, list[pl.DataFrame]] = {each: [] for each in others}
            yield _output(first, _rows(warehouse, engine, first, months, later))
            for each, frames in later.items():
                yield _output(each, frames)
        engine.close()
        if fitted:
            yield dg.Output(fits.rows, fitted.name)

    return asset


def _output(step: Step, rows: object) -> dg.Output[object]:
    assert step.writes is not None
    return dg.Output(rows, step.writes.name)


def _rows(
    warehouse: Warehouse,
    engine: Engine,
    step: Step,
    months: Sequence[str],
    later: Mapping[Step, list[pl.DataFrame]],
) -> Iterator[Query | pl.DataFrame]:
    """The step's rows of the months; those of the steps of `later` go into its lists."""
    shared = shared_steps([step, *later])
    for month in warehouse.place.each(months):
        scope = Scope(month)
        with engine.shared(shared, scope):
            with engine.rows(step, scope) as rows:
                if isinstance(rows, Query | pl.DataFrame):
                    yield rows
                else:
                    yield from rows
            for each, frames in later.items():
                frames.append(engine.frame(each, scope))
