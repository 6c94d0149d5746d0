"""Assets of the cleaned room: identities first, then the typed tables and what was set aside."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.cleaned.clean import clean
from portrait_assets.cleaned.contract import CLEANED, IDENTITY_MAP, REJECTS
from portrait_assets.cleaned.identity import new_identities, with_customer_id
from portrait_assets.months import month_batches
from portrait_assets.raw.contract import CANONICAL, Canonical
from portrait_assets.raw.source import Source
from portrait_assets.warehouse.asset import all_months_in, month_in, tables_asset

TABLES = (IDENTITY_MAP, *CLEANED.values(), REJECTS)


def cleaned_assets(
    source: Source, partitions: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The steps that find who is who and that type every raw table."""
    raw_ins = {canonical.name: month_in(canonical.raw_table()) for canonical in CANONICAL}

    @tables_asset(
        "identity_map",
        [IDENTITY_MAP],
        partitions,
        ins={c.name: raw_ins[c.name] for c in CANONICAL if c.names_a_customer},
    )
    def identity_map(context: dg.AssetExecutionContext, **raw: pl.LazyFrame) -> pl.DataFrame:
        warehouse = context.resources.warehouse.warehouse
        known = warehouse.history(IDENTITY_MAP, before=context.partition_keys[0])
        return new_identities(raw.values(), known)

    @tables_asset(
        "cleaned",
        [*CLEANED.values(), REJECTS],
        partitions,
        ins={**raw_ins, "identity_map": all_months_in(IDENTITY_MAP, partitions)},
    )
    def cleaned(
        context: dg.AssetExecutionContext, identity_map: pl.DataFrame, **raw: pl.LazyFrame
    ) -> Iterator[dg.Output[object]]:
        made = context.resources.warehouse.warehouse.made
        rejects = [REJECTS.empty()]

        def kept(canonical: Canonical) -> Iterator[pl.DataFrame]:
            rows = made(canonical.raw_table())
            for first, last in month_batches(list(context.partition_keys), rows):
                received = raw[canonical.name].filter(
                    pl.col("month") >= first, pl.col("month") <= last
                )
                found = clean(received.collect(), canonical, source.definition.time_zone)
                rejects.append(found.rejects)
                if canonical.names_a_customer:
                    yield with_customer_id(found.kept, identity_map)
                else:
                    yield found.kept

        for canonical in CANONICAL:
            yield dg.Output(kept(canonical), canonical.name)
        yield dg.Output(pl.concat(rejects), REJECTS.name)

    return [identity_map, cleaned]
