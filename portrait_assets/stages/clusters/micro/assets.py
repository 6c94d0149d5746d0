"""The asset of micro-segments."""

from collections.abc import Iterator, Sequence

import dagster as dg

from portrait_assets.stages.clusters.contract import (
    CLUSTER_ASSIGNMENT,
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
)
from portrait_assets.stages.clusters.micro.contract import MICRO_SEGMENT, TABLES
from portrait_assets.stages.clusters.micro.habits import BOUGHT, MANNER
from portrait_assets.stages.clusters.micro.run import MicroRun
from portrait_assets.stages.clusters.wealth.contract import WEALTH_SEGMENT
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import UNPROFILED
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.labels import tables_read
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.steps import BEFORE, EVER, THE_MONTH, Read, read, upstream


def micro_assets(
    partitions: dg.PartitionsDefinition, outcomes: Sequence[Outcome], smallest: int
) -> list[dg.AssetsDefinition]:
    """The step that finds the parts of segments.

    Args:
        partitions: the source's months.
        outcomes: the targets that parts are held against.
        smallest: fewest customers that a number may rest on.
    """
    looked_at = [each.table for each in upstream(BOUGHT, MANNER) if isinstance(each, Read)]
    looked_at += [CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT]
    # A warehouse of an older version lacks these of its first months, which are left out.
    added = [CONSENT_DEFAULT, CUSTOMER_CONSENT, UNPROFILED, WEALTH_SEGMENT]
    added += [table for outcome in outcomes for table in tables_read(outcome)]
    reads = (
        *(read(table, EVER) for table in dict.fromkeys(looked_at) if table not in added),
        *(read(table, THE_MONTH) for table in dict.fromkeys((CLUSTER_PROFILE, *added))),
        *(read(table, BEFORE) for table in TABLES),
    )

    @tables_asset(
        "micro", TABLES, partitions, reads=reads, kinds=("duckdb", "polars", "scikitlearn")
    )
    def micro(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months, all_months = list(context.partition_keys), partitions.get_partition_keys()
        warehouse = context.resources.warehouse.warehouse
        run = MicroRun(warehouse, months, all_months, outcomes, smallest)
        yield dg.Output(run.segments(), MICRO_SEGMENT.name)
        for table in TABLES[1:]:
            yield dg.Output(run.rows(table), table.name)

    return [micro]
