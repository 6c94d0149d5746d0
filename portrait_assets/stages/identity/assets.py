"""Assets of the identity room: the identity map, aliases and the models of linkage, in one step."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.stages.identity.identify import identify
from portrait_assets.stages.raw.contract import CANONICAL, CUSTOMERS
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.dagster.asset import month_in, tables_asset
from portrait_assets.storage.duckdb.store import Warehouse

RAW_CUSTOMERS = CUSTOMERS.raw_table()
TABLES = (IDENTITY_MAP, CUSTOMER_ALIAS, LINKAGE_MODEL)


def identity_assets(
    source: Source, partitions: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The step that finds which records are one customer's."""
    definition = source.definition
    conventions = Conventions(definition.time_zone, definition.country, definition.rules)

    @tables_asset(
        "identity_map",
        TABLES,
        partitions,
        ins={c.name: month_in(c.raw_table()) for c in CANONICAL if c.names_a_customer},
    )
    def identity_map(
        context: dg.AssetExecutionContext, **raw: pl.LazyFrame
    ) -> Iterator[dg.Output[pl.DataFrame]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        with warehouse.sparing_memory():
            identified = identify(
                raw.values(),
                _all_records(warehouse, months[-1])
                if definition.identity
                else RAW_CUSTOMERS.empty(),
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


def _all_records(warehouse: Warehouse, last: str) -> pl.DataFrame:
    months = [month for month in warehouse.materialized(RAW_CUSTOMERS) if month <= last]
    return warehouse.read(RAW_CUSTOMERS, months)
