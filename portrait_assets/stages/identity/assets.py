"""Assets of the identity room: the identity map, aliases and the models of linkage, in one step."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.resolving.identify import identify
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.source import Source
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.reading import scan
from portrait_assets.storage.steps import BEFORE, EVER, THE_MONTH, read

TABLES = (IDENTITY_MAP, CUSTOMER_ALIAS, LINKAGE_MODEL)
NAMING = tuple(read(c.raw_table(), THE_MONTH) for c in CANONICAL if c.names_a_customer)
RECORDS = read(CUSTOMERS.raw_table(), EVER)
BEFORE_IT = (read(IDENTITY_MAP, BEFORE), read(LINKAGE_MODEL, BEFORE))


def identity_assets(
    source: Source, partitions: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The step that finds which records are one customer's."""
    definition = source.definition
    conventions = source.conventions

    @tables_asset(
        "identity_map",
        TABLES,
        partitions,
        reads=(*NAMING, *((RECORDS,) if definition.identity else ()), *BEFORE_IT),
    )
    def identity_map(context: dg.AssetExecutionContext) -> Iterator[dg.Output[pl.DataFrame]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        with warehouse.sparing_memory():
            identified = identify(
                [scan(warehouse, source, months) for source in NAMING],
                scan(warehouse, RECORDS, months).collect()
                if definition.identity
                else RECORDS.table.empty(),
                warehouse.history(IDENTITY_MAP, before=months[0]),
                warehouse.history(LINKAGE_MODEL, before=months[0]),
                months,
                definition.identity,
                conventions,
                source.own_folder,
            )
        yield dg.Output(identified.identity_map, IDENTITY_MAP.name)
        yield dg.Output(identified.aliases, CUSTOMER_ALIAS.name)
        yield dg.Output(identified.models, LINKAGE_MODEL.name)

    return [identity_map]
