"""Asset of the validation room: the findings of each month."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.cleaned.contract import CLEANED, REJECTS
from portrait_assets.clusters.contract import CLUSTER_SEGMENT
from portrait_assets.features.contract import FEATURE_MATRIX
from portrait_assets.months import last_day
from portrait_assets.raw.contract import RECEIPTS
from portrait_assets.tags.contract import TAG_CATALOGUE, TAG_TABLE
from portrait_assets.validation import findings
from portrait_assets.validation.contract import VALIDATION_REPORT
from portrait_assets.warehouse.asset import tables_asset
from portrait_assets.warehouse.checks import CHECK_RESULTS
from portrait_assets.warehouse.store import Warehouse

TABLES = (VALIDATION_REPORT,)
# What the findings are read from; a month's checks of these tables have all run before.
READ = (
    RECEIPTS,
    *CLEANED.values(),
    REJECTS,
    FEATURE_MATRIX,
    CLUSTER_SEGMENT,
    TAG_TABLE,
    TAG_CATALOGUE,
)


def validation_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The step that judges each month."""

    @tables_asset(
        "validation_report",
        TABLES,
        partitions,
        deps=READ,
    )
    def validation_report(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        yield dg.Output((report_of(warehouse, month) for month in months), VALIDATION_REPORT.name)

    return [validation_report]


def report_of(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """All findings of a month, as `validation.validation_report` holds them."""
    receipts = warehouse.read(RECEIPTS, [month])
    kept = pl.DataFrame(
        [(name, warehouse.made(table)[month]) for name, table in CLEANED.items()],
        schema={"table_name": pl.String, "kept": pl.Int64},
        orient="row",
    )
    customers = warehouse.made(FEATURE_MATRIX)[month]
    codes = warehouse.read(TAG_CATALOGUE, [month])["tag_code"].unique().to_list()
    found = [
        findings.conservation(receipts, kept, warehouse.read(REJECTS, [month])),
        findings.not_provided(receipts),
        findings.check_results(_results_so_far(warehouse, month)),
        findings.segment_sizes(warehouse.read(CLUSTER_SEGMENT, [month])),
        findings.tag_coverage(warehouse.read(TAG_TABLE, [month]), codes, customers),
    ]
    return pl.concat(found).with_columns(pl.lit(last_day(month)).alias("as_of"))


def _results_so_far(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """Results of the rooms upstream; this room's own come after the report and may be older."""
    results = warehouse.read(CHECK_RESULTS, [month])
    return results.filter(~pl.col("table_name").str.starts_with("validation."))
