"""Assets of the tags room: the catalogue in force, the tag table and the portrait matrix."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.features.contract import FEATURE_MATRIX
from portrait_assets.months import last_day
from portrait_assets.tags.listing import catalogue_rows
from portrait_assets.tags.contract import TAG_CATALOGUE, TAG_TABLE, portrait_matrix_table
from portrait_assets.tags.evaluate import Evaluation, evaluate
from portrait_assets.tags.tag import Catalogue
from portrait_assets.warehouse.asset import month_in, tables_asset
from portrait_assets.warehouse.contract import Table


def tag_tables(catalogue: Catalogue) -> tuple[Table, ...]:
    """The tables of the room; the portrait matrix has a column per tag of the catalogue."""
    return (TAG_CATALOGUE, TAG_TABLE, portrait_matrix_table(catalogue))


def tags_assets(
    catalogue: Catalogue, partitions: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The step that applies the catalogue to the features and segments of each month."""
    matrix_table = portrait_matrix_table(catalogue)

    @tables_asset(
        "tags",
        tag_tables(catalogue),
        partitions,
        ins={
            "features": month_in(FEATURE_MATRIX),
            "assignments": month_in(CLUSTER_ASSIGNMENT),
            "segments": month_in(CLUSTER_SEGMENT),
        },
    )
    def tags(
        context: dg.AssetExecutionContext,
        features: pl.LazyFrame,
        assignments: pl.LazyFrame,
        segments: pl.LazyFrame,
    ) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        matrices: list[pl.DataFrame] = []

        def tag_tables_by_month() -> Iterator[pl.DataFrame]:
            earlier = warehouse.last_before(TAG_TABLE, months[0])
            for month in months:
                here = pl.col("as_of") == last_day(month)
                evaluated: Evaluation = evaluate(
                    catalogue,
                    features.filter(here).collect(),
                    named_segments(assignments.filter(here), segments.filter(here)).collect(),
                    earlier,
                    last_day(month),
                )
                earlier = evaluated.tag_table
                matrices.append(evaluated.portrait_matrix)
                yield evaluated.tag_table

        catalogues = [catalogue_rows(catalogue, last_day(month)) for month in months]
        yield dg.Output(pl.concat(catalogues), TAG_CATALOGUE.name)
        yield dg.Output(tag_tables_by_month(), TAG_TABLE.name)
        yield dg.Output(matrices, matrix_table.name)

    return [tags]


def named_segments(assignments: pl.LazyFrame, segments: pl.LazyFrame) -> pl.LazyFrame:
    """Each customer's segment with its name, as tag expressions read it."""
    names = segments.select(
        "segment_id",
        pl.col("name_en").alias("segment_name_en"),
        pl.col("name_zh").alias("segment_name_zh"),
    )
    return assignments.select("customer_id", "segment_id", "confidence").join(
        names, on="segment_id", how="left"
    )
