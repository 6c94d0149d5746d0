"""Assets of the raw room: the source read once, its rows placed in their months."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import dagster as dg
import polars as pl

from portrait_assets.privacy.tombstones import Tombstones
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.contract import CANONICAL, CANONICAL_BY_NAME, RECEIPTS, UNPLACED
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.raw.placing.currencies import check_currencies
from portrait_assets.stages.raw.placing.founding import require_rows
from portrait_assets.stages.raw.placing.months import Placing, placings, unplaced_lines
from portrait_assets.stages.raw.placing.receipts import Unread, receipts
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.dagster.asset import OWNER, tables_asset
from portrait_assets.storage.duckdb.rows import Written
from portrait_assets.storage.duckdb.store import Warehouse

SOURCE_FILES = dg.AssetKey(["raw", "source_files"])
"""What the raw tables are read from."""
TABLES: tuple[Table, ...] = (
    *(canonical.raw_table() for canonical in CANONICAL),
    RECEIPTS,
    UNPLACED,
)


def source_files(source: Source) -> dg.AssetsDefinition:
    """The files and definitions of a source, observed by a digest of them.

    Runs and the sensor record it too; until the raw tables have been read again, Dagster marks
    them as stale.
    """

    spec = dg.AssetSpec(
        SOURCE_FILES,
        group_name="raw",
        description="The source's files and definitions, by digest / 数据源文件与定义的摘要",
        owners=[OWNER],
        kinds={"file"},
    )

    # Dagster leaves the decorator without types.
    @dg.multi_observable_source_asset(specs=[spec], name="source_files")  # type: ignore[untyped-decorator]
    def files() -> dg.ObserveResult:
        return dg.ObserveResult(data_version=dg.DataVersion(inputs_of(source).version))

    observed: dg.AssetsDefinition = files
    return observed


def raw_assets(
    source: Source,
    partitions: dg.PartitionsDefinition,
    erased: Callable[[], Tombstones] = Tombstones,
) -> list[dg.AssetsDefinition]:
    """The step that reads the source; a table that it does not provide stays empty.

    A table whose file cannot be read keeps its rows, and the others are materialized. Rows of
    people of whom `erased` has a tombstone are not stored.
    """

    @tables_asset("raw", TABLES, partitions, external=[SOURCE_FILES])
    def raw(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        tombstones = erased()
        at = partial(_at, warehouse, months)
        with SourceReader(warehouse.con, source, warehouse.scratch_folder()) as reader:
            # Every SQL is checked here, before anything is written.
            kept_from = _kept_from(source, warehouse)
            placed: dict[str, Placing] = {}
            for name in source.provided:
                with at(name):
                    placed |= placings(reader, tombstones, kept_from, [name])
            for name, each in placed.items():
                with at(name):
                    each.dates.require_readable()
            require_rows(placed, source.provided)
            check_currencies(source, placed)
            unread: dict[str, Unread] = {}
            for canonical in CANONICAL:
                if problem := canonical.name in source.provided and reader.problem(canonical.name):
                    stands = _as_it_stands(warehouse, canonical.raw_table(), months)
                    unread[canonical.name] = Unread(problem, stands.counts)
                    yield dg.Output(stands, canonical.name)
                    continue
                placing = placed.get(canonical.name)
                # To keep all rows for one month of many takes longer than to look twice.
                of_all = months == source.months() and placing and not placing.is_read_fast
                if placing and (of_all or placing.is_derived):
                    with at(canonical.name):
                        placing = placed[canonical.name] = placing.kept()
                rows = placing.rows(months) if placing else canonical.raw_table().empty()
                yield dg.Output(rows, canonical.name)
            found, strays = [], [UNPLACED.empty()]
            for name in CANONICAL_BY_NAME:
                with at(name):
                    found.append(receipts(placed, [name], months, unread))
                    if found[-1]["rows_unplaced"].sum():
                        strays.append(placed[name].unplaced())
            yield dg.Output(pl.concat(found), RECEIPTS.name)
            unplaced = pl.concat([*strays, *_lines_of_no_table(source, reader)])
            here = unplaced.filter(pl.col("month").is_in(months)).sort("table_name", "source_row")
            yield dg.Output(here, UNPLACED.name)

    return [raw]


def _at(warehouse: Warehouse, months: list[str], name: str) -> AbstractContextManager[None]:
    """An error within is noted with the raw table of that name."""
    return warehouse.place.noted(CANONICAL_BY_NAME[name].raw_table().full_name, months)


def _kept_from(source: Source, warehouse: Warehouse) -> dict[str, str]:
    """By table whose rows age, the first month that is read.

    Rows that have just become too old stay until `portrait retain` removes them; that a new month
    has come must not change an old one.
    """
    found = {}
    for name, first in source.kept_from.items():
        canonical = CANONICAL_BY_NAME[name]
        table = canonical.raw_table()
        found[name] = first
        if warehouse.materialized(table):
            past = source.is_past(canonical, first, table.column_names)
            sql = f"SELECT min(month) AS month FROM {table.full_name} WHERE {past}"
            found[name] = warehouse.select(sql)["month"].item() or first
    return found


def _as_it_stands(warehouse: Warehouse, table: Table, months: list[str]) -> Written:
    """The table's months left alone; one that was never materialized is written without rows."""
    if missing := [month for month in months if month not in warehouse.materialized(table)]:
        warehouse.write(table, missing, table.empty())
    row_counts = warehouse.materialized(table)
    return Written({month: row_counts[month] for month in months})


def _lines_of_no_table(source: Source, reader: SourceReader) -> Iterator[pl.DataFrame]:
    """Broken lines of files from which tables are only derived; they are listed by file."""
    claimed = {source.rows_of(table) for table in source.provided}
    for name in source.definition.files:
        if name not in claimed:
            yield unplaced_lines(reader.broken_lines(name), name, source.months()[0])
