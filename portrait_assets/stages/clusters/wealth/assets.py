"""The asset of wealth segments."""

from collections.abc import Iterator

import dagster as dg

from portrait_assets.stages.clusters.wealth.contract import (
    TABLES,
    WEALTH_DECISION,
    WEALTH_DESCRIPTION,
    WEALTH_MODEL,
    WEALTH_PROOF,
    WEALTH_SEGMENT,
)
from portrait_assets.stages.clusters.wealth.inputs import HELD, OBJECTED, TRAITS_OF
from portrait_assets.stages.clusters.wealth.run import WealthRun
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import UNPROFILED
from portrait_assets.stages.targets.contract import PRODUCT_TARGET
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.steps import BEFORE, EVER, THE_MONTH, Read, read, upstream

# A warehouse of an older version lacks these of its first months, whose windows are left out.
ADDED = (CONSENT_DEFAULT, CUSTOMER_CONSENT, UNPROFILED, PRODUCT_TARGET)
# What else is read of the month is read of the two earlier ones as well.
READS = (
    *dict.fromkeys(
        read(each.table, THE_MONTH if each.table in ADDED else EVER)
        for each in upstream(TRAITS_OF, HELD, OBJECTED)
        if isinstance(each, Read)
    ),
    read(PRODUCT_TARGET, THE_MONTH),
    *(
        read(table, BEFORE)
        for table in (
            WEALTH_MODEL,
            WEALTH_SEGMENT,
            WEALTH_DESCRIPTION,
            WEALTH_PROOF,
            WEALTH_DECISION,
        )
    ),
)


def wealth_assets(
    partitions: dg.PartitionsDefinition, asked: int, smallest: int
) -> list[dg.AssetsDefinition]:
    """The step that makes the wealth segments.

    Args:
        partitions: the source's months.
        asked: how many segments.
        smallest: fewest customers that a number may rest on.
    """

    @tables_asset(
        "wealth", TABLES, partitions, reads=READS, kinds=("duckdb", "polars", "scikitlearn")
    )
    def wealth(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months, all_months = list(context.partition_keys), partitions.get_partition_keys()
        run = WealthRun(context.resources.warehouse.warehouse, months, all_months, asked, smallest)
        yield dg.Output(run.segments(), WEALTH_SEGMENT.name)
        for table in TABLES[1:]:
            yield dg.Output(run.rows(table), table.name)

    return [wealth]
