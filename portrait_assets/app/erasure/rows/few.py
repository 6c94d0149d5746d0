"""Which rows of past months count few customers, so that an erasure does not copy them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.schema.resting import COUNT, Resting, counts_of, resting_of
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.contract import CLUSTER_PROFILE, CLUSTER_SEGMENT
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT
from portrait_assets.stages.features.contract import FITTED, PRODUCT_MONTH
from portrait_assets.stages.features.parts.campaigns import BASE_CAMPAIGN_TYPE
from portrait_assets.stages.features.parts.choices import BASE_CATEGORY, CHOICE_NAME
from portrait_assets.stages.market.changes.contract import TAKINGS_CHANGE
from portrait_assets.stages.market.demand.contract import DEMAND, ITEM_MONTH
from portrait_assets.storage.duckdb.connection import current_database, literal, quote
from portrait_assets.storage.duckdb.tables import existing_types
from portrait_assets.storage.steps import Step

FITS: Mapping[Step, tuple[str, str]] = {
    BASE_CATEGORY: ("category_no", "buyers"),
    BASE_CAMPAIGN_TYPE: ("campaign_type", COUNT),
}
"""Of what was fitted over all customers, what a row is of, and the column that counts them."""
_FEW = f"BETWEEN 1 AND {SMALLEST_CELL - 1}"
_ONLY_GIVEN_BACK: Mapping[str, str] = {
    **dict.fromkeys(
        (ITEM_MONTH.full_name, DEMAND.full_name),
        f"{COUNT} = 0 AND (lines <> 0 OR without_amount <> 0)",
    ),
    TAKINGS_CHANGE.full_name: "customers_before = 0 AND amount_before <> 0 "
    f"OR {COUNT} = 0 AND amount <> 0",
}
"""SQL of whether nobody bought it and somebody gave it back, who is not counted."""
_FITTED_FEW = " OR ".join(
    f"(step = {literal(step.name)} AND column_name = {literal(column)} "
    f"AND TRY_CAST(value AS BIGINT) {_FEW})"
    for step, (_, column) in FITS.items()
)
_CHOSEN_BY_THEM = (
    f"step = {literal(CHOICE_NAME.name)} AND column_name = 'choice_id' "
    "AND (as_of, value) IN (FROM temp.erased_choices)"
)
_ITEM = "(month, measure, item_kind, item)"
_OF_TABLE: Mapping[str, str] = {
    CLUSTER_PROFILE.full_name: "(as_of, segment_id) IN (SELECT (as_of, segment_id) "
    f"FROM {{database}}.{CLUSTER_SEGMENT.full_name} WHERE {COUNT} < {SMALLEST_CELL})",
    # It counts records, of which one customer may have all.
    CONSENT_DEFAULT.full_name: "true",
    FITTED.full_name: "(as_of, step, row_no) IN (SELECT (as_of, step, row_no) "
    f"FROM {{database}}.{FITTED.full_name} WHERE {_FITTED_FEW} OR {_CHOSEN_BY_THEM})",
    # Its segments add up to all customers: of an item all are counted again, or none.
    ITEM_MONTH.full_name: f"{_ITEM} IN (SELECT {_ITEM} FROM {{database}}.{ITEM_MONTH.full_name} "
    f"WHERE {COUNT} {_FEW} OR {_ONLY_GIVEN_BACK[ITEM_MONTH.full_name]})",
    # Earlier versions did not count who bought it.
    PRODUCT_MONTH.full_name: f"coalesce({COUNT}, 1) < {SMALLEST_CELL}",
}
"""SQL of whether a row counts few, where it is not that one of its own counts is small."""


def few_sql(con: duckdb.DuckDBPyConnection, table: str, contract: Table | None = None) -> str:
    """SQL of whether a row counts few customers, in a month in which one of the erased was there.

    It is read after `removed_rows.name_rows`, in any database that is attached to the connection,
    and empty where rows of the table count no customers. Without a contract they do by a column
    `customers`, as do those that are of enough: of these earlier versions made some of few.
    """
    columns = existing_types(con, table)
    of_them = _of_their_months(columns)
    if special := _OF_TABLE.get(table):
        few = special.format(database=current_database(con))
    else:
        counts = _counts(contract) & columns.keys()
        given_back = [_ONLY_GIVEN_BACK[table]] if table in _ONLY_GIVEN_BACK else []
        few = " OR ".join([*(f"{quote(name)} {_FEW}" for name in sorted(counts)), *given_back])
    return f"{of_them} AND ({few})" if of_them and few else ""


def _counts(contract: Table | None) -> set[str]:
    if contract is not None and resting_of(contract) is Resting.COUNTED:
        return set(counts_of(contract))
    return {COUNT}


def _of_their_months(columns: Iterable[str]) -> str:
    if "as_of" in columns:
        return "as_of IN (FROM temp.erased_months)"
    if "month" in columns:
        return "month IN (SELECT strftime(as_of, '%Y-%m') FROM temp.erased_months)"
    return ""
