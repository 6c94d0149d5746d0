"""Assets of the clusters room: the active model, who is in which segment, and their profiles."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.errors import ClusterError
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.champions.active import (
    active_model,
    candidate_rows,
    kept_uses,
    model_rows,
)
from portrait_assets.stages.clusters.champions.tracking import migration_matrix
from portrait_assets.stages.clusters.contract import (
    CLUSTER_ASSIGNMENT,
    CLUSTER_CANDIDATES,
    CLUSTER_DECISION,
    CLUSTER_MIGRATION,
    CLUSTER_MODEL,
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
    CLUSTER_TYPICAL,
    USED_FEATURES,
)
from portrait_assets.stages.clusters.description import describe
from portrait_assets.stages.clusters.names.contract import SEGMENT_EVENT, SEGMENT_NAME
from portrait_assets.stages.clusters.names.given_names import given_names
from portrait_assets.stages.clusters.names.history.events import Month, segment_events
from portrait_assets.stages.clusters.names.history.stored import (
    name_rows,
    names_before,
    shown,
    shown_before,
)
from portrait_assets.stages.clusters.wealth.contract import WEALTH_DESCRIPTION, WEALTH_SEGMENT
from portrait_assets.stages.clusters.wealth.events import wealth_events
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURE_SELECTION
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.dagster.pictures import picture_metadata
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.reading import scan
from portrait_assets.storage.steps import BEFORE, THE_MONTH, read

MODEL_TABLES = (CLUSTER_MODEL, CLUSTER_CANDIDATES, CLUSTER_DECISION)
SEGMENT_TABLES = (
    CLUSTER_ASSIGNMENT,
    CLUSTER_SEGMENT,
    CLUSTER_PROFILE,
    CLUSTER_TYPICAL,
    CLUSTER_MIGRATION,
    SEGMENT_NAME,
    SEGMENT_EVENT,
)
TABLES = (*MODEL_TABLES, *SEGMENT_TABLES)
FEATURES = read(FEATURE_MATRIX, THE_MONTH)
SELECTIONS = read(FEATURE_SELECTION, THE_MONTH)
MODELS = read(CLUSTER_MODEL, THE_MONTH)
CANDIDATES = read(CLUSTER_CANDIDATES, THE_MONTH)
CHAMPION_BEFORE = (read(CLUSTER_MODEL, BEFORE), read(CLUSTER_CANDIDATES, BEFORE))
# Of the month before, too, where they are there: an older warehouse may lack them.
WEALTHY = tuple(read(table, THE_MONTH) for table in (WEALTH_DESCRIPTION, WEALTH_SEGMENT))
SEGMENTS_BEFORE = tuple(
    read(table, BEFORE)
    for table in (CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT, CLUSTER_PROFILE, SEGMENT_NAME)
)
KINDS = ("duckdb", "polars", "scikitlearn")
FEATURE_LABELS = {feature.name: feature.zh for feature in USED_FEATURES}


def rows_of(frame: pl.LazyFrame, month: str) -> pl.LazyFrame:
    """The month's rows of a table partitioned by as_of."""
    return frame.filter(pl.col("as_of") == last_day(month))


def of_month(frame: pl.LazyFrame, month: str) -> pl.DataFrame:
    """The month's rows of a table partitioned by as_of, as a frame."""
    return rows_of(frame, month).collect()


def dated(frame: pl.DataFrame, month: str) -> pl.DataFrame:
    """The frame as the month's partition."""
    return frame.with_columns(pl.lit(last_day(month)).alias("as_of"))


def with_customers(matrix: pl.DataFrame, month: str) -> pl.DataFrame:
    """The feature matrix of a month that has customers.

    Raises:
        ClusterError: when it has none.
    """
    if matrix.is_empty():
        raise ClusterError(
            f"nobody is a customer by the end of {month}; begin with a later first_month in "
            "source.yaml, or correct the rows that cleaned.rejects lists as set aside"
        )
    return matrix


def clusters_assets(
    source_folder: Path, partitions: dg.PartitionsDefinition, smallest: int
) -> list[dg.AssetsDefinition]:
    """The steps that keep the model, and that apply and describe it.

    Args:
        source_folder: with the names that people gave.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
    """

    @tables_asset(
        "cluster_model",
        MODEL_TABLES,
        partitions,
        reads=(FEATURES, SELECTIONS, read(FEATURE_MATRIX, BEFORE), *CHAMPION_BEFORE),
        kinds=KINDS,
    )
    def model(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        all_months = partitions.get_partition_keys()
        warehouse = context.resources.warehouse.warehouse
        features = scan(warehouse, FEATURES, months)
        selections = scan(warehouse, SELECTIONS, months)
        champion = model_before(warehouse, months[0])
        before = matrix_before(warehouse, months[0])
        rows: dict[Table, list[pl.DataFrame]] = {table: [table.empty()] for table in MODEL_TABLES}
        for month in warehouse.place.each(months):
            matrix = with_customers(of_month(features, month), month)
            uses = kept_uses(of_month(selections, month))
            history = all_months.index(month) + 1
            champion, decision = active_model(matrix, history, champion, uses, before)
            before = rows_of(features, month)
            rows[CLUSTER_MODEL].append(dated(model_rows(champion), month))
            rows[CLUSTER_CANDIDATES].append(dated(candidate_rows(champion), month))
            rows[CLUSTER_DECISION].append(dated(pl.DataFrame([decision]), month))
        for table, frames in rows.items():
            yield dg.Output(pl.concat(frames, how="diagonal_relaxed"), table.name)

    @tables_asset(
        "clusters",
        SEGMENT_TABLES,
        partitions,
        reads=(FEATURES, MODELS, CANDIDATES, *WEALTHY, *SEGMENTS_BEFORE),
        kinds=KINDS,
    )
    def clusters(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        given = given_names(source_folder)
        warehouse = context.resources.warehouse.warehouse
        features, models, candidates = (
            scan(warehouse, source, months) for source in (FEATURES, MODELS, CANDIDATES)
        )
        rest: dict[Table, list[pl.DataFrame]] = {t: [t.empty()] for t in SEGMENT_TABLES[1:]}

        def assignments() -> Iterator[pl.DataFrame]:
            previous = warehouse.last_before(CLUSTER_ASSIGNMENT, months[0])
            names = names_before(warehouse, months[0])
            earlier = shown_before(warehouse, months[0])
            for month in warehouse.place.each(months):
                matrix = of_month(features, month)
                rows = of_month(models, month)
                model = ClusterModel.from_rows(rows, of_month(candidates, month))
                assigned = assign(model, matrix, previous).with_columns(
                    pl.lit(model.version).alias("model_version")
                )
                is_new = previous is None or model.version != previous["model_version"].first()
                segments, profile, typical, naming = describe(
                    matrix, assigned, model, is_new, given, last_day(month), names, smallest
                )
                events = segment_events(
                    None if previous is None else Month(*earlier, previous),
                    Month(*shown(segments), assigned),
                    naming.moved,
                    {each.segment_id: each for each in model.segments} if is_new else {},
                    smallest,
                )
                names, earlier = naming.names, shown(segments)
                rest[SEGMENT_NAME].append(dated(name_rows(names), month))
                rest[SEGMENT_EVENT].append(dated(events, month))
                of_wealth = wealth_events(warehouse, month, smallest)
                rest[SEGMENT_EVENT].append(dated(of_wealth, month))
                rest[CLUSTER_SEGMENT].append(dated(segments, month))
                rest[CLUSTER_PROFILE].append(dated(profile, month))
                rest[CLUSTER_TYPICAL].append(dated(typical, month))
                if previous is not None:
                    moved = migration_matrix(previous, assigned, smallest)
                    rest[CLUSTER_MIGRATION].append(dated(moved, month))
                if month == months[-1]:
                    context.add_asset_metadata(
                        picture_metadata(
                            "portrait_assets.stages.clusters.pictures.plots:of_segments",
                            *(model, matrix, segments, profile, FEATURE_LABELS),
                        ),
                        asset_key(CLUSTER_SEGMENT),
                        month,
                    )
                previous = assigned
                yield dated(assigned, month)

        yield dg.Output(assignments(), CLUSTER_ASSIGNMENT.name)
        for table, frames in rest.items():
            yield dg.Output(pl.concat(frames, how="diagonal_relaxed"), table.name)

    return [model, clusters]


def model_before(warehouse: Warehouse, month: str) -> ClusterModel | None:
    """The active model of the newest month materialized before this one; None without one."""
    rows = warehouse.last_before(CLUSTER_MODEL, month)
    if rows is None:
        return None
    return ClusterModel.from_rows(rows, warehouse.last_before(CLUSTER_CANDIDATES, month))


def matrix_before(warehouse: Warehouse, month: str) -> pl.LazyFrame | None:
    """The feature matrix of the newest month materialized before this one; None without one."""
    earlier = [each for each in warehouse.materialized(FEATURE_MATRIX) if each < month]
    return warehouse.scan(FEATURE_MATRIX, [max(earlier)]) if earlier else None
