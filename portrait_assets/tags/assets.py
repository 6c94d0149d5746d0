"""Assets of the tags room: the catalogue in force, the tag table and the portrait matrix."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.features.contract import FEATURE_MATRIX
from portrait_assets.months import last_day
from portrait_assets.tags.contract import TAG_CATALOGUE, TAG_TABLE, portrait_matrix_table
from portrait_assets.tags.evaluate import prepare
from portrait_assets.tags.listing import catalogue_rows
from portrait_assets.tags.tag import Catalogue
from portrait_assets.warehouse.asset import tables_asset
from portrait_assets.warehouse.connection import literal
from portrait_assets.warehouse.contract import Table
from portrait_assets.warehouse.store import Query, Warehouse


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
        deps=(FEATURE_MATRIX, CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT),
    )
    def tags(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        matrices: list[pl.DataFrame] = []
        catalogues = [catalogue_rows(catalogue, last_day(month)) for month in months]
        yield dg.Output(pl.concat(catalogues), TAG_CATALOGUE.name)
        yield dg.Output(tagged(warehouse, catalogue, months, matrices), TAG_TABLE.name)
        yield dg.Output(matrices, matrix_table.name)

    return [tags]


def tagged(
    warehouse: Warehouse, catalogue: Catalogue, months: list[str], matrices: list[pl.DataFrame]
) -> Iterator[Query]:
    """The tag table month by month, each to be inserted before the next is asked for.

    DuckDB evaluates and stores the tags without their leaving it. The portrait matrix of each
    month is added to `matrices`.
    """
    earlier = [month for month in warehouse.made(TAG_TABLE) if month < months[0]]
    before = max(earlier, default=None)
    for month in months:
        prepared = prepare(
            catalogue,
            of_month(FEATURE_MATRIX, month),
            named_segments_sql(month),
            of_month(TAG_TABLE, before) if before else None,
            last_day(month),
            warehouse.con,
        )
        matrices.append(warehouse.con.sql(prepared.portrait_matrix_sql).pl())
        yield Query(prepared.tag_table_sql)
        prepared.close(warehouse.con)
        before = month


def of_month(table: Table, month: str) -> str:
    """The SELECT of a month of an as-of table."""
    return f"SELECT * FROM {table.full_name} WHERE as_of = {literal(last_day(month))}"


def named_segments_sql(month: str) -> str:
    """The SELECT of each customer's segment with its name, as tag expressions read it."""
    return (
        "SELECT customer_id, segment_id, name_en AS segment_name_en, name_zh AS segment_name_zh, "
        f"confidence FROM ({of_month(CLUSTER_ASSIGNMENT, month)}) "
        f"LEFT JOIN ({of_month(CLUSTER_SEGMENT, month)}) USING (segment_id)"
    )
