"""Assets of the cleaned room: the typed tables, what was set aside, and the golden record."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.core.machine.bounds import in_batches
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.markdown import markdown_table
from portrait_assets.stages.cleaned.accounting.account import (
    account,
    has_joined,
    kept_rows,
    kept_so_far,
)
from portrait_assets.stages.cleaned.accounting.completeness import COMPLETENESS, completeness_step
from portrait_assets.stages.cleaned.accounting.keeping import require_some_kept
from portrait_assets.stages.cleaned.accounting.quality import counted, known_shares, quality
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS, READS, judged_months
from portrait_assets.stages.cleaned.categories.held_back import decided
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD, QUALITY, REJECTS
from portrait_assets.stages.cleaned.golden import golden_month
from portrait_assets.stages.cleaned.rows.background import BACKGROUNDS, first_known
from portrait_assets.stages.cleaned.rows.clean import clean, unplaced_rejects
from portrait_assets.stages.cleaned.rows.conversion import conversion
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.identity.lookup import moved, with_customer_id
from portrait_assets.stages.raw.contract import CANONICAL, CANONICAL_BY_NAME, RECEIPTS, UNPLACED
from portrait_assets.stages.raw.source import Source
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.events import EXCHANGE_RATES
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.dagster.steps_asset import steps_asset
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.reading import scan
from portrait_assets.storage.steps import EVER, THE_MONTH, read

TABLES = (
    CATEGORY_COLUMNS,
    *CLEANED.values(),
    REJECTS,
    QUALITY,
    GOLDEN_RECORD,
    COMPLETENESS,
)
RECEIVED = {c.name: read(c.raw_table(), THE_MONTH) for c in CANONICAL}
# What rules over two tables compare with.
BEHIND = {
    each.table: read(CANONICAL_BY_NAME[each.table].raw_table(), EVER)
    for each in BACKGROUNDS.values()
}
RATES = read(EXCHANGE_RATES.raw_table(), EVER)
READ_RECEIPTS, READ_UNPLACED = read(RECEIPTS, THE_MONTH), read(UNPLACED, THE_MONTH)
DECISIONS = read(CATEGORY_COLUMNS, THE_MONTH)
IDENTITIES = read(IDENTITY_MAP, EVER)
CUSTOMERS_SO_FAR = read(CLEANED["customers"], EVER)


def cleaned_assets(
    source: Source, partitions: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """The steps that type every raw table and that compute the best record of each customer."""
    definition = source.definition
    conventions = source.conventions

    @tables_asset("category_columns", [CATEGORY_COLUMNS], partitions, reads=READS)
    def categories(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        rows = judged_months(warehouse, months, source.rules, definition.categories)
        yield dg.Output(rows, CATEGORY_COLUMNS.name)

    @tables_asset(
        "cleaned",
        [*CLEANED.values(), REJECTS, QUALITY],
        partitions,
        reads=(
            *(*RECEIVED.values(), *BEHIND.values(), RATES),
            *(READ_RECEIPTS, READ_UNPLACED, IDENTITIES, DECISIONS),
        ),
    )
    def cleaned(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        receipts, unplaced = (
            scan(warehouse, each, months).collect() for each in (READ_RECEIPTS, READ_UNPLACED)
        )
        rejects = [REJECTS.empty(), unplaced_rejects(unplaced)]
        counts: list[pl.DataFrame] = []
        persons = moved(scan(warehouse, IDENTITIES, months).collect())
        rates = scan(warehouse, RATES, months).collect()
        judged = scan(warehouse, DECISIONS, months).collect()
        money = conversion(definition.currency, rates, conventions)

        def kept(canonical: Canonical) -> Iterator[pl.DataFrame]:
            background = _background(warehouse, canonical, months, conventions)
            decisions = decided(judged, canonical)
            for received in _batches(warehouse, canonical, months):
                cleaned_rows = clean(received, canonical, conventions, background, money, decisions)
                rejects.append(cleaned_rows.rejects)
                counts.append(counted(cleaned_rows.kept, canonical))
                if canonical.names_a_customer:
                    yield with_customer_id(cleaned_rows.kept, persons)
                else:
                    yield cleaned_rows.kept

        def had_values(table: str, column: str) -> bool:
            found = warehouse.con.execute(
                f"SELECT 1 FROM {CLEANED[table].full_name} WHERE {quote(column)} IS NOT NULL "
                f"AND month < {literal(months[0])} LIMIT 1"
            )
            return found.fetchone() is not None

        for canonical in CANONICAL:
            yield dg.Output(kept(canonical), canonical.name)
        aside = pl.concat(rejects)
        newest = months[-1]
        joined = has_joined(warehouse.con, newest)
        require_some_kept(kept_so_far(warehouse, newest), joined, aside)
        shares = quality(counts, aside, receipts, had_values)
        for table_name, month, known in known_shares(shares):
            context.add_asset_metadata(known, asset_key(CLEANED[table_name]), month)
        yield dg.Output(shares, QUALITY.name)
        parts = (receipts, kept_rows(warehouse, newest), unplaced, aside)
        balance = account(*(rows.filter(month=newest) for rows in parts)).drop("month")
        context.add_asset_metadata(
            {"conservation": dg.MetadataValue.md(markdown_table(balance))},
            asset_key(REJECTS),
            newest,
        )
        yield dg.Output(aside, REJECTS.name)

    @tables_asset(
        "golden_record",
        [GOLDEN_RECORD],
        partitions,
        reads=(CUSTOMERS_SO_FAR, IDENTITIES),
    )
    def golden_record(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        trust = definition.identity.trust if definition.identity else ()
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        customers = scan(warehouse, CUSTOMERS_SO_FAR, months).collect()
        identity_map = scan(warehouse, IDENTITIES, months).collect()
        most = warehouse.bounds.record_customers
        rows = (
            part
            for month in warehouse.place.each(months)
            for part in golden_month(customers, identity_map, month, trust, most)
        )
        yield dg.Output(rows, GOLDEN_RECORD.name)

    completeness = completeness_step(definition.complete_months)
    return [
        categories,
        cleaned,
        golden_record,
        steps_asset("completeness", [completeness], partitions),
    ]


def _batches(
    warehouse: Warehouse, canonical: Canonical, months: list[str]
) -> Iterator[pl.DataFrame]:
    """The raw rows of the months, so many at a time; rows that are the same come together."""
    table = RECEIVED[canonical.name].table
    rows = warehouse.materialized(table)
    most = max(1, warehouse.bounds.typed_values // len(table.columns))
    for batch in in_batches(months, rows, most):
        first, last = batch[0], batch[-1]
        warehouse.place.at(first, last)
        parts = -(-rows[first] // most) if first == last and not canonical.unique else 1
        if parts <= 1:
            yield warehouse.read(table, batch)
            continue
        for part in range(parts):
            yield warehouse.read_part(table, first, part, parts, by=canonical.required)


def _background(
    warehouse: Warehouse, canonical: Canonical, months: list[str], conventions: Conventions
) -> pl.DataFrame | None:
    """What the table's rules over two tables compare with, of all months up to the last."""
    background = BACKGROUNDS.get(canonical.name)
    if background is None:
        return None
    other = scan(warehouse, BEHIND[background.table], months)
    return first_known(background, other, conventions)
