"""Assets of the raw room: the source read once, its rows placed in their months."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.raw.contract import CANONICAL, RECEIPTS, UNPLACED
from portrait_assets.raw.placing import placings, receipts
from portrait_assets.raw.reading import SourceReader
from portrait_assets.raw.source import Source
from portrait_assets.warehouse.asset import tables_asset
from portrait_assets.warehouse.contract import Table

TABLES: tuple[Table, ...] = (
    *(canonical.raw_table() for canonical in CANONICAL),
    RECEIPTS,
    UNPLACED,
)


def raw_assets(source: Source, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The step that reads the source; a table that it does not provide stays empty."""

    @tables_asset("raw", TABLES, partitions)
    def raw(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        with SourceReader(context.resources.warehouse.warehouse.con, source) as reader:
            # Every SQL is checked here, before anything is written.
            placed = placings(reader)
            for canonical in CANONICAL:
                placing = placed.get(canonical.name)
                rows = placing.rows(months) if placing else canonical.raw_table().empty()
                yield dg.Output(rows, canonical.name)
            names = [canonical.name for canonical in CANONICAL]
            yield dg.Output(receipts(placed, names, months), RECEIPTS.name)
            unplaced = pl.concat([UNPLACED.empty(), *(p.unplaced() for p in placed.values())])
            yield dg.Output(unplaced.filter(pl.col("month").is_in(months)), UNPLACED.name)

    return [raw]
