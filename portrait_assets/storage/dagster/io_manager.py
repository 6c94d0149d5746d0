"""Between Dagster and the warehouse: what an asset returns is written, what it takes is read.

One resource holds the warehouse for the whole run: it waits for the lock, opens the file, and
lets go of both when the run ends.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.invocation import commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Table
from portrait_assets.storage.dagster.runs import fail_abandoned_runs, mark_run
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.rows import Written
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.staleness.inputs import Inputs, record_inputs

RESOURCE_KEY = "warehouse"
OnWritten = Callable[[str, int], None]
"""Called with the name of a table that was written and its number of rows."""
OnAbandoned = Callable[[dg.DagsterInstance, str, Callable[[str], None]], None]
"""Called with the instance, the id of an abandoned run, now failed, and a log for its problems."""

OnInputs = Callable[[dg.DagsterInstance, Inputs], None]
"""Called with the instance and the digests of what a run is about to read."""


class WarehouseIOManager(dg.IOManager):
    """Writes and reads the tables of the asset keys given, through one open warehouse.

    An output may be a polars DataFrame or LazyFrame, an iterable of DataFrames (written one
    after the other in one transaction), a `Query`, or `Written` by the step itself. An input is
    a LazyFrame, or a DataFrame where the asset's parameter is annotated so.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        tables: Mapping[dg.AssetKey, Table],
        on_written: OnWritten = lambda table, rows: None,
    ) -> None:
        self.warehouse = warehouse
        self.tables = tables
        self.on_written = on_written

    def handle_output(self, context: dg.OutputContext, obj: typing.Any) -> None:
        """Replace the run's months of the asset's table; rows written become metadata."""
        table = self.tables[context.asset_key]
        months = _months(context)
        if isinstance(obj, Written):
            counts = dict(obj.counts)
        else:
            counts = self.warehouse.write(table, months, obj)
        self.on_written(table.full_name, sum(counts.values()))
        for month, count in counts.items():
            if months is None:
                context.add_output_metadata({"dagster/row_count": count})
            else:
                context.step_context.add_asset_metadata(
                    {"dagster/partition_row_count": count}, context.asset_key, month
                )

    def load_input(self, context: dg.InputContext) -> pl.DataFrame | pl.LazyFrame:
        """The months of the upstream table that the partition mapping names."""
        table = self.tables[context.asset_key]
        lazy = context.dagster_type.typing_type is not pl.DataFrame
        months = _months(context)
        return self.warehouse.scan(table, months) if lazy else self.warehouse.read(table, months)


def _months(context: dg.OutputContext | dg.InputContext) -> Sequence[str] | None:
    return context.asset_partition_keys if context.has_asset_partitions else None


def warehouse_resource(
    settings: Settings,
    tables: Mapping[dg.AssetKey, Table],
    on_written: OnWritten = lambda table, rows: None,
    inputs: Callable[[], Inputs] = lambda: Inputs("", ""),
    upstream: Mapping[str, Sequence[str]] | None = None,
    on_abandoned: OnAbandoned = lambda instance, run_id, log: None,
    on_inputs: OnInputs = lambda instance, inputs: None,
) -> dg.IOManagerDefinition:
    """The resource that holds the warehouse of these settings for the length of a run.

    Args:
        settings: which warehouse.
        tables: the contracts of the assets that are stored in it.
        on_written: called with each table that is written.
        inputs: takes digests of what the run is about to read.
        upstream: by table, in the order of the flow, the tables that it is computed from.
        on_abandoned: called with each run that a dead process left as started.
        on_inputs: called with the inputs of each run, before it reads anything.

    Raises, when a run starts:
        WarehouseBusyError: when another run holds the warehouse for longer than the wait.
        WarehouseError: when the file is another source's or version's and cannot be brought up.
    """

    # Dagster takes generators here, which its types leave out.
    @dg.io_manager(description="The warehouse file, held by one run at a time.")  # type: ignore[arg-type]
    def warehouse(context: dg.InitResourceContext) -> Iterator[WarehouseIOManager]:
        run_id = context.run.run_id if context.run else "no run"
        log = context.log.info if context.log else (lambda sentence: None)
        if context.instance is not None:
            mark_run(context.instance, run_id)
        with (
            commands_for(settings),
            warehouse_lock(settings.lock_file, run_id, settings.lock_wait_seconds, on_wait=log),
        ):
            if context.instance is not None:
                for abandoned in fail_abandoned_runs(context.instance):
                    on_abandoned(context.instance, abandoned, log)
            opened = Warehouse(
                settings.warehouse_file,
                settings.source,
                run_id,
                settings.memory_limit_gib,
                settings.threads,
                bounds=settings.bounds,
                contracts=list(tables.values()),
            )
            for why in opened.migrated:
                log(f"The warehouse was migrated: {why}.")
            try:
                read = inputs()
                record_inputs(opened.con, run_id, read, upstream or {})
                if context.instance is not None:
                    on_inputs(context.instance, read)
                yield WarehouseIOManager(opened, tables, on_written)
            finally:
                opened.close()

    return warehouse
