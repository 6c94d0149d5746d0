"""Assets of the validation stage: its evidence, and the findings of each month."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.machine.threads import one_thread
from portrait_assets.core.months import last_day
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.markdown import markdown_table
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.accounting.completeness import COMPLETENESS
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.cleaned.contract import CLEANED, QUALITY, REJECTS
from portrait_assets.stages.clusters.contract import CLUSTER_DECISION, CLUSTER_SEGMENT
from portrait_assets.stages.clusters.micro.contract import MICRO_PROOF
from portrait_assets.stages.clusters.wealth.contract import WEALTH_DECISION
from portrait_assets.stages.features.contract import FEATURE_SELECTION
from portrait_assets.stages.features.given import SOURCE_EVIDENCE
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.predictions.backtests.closed import BACKTEST_TABLES, PAST
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE
from portrait_assets.stages.predictions.value.contract import VALUE_MODEL
from portrait_assets.stages.predictions.value.contracts.contract import CONTRACT_MODEL
from portrait_assets.stages.raw.contract import RECEIPTS, UNPLACED
from portrait_assets.stages.tags.audiences.saved_audiences import SavedAudience
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, TAG_QUALITY, portrait_matrix_table
from portrait_assets.stages.validation.backtests.claims import claims_of_catalogue
from portrait_assets.stages.validation.contract import (
    BACKTEST,
    BACKTEST_BUCKET,
    DRIFT,
    FAIRNESS,
    MIGRATION,
    TAG_PROPOSAL,
    UNIQUENESS,
    VALIDATION_REPORT,
    Verdict,
)
from portrait_assets.stages.validation.fairness.offers import READ as OFFERS
from portrait_assets.stages.validation.findings.identifiers import IDENTIFIED
from portrait_assets.stages.validation.judging import evidence_of, holders, report_of
from portrait_assets.stages.validation.predictions.scores import READ as SCORE_TABLES
from portrait_assets.stages.validation.uniqueness import uniqueness
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.steps import EVER, THE_MONTH, read

EVIDENCE = (DRIFT, MIGRATION, BACKTEST, BACKTEST_BUCKET, TAG_PROPOSAL, FAIRNESS)
TABLES = (*EVIDENCE, UNIQUENESS, VALIDATION_REPORT)
PREDICTED = (
    *SCORE_TABLES,
    *BACKTEST_TABLES,
    *(CREDIT_CURVE, VALUE_MODEL, CONTRACT_MODEL),
)
"""What models and cards are judged from."""
# What the findings are read from; a month's checks of these tables have all run before.
READ = (
    *(
        read(table, THE_MONTH)
        for table in (
            RECEIPTS,
            UNPLACED,
            CATEGORY_COLUMNS,
            *CLEANED.values(),
            REJECTS,
            QUALITY,
            FEATURE_SELECTION,
            SOURCE_EVIDENCE,
            CLUSTER_DECISION,
            CLUSTER_SEGMENT,
            TAG_CATALOGUE,
            TAG_QUALITY,
            # One of each further step, whose checks are counted.
            *(COMPLETENESS, WEALTH_DECISION, MICRO_PROOF, PRODUCT_RULE),
            # Of earlier months, too, where they are there: an older warehouse may lack them.
            *PREDICTED,
        )
    ),
    *(read(table, EVER) for table in IDENTIFIED),
    *OFFERS,
    *PAST,
)


def validation_assets(
    catalogue: Catalogue,
    quasi: QuasiIdentifiers,
    audiences: Sequence[SavedAudience],
    partitions: dg.PartitionsDefinition,
    smallest: int,
    counted: Iterable[Table] = (),
) -> list[dg.AssetsDefinition]:
    """The step that judges each month.

    Args:
        catalogue: of the source.
        quasi: the source's quasi-identifiers.
        audiences: the saved ones.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
        counted: further tables whose checks are counted, of rooms that nothing is read of.
    """
    matrix, claims = portrait_matrix_table(catalogue), claims_of_catalogue(catalogue)
    read_by = {audience.code: audience.where.columns for audience in audiences}

    @tables_asset(
        "validation",
        TABLES,
        partitions,
        reads=(*READ, read(matrix, EVER)),
        external=[asset_key(table) for table in counted],
    )
    def validation(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        # Hundreds of small products, after each of which another thread would wait for more.
        with one_thread():
            evidence = evidence_of(warehouse, catalogue, months, read_by, smallest)
        for table, rows in evidence.items():
            for month in months:
                own = rows.filter(pl.col("as_of") == last_day(month)).drop("as_of")
                context.add_asset_metadata({"table": shown(own)}, asset_key(table), month)
            yield dg.Output(rows, table.name)
        yield dg.Output(uniqueness(warehouse, matrix, quasi, months), UNIQUENESS.name)
        tag_holders = holders(warehouse, matrix, [tag.code for tag in catalogue.published], months)
        reports = []
        for month in warehouse.place.each(months):
            reports.append(
                report_of(warehouse, matrix, claims, evidence, tag_holders, month, smallest)
            )
            metadata = {
                "verdicts": verdicts(reports[-1]),
                "look_first": shown(alarming(reports[-1])),
            }
            context.add_asset_metadata(metadata, asset_key(VALIDATION_REPORT), month)
        yield dg.Output(pl.concat(reports), VALIDATION_REPORT.name)

    return [validation]


def verdicts(report: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """How many findings of each area have which verdict."""
    counts = report.pivot("verdict", index="area", values="metric", aggregate_function="len")
    order = [str(verdict) for verdict in Verdict if str(verdict) in counts.columns]
    return shown(counts.select("area", *order).fill_null(0).sort("area"))


def alarming(report: pl.DataFrame) -> pl.DataFrame:
    """The findings with the verdict fail, and then those with warn."""
    order = pl.col("verdict").replace_strict({"fail": 0, "warn": 1}, default=2)
    ranked = report.with_columns(order=order).filter(pl.col("order") < 2).sort("order")
    return ranked.select("verdict", "area", "subject", "metric", "value", "advice_en")


def shown(rows: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The first rows as a table."""
    return dg.MetadataValue.md(markdown_table(rows))
