"""Assets of the tags stage: catalogue, tags and their quality, and saved audiences."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.markdown import markdown_table
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.features.given import SOURCE_EVIDENCE, given_in
from portrait_assets.stages.predictions.contract import PREDICTION, PREDICTION_DECISION
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE, VALUE_MODEL
from portrait_assets.stages.tags.audiences.saved_audiences import SavedAudience, membership_sql
from portrait_assets.stages.tags.catalogue.governance import check_unaltered
from portrait_assets.stages.tags.catalogue.inputs.bases import NOTHING, Basis
from portrait_assets.stages.tags.catalogue.inputs.evidence import without_evidence
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import (
    AUDIENCE_MEMBERSHIP,
    TAG_CATALOGUE,
    TAG_QUALITY,
    portrait_matrix_table,
)
from portrait_assets.stages.tags.evaluation.inputs import marketing_allowed, named_segment
from portrait_assets.stages.tags.evaluation.steps import batches, evaluation_steps
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.stages.tags.quality.cards import tag_quality
from portrait_assets.stages.tags.quality.distributions import TagDistributions, tag_distributions
from portrait_assets.stages.tags.quality.lift import outcomes_sql
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.duckdb.rows import Query, Rows, Written
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import BEFORE, THE_MONTH, Read, read

# The columns of the quality cards that the Dagster UI shows.
SHOWN = ("tag_code", "coverage", "distribution", "psi", "share_changed", "recommendation")

READ = (
    read(FEATURE_MATRIX, THE_MONTH),
    read(SOURCE_EVIDENCE, THE_MONTH),
    read(CUSTOMER_MONTH, THE_MONTH),
    read(UNPROFILED, THE_MONTH),
    *(
        read(table, THE_MONTH)
        for table in (
            PREDICTION,
            PREDICTION_DECISION,
            CUSTOMER_VALUE,
            VALUE_MODEL,
            LIFECYCLE_STAGE,
        )
    ),
    *(
        source
        for step in (named_segment(THE_MONTH), marketing_allowed(THE_MONTH))
        for source in step.reads
        if isinstance(source, Read)
    ),
)


def tag_tables(catalogue: Catalogue) -> tuple[Table, ...]:
    """The tables of the stage; the portrait matrix has a column per tag of the catalogue."""
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
    smallest: int,
) -> list[dg.AssetsDefinition]:
    """The step that applies the catalogue to the features and segments of each month.

    Args:
        catalogue: of the source.
        audiences: the saved ones.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
    """
    tables = tag_tables(catalogue)

    @tables_asset(
        "tags",
        tables,
        partitions,
        reads=(*READ, *(read(table, BEFORE) for table in tables)),
    )
    def tags(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        written = materialize_months(
            warehouse, catalogue, audiences, list(context.partition_keys), smallest
        )
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


def materialize_months(
    warehouse: Warehouse,
    catalogue: Catalogue,
    audiences: Sequence[SavedAudience],
    months: Sequence[str],
    smallest: int = EVERY_CELL,
) -> dict[str, dict[str, int]]:
    """Write all tables of the stage in one transaction.

    Returns:
        Rows by table name and month.

    Raises:
        TagError: when an active version was redefined since earlier months were evaluated with it.
    """
    check_unaltered(warehouse.history(TAG_CATALOGUE, months[0]), catalogue)
    matrix_table, long_table = portrait_matrix_table(catalogue), tag_table(catalogue)
    written: dict[str, dict[str, int]] = {table.name: {} for table in tag_tables(catalogue)}
    before = max(
        (month for month in warehouse.materialized(long_table) if month < months[0]), default=None
    )
    given = given_in(warehouse, months)
    engine = Engine(warehouse.con)
    current: TagDistributions | None = None

    def write(table: Table, of: Sequence[str], rows: Rows) -> None:
        written[table.name] |= warehouse.write(table, of, rows)

    with warehouse.transaction():
        if before is not None:
            current = tag_distributions(warehouse.con, catalogue, last_day(before))
        for batch in batches(
            catalogue,
            months,
            warehouse.materialized(FEATURE_MATRIX),
            warehouse.bounds.tag_customers,
            given,
        ):
            warehouse.place.at(*batch)
            steps = evaluation_steps(catalogue, batch, before, given.get(batch[-1]))
            listed = (
                catalogue_rows(catalogue, last_day(m), given.get(m), basis_in(warehouse, m))
                for m in batch
            )
            write(TAG_CATALOGUE, batch, listed)
            with engine.shared([steps.evaluated], steps.scope):
                for step, table in ((steps.matrix, matrix_table), (steps.details, long_table)):
                    with engine.rows(step, steps.scope) as rows:
                        write(table, batch, rows)
            cards = []
            for month in batch:
                previous = current
                current = tag_distributions(warehouse.con, catalogue, last_day(month))
                lacking = without_evidence(
                    catalogue.active(month), given.get(month), catalogue.predicted
                )
                cards.append(
                    _quality(warehouse, catalogue, current, previous, month, lacking, smallest)
                )
                members = _membership(audiences, matrix_table, before, month)
                write(AUDIENCE_MEMBERSHIP, [month], members)
                before = month
            write(TAG_QUALITY, batch, cards)
    return written


def basis_in(warehouse: Warehouse, month: str) -> Basis:
    """What predicts in the month; nothing in one that predictions were not materialized in."""
    tables = (PREDICTION_DECISION, VALUE_MODEL)
    if any(month not in warehouse.materialized(table) for table in tables):
        return NOTHING
    return Basis.of(*(warehouse.read(table, [month]) for table in tables))


def _quality(
    warehouse: Warehouse,
    catalogue: Catalogue,
    now: TagDistributions,
    before: TagDistributions | None,
    month: str,
    lacking: Mapping[str, Sequence[str]],
    smallest: int,
) -> pl.DataFrame:
    outcomes = None if before is None else warehouse.con.sql(outcomes_sql(month)).pl()
    return tag_quality(catalogue, now, before, last_day(month), outcomes, lacking, smallest)


def _membership(
    audiences: Sequence[SavedAudience], matrix: Table, before: str | None, month: str
) -> Rows:
    if not audiences:
        return AUDIENCE_MEMBERSHIP.empty()
    previous = select_sql(AUDIENCE_MEMBERSHIP, [before]) if before else None
    return Query(membership_sql(audiences, select_sql(matrix, [month]), previous, last_day(month)))
