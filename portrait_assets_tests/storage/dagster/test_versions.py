"""Dagster's own record of what is stale: the months whose rows changed, and no others."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.dagster.asset import month_partitions, tables_asset
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY, warehouse_resource
from portrait_assets.storage.dagster.versions import observe
from portrait_assets.storage.steps import BEFORE, THE_MONTH, read
from portrait_assets.testing.records import stale_in_ui

JANUARY, FEBRUARY, MARCH = MONTHS = ["2024-01", "2024-02", "2024-03"]
MONTHLY = month_partitions(JANUARY, MARCH, "UTC")
FILES = dg.AssetKey(["source", "files"])
AMOUNT = (Column("amount", Type.INTEGER, "Amount", "金额", unit="currency"),)
SALES = Table("raw", "sales", "Sales", "销售", AMOUNT)
SILENT = Table("raw", "counts", "Counts", "计数", AMOUNT, makes_stale=False)
TOTAL = Table("cleaned", "total", "Totals", "合计", AMOUNT)
COUNTED = Table("cleaned", "counted", "Counted", "计数", AMOUNT)


class World:
    """A source of one amount a month, and tables that are computed from it."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.settings = Settings(data_dir=folder, source="amounts")
        self.instance = instance
        self.amounts = dict.fromkeys(MONTHS, 1)

    def rows(self, context: dg.AssetExecutionContext) -> pl.DataFrame:
        months = list(context.partition_keys)
        return pl.DataFrame({"month": months, "amount": [self.amounts[m] for m in months]})

    def assets(self) -> list[dg.AssetsDefinition]:
        @tables_asset("sales", [SALES, SILENT], MONTHLY, external=[FILES])
        def sales(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
            yield dg.Output(self.rows(context), SALES.name)
            counts = self.rows(context).with_columns(amount=sum(self.amounts.values()))
            yield dg.Output(counts, SILENT.name)

        reads = [read(SALES, THE_MONTH), read(SALES, BEFORE, "sales_before")]

        @tables_asset("total", [TOTAL], MONTHLY, reads=reads)
        def total(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
            yield dg.Output(self.rows(context), TOTAL.name)

        @tables_asset("counted", [COUNTED], MONTHLY, reads=[read(SILENT, THE_MONTH)])
        def counted(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
            yield dg.Output(self.rows(context), COUNTED.name)

        return [sales, total, counted]

    def run(self, *names: str) -> None:
        """Materialize all months of these assets."""
        tables = {asset_key(table): table for table in (SALES, SILENT, TOTAL, COUNTED)}

        @dg.multi_observable_source_asset(specs=[dg.AssetSpec(FILES)])  # type: ignore[untyped-decorator]
        def files() -> dg.ObserveResult:
            return dg.ObserveResult(data_version=dg.DataVersion("unused"))

        self.defs = dg.Definitions(
            [files, *self.assets()],
            jobs=[dg.define_asset_job("all", selection="*", executor_def=dg.in_process_executor)],
            resources={
                RESOURCE_KEY: warehouse_resource(
                    self.settings,
                    tables,
                    on_inputs=lambda instance, _: observe(instance, FILES, str(self.amounts)),
                )
            },
        )
        keys = [key for asset in self.assets() if asset.op.name in names for key in asset.keys]
        assert (
            self.defs.resolve_job_def("all")
            .execute_in_process(
                instance=self.instance,
                asset_selection=keys,
                tags={
                    "dagster/asset_partition_range_start": JANUARY,
                    "dagster/asset_partition_range_end": MARCH,
                },
            )
            .success
        )

    def stale(self) -> set[tuple[str, str]]:
        """Tables and months that Dagster's UI marks."""
        return {(key.path[-1], month) for key, month in stale_in_ui(self.defs, self.instance)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        found = World(tmp_path, instance)
        found.run("sales", "total", "counted")
        yield found


def test_what_was_materialized_in_order_is_not_stale(world: World):
    assert world.stale() == set()


def test_months_that_come_out_the_same_make_nothing_stale(world: World):
    world.run("sales")
    world.run("sales")
    assert world.stale() == set()


def test_a_month_that_comes_out_the_same_keeps_its_metadata(world: World):
    world.run("sales")
    wanted = dg.AssetRecordsFilter(asset_key=asset_key(SALES), asset_partitions=[FEBRUARY])
    events = [
        record.asset_materialization
        for record in world.instance.fetch_materializations(wanted, limit=9).records
    ]
    assert len(events) == 3, "of two runs, and one with the version of before"
    assert {e.metadata["dagster/partition_row_count"].value for e in events if e} == {1}


def test_a_month_that_changes_makes_it_and_the_months_that_look_back_on_it_stale(world: World):
    world.amounts[FEBRUARY] = 2
    world.run("sales")
    assert world.stale() == {("total", FEBRUARY), ("total", MARCH)}
    world.run("sales")
    assert world.stale() == {("total", FEBRUARY), ("total", MARCH)}, "still to be followed"
    world.run("total")
    assert world.stale() == set()


def test_files_that_have_changed_make_what_is_read_from_them_stale(world: World):
    observe(world.instance, FILES, "changed")
    assert world.stale() == {(table.name, m) for table in (SALES, SILENT) for m in MONTHS}
    world.run("sales")
    assert world.stale() == set()


def test_the_same_version_is_recorded_once(world: World):
    count = len(world.instance.fetch_observations(FILES, limit=9).records)
    observe(world.instance, FILES, str(world.amounts))
    assert len(world.instance.fetch_observations(FILES, limit=9).records) == count == 1
    observe(world.instance, FILES, "changed")
    assert len(world.instance.fetch_observations(FILES, limit=9).records) == 2
