"""Assets of the tags room: catalogue, tags and their quality, and saved audiences."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.markdown import markdown_table
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.tags.audiences.saved_audiences import SavedAudience, membership_sql
from portrait_assets.stages.tags.catalogue.governance import check_unaltered
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import (
    AUDIENCE_MEMBERSHIP,
    TAG_CATALOGUE,
    TAG_QUALITY,
    portrait_matrix_table,
)
from portrait_assets.stages.tags.evaluation.evaluate import batches, prepare
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.stages.tags.quality.cards import tag_quality
from portrait_assets.stages.tags.quality.held import Held, count_held
from portrait_assets.stages.tags.quality.lift import outcomes_sql
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.duckdb.rows import Query, Rows, Written
from portrait_assets.storage.duckdb.store import Warehouse

# What the Dagster UI shows of each tag.
SHOWN = ("tag_code", "coverage", "distribution", "psi", "share_changed", "recommendation")


def tag_tables(catalogue: Catalogue) -> tuple[Table, ...]:
    """The tables of the room; the portrait matrix has a column per tag of the catalogue."""
    return (
        TAG_CATALOGUE,
        portrait_matrix_table(catalogue),
        tag_table(catalogue),
        TAG_QUALITY,
        AUDIENCE_MEMBERSHIP,
    )


def tags_assets(
    catalogue: Catalogue,
    audiences: Sequence[SavedAudience],
    partitions: dg.PartitionsDefinition,
) -> list[dg.AssetsDefinition]:
    """The step that applies the catalogue to the features and segments of each month."""
    tables = tag_tables(catalogue)

    @tables_asset(
        "tags",
        tables,
        partitions,
        deps=(CUSTOMER_MONTH, FEATURE_MATRIX, CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT),
    )
    def tags(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        written = make_months(warehouse, catalogue, audiences, list(context.partition_keys))
        newest = context.partition_keys[-1]
        cards = warehouse.read(TAG_QUALITY, [newest]).select(SHOWN)
        context.add_asset_metadata(
            {"distribution": dg.MetadataValue.md(markdown_table(cards, cards.height))},
            asset_key(tag_table(catalogue)),
            newest,
        )
        for table in tables:
            yield dg.Output(Written(written[table.name]), table.name)

    return [tags]


def make_months(
    warehouse: Warehouse,
    catalogue: Catalogue,
    audiences: Sequence[SavedAudience],
    months: Sequence[str],
) -> dict[str, dict[str, int]]:
    """Write all tables of the room in one transaction.

    Returns:
        Rows by table name and month.

    Raises:
        TagError: when a tag in force is no longer what earlier months were made with.
    """
    check_unaltered(warehouse.history(TAG_CATALOGUE, months[0]), catalogue)
    matrix_table, long_table = portrait_matrix_table(catalogue), tag_table(catalogue)
    written: dict[str, dict[str, int]] = {table.name: {} for table in tag_tables(catalogue)}
    before = max((month for month in warehouse.made(long_table) if month < months[0]), default=None)
    held = None

    def write(table: Table, of: Sequence[str], rows: Rows) -> None:
        written[table.name] |= warehouse.write(table, of, rows)

    with warehouse.transaction():
        if before is not None:
            held = count_held(warehouse.con, catalogue, last_day(before))
        for batch in batches(
            catalogue, months, _customers(warehouse, months), warehouse.bounds.tag_customers
        ):
            warehouse.place.at(*batch)
            days = [last_day(month) for month in batch]
            prepared = prepare(
                catalogue,
                of_months(FEATURE_MATRIX, batch),
                named_segments_sql(batch),
                of_months(long_table, [before]) if before else None,
                days,
                warehouse.con,
            )
            write(TAG_CATALOGUE, batch, (catalogue_rows(catalogue, day) for day in days))
            write(matrix_table, batch, Query(prepared.portrait_matrix_sql))
            write(long_table, batch, Query(prepared.tag_details_sql))
            prepared.close(warehouse.con)
            cards = []
            for month in batch:
                held_before, held = held, count_held(warehouse.con, catalogue, last_day(month))
                cards.append(_quality(warehouse, catalogue, held, held_before, month))
                members = _membership(audiences, matrix_table, before, month)
                write(AUDIENCE_MEMBERSHIP, [month], members)
                before = month
            write(TAG_QUALITY, batch, cards)
    return written


def _customers(warehouse: Warehouse, months: Sequence[str]) -> dict[str, int]:
    """Rows of the feature matrix by month."""
    counted = warehouse.con.execute(
        f"SELECT strftime(as_of, '%Y-%m'), count(*) FROM ({of_months(FEATURE_MATRIX, months)}) "
        "GROUP BY as_of"
    )
    return dict(counted.fetchall())


def _quality(
    warehouse: Warehouse, catalogue: Catalogue, held: Held, before: Held | None, month: str
) -> pl.DataFrame:
    outcomes = None if before is None else warehouse.con.sql(outcomes_sql(month)).pl()
    return tag_quality(catalogue, held, before, last_day(month), outcomes)


def _membership(
    audiences: Sequence[SavedAudience], matrix: Table, before: str | None, month: str
) -> Rows:
    if not audiences:
        return AUDIENCE_MEMBERSHIP.empty()
    previous = of_months(AUDIENCE_MEMBERSHIP, [before]) if before else None
    return Query(membership_sql(audiences, of_months(matrix, [month]), previous, last_day(month)))


def of_months(table: Table, months: Sequence[str]) -> str:
    """The SELECT of months of an as-of table."""
    days = literals(last_day(month) for month in months)
    return f"SELECT * FROM {table.full_name} WHERE as_of IN ({days})"


def named_segments_sql(months: Sequence[str]) -> str:
    """The SELECT of each customer's segment with its name, as tag expressions read it."""
    return (
        "SELECT as_of, customer_id, segment_id, name_en AS segment_name_en, "
        "name_zh AS segment_name_zh, confidence "
        f"FROM ({of_months(CLUSTER_ASSIGNMENT, months)}) "
        f"LEFT JOIN ({of_months(CLUSTER_SEGMENT, months)}) USING (as_of, segment_id)"
    )
