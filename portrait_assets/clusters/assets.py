"""Assets of the clusters room: the model in force, who is in which segment, what each is like."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.clusters.contract import (
    CLUSTER_ASSIGNMENT,
    CLUSTER_MODEL,
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
    VALUE_FEATURE,
)
from portrait_assets.clusters.in_force import USES, model_in_force, model_rows
from portrait_assets.clusters.model import ClusterModel, assign
from portrait_assets.clusters.naming import name_segments
from portrait_assets.clusters.profile import profile_segments, segment_sizes
from portrait_assets.features.contract import FEATURE_MATRIX
from portrait_assets.months import last_day
from portrait_assets.warehouse.asset import month_in, tables_asset

TABLES = (CLUSTER_MODEL, CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT, CLUSTER_PROFILE)
KINDS = ("duckdb", "polars", "scikitlearn")


def of_month(frame: pl.LazyFrame, month: str) -> pl.DataFrame:
    """The month's rows of a table partitioned by as_of."""
    return frame.filter(pl.col("as_of") == last_day(month)).collect()


def dated(frame: pl.DataFrame, month: str) -> pl.DataFrame:
    """The frame as the month's partition."""
    return frame.with_columns(pl.lit(last_day(month)).alias("as_of"))


def clusters_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The steps that keep the model, and that apply and describe it."""

    @tables_asset(
        "cluster_model",
        [CLUSTER_MODEL],
        partitions,
        ins={"features": month_in(FEATURE_MATRIX)},
        kinds=KINDS,
    )
    def model(
        context: dg.AssetExecutionContext, features: pl.LazyFrame
    ) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse

        def each() -> Iterator[pl.DataFrame]:
            earlier = warehouse.last_before(CLUSTER_MODEL, months[0])
            champion = None if earlier is None else ClusterModel.from_rows(earlier)
            known = partitions.get_partition_keys()
            for month in months:
                history = known.index(month) + 1
                champion = model_in_force(of_month(features, month), history, champion)
                yield dated(model_rows(champion), month)

        yield dg.Output(each(), CLUSTER_MODEL.name)

    @tables_asset(
        "clusters",
        [CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT, CLUSTER_PROFILE],
        partitions,
        ins={"features": month_in(FEATURE_MATRIX), "models": month_in(CLUSTER_MODEL)},
        kinds=KINDS,
    )
    def clusters(
        context: dg.AssetExecutionContext, features: pl.LazyFrame, models: pl.LazyFrame
    ) -> Iterator[dg.Output[object]]:
        profiles: list[pl.DataFrame] = [CLUSTER_PROFILE.empty()]
        segments: list[pl.DataFrame] = [CLUSTER_SEGMENT.empty()]

        def assignments() -> Iterator[pl.DataFrame]:
            for month in context.partition_keys:
                matrix = of_month(features, month)
                model = ClusterModel.from_rows(of_month(models, month))
                assigned = assign(model, matrix)
                profile, described = describe(matrix, assigned, model)
                profiles.append(dated(profile, month))
                segments.append(dated(described, month))
                yield dated(assigned, month).with_columns(
                    pl.lit(model.version).alias("model_version")
                )

        yield dg.Output(assignments(), CLUSTER_ASSIGNMENT.name)
        yield dg.Output(pl.concat(segments, how="diagonal"), CLUSTER_SEGMENT.name)
        yield dg.Output(pl.concat(profiles, how="diagonal"), CLUSTER_PROFILE.name)

    return [model, clusters]


def describe(
    matrix: pl.DataFrame, assigned: pl.DataFrame, model: ClusterModel
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The profile of every segment and its name, size and value, without the month."""
    profile = profile_segments(matrix, assigned, USES, VALUE_FEATURE)
    named = (
        segment_sizes(matrix, assigned, VALUE_FEATURE)
        .join(name_segments(profile), on="segment_id", how="left")
        .with_columns(
            pl.col("name_en").fill_null(pl.format("segment {}", "segment_id")),
            pl.col("name_zh").fill_null(pl.format("客群{}", "segment_id")),
            pl.lit(model.version).alias("model_version"),
        )
    )
    kept = [name for name in CLUSTER_PROFILE.column_names if name != "as_of"]
    return profile.select(kept), named
