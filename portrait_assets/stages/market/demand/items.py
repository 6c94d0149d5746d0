"""The step that adds up what each segment bought in the month, and holds at its end."""

from __future__ import annotations

from portrait_assets.schema.table import Type
from portrait_assets.stages.market.columns import (
    ALL,
    CATEGORY,
    EVERYONE,
    HOLDINGS,
    PRODUCT,
    PURCHASES,
)
from portrait_assets.stages.market.demand.contract import ITEM_MONTH as CONTRACT
from portrait_assets.stages.market.facts import BOUGHT, HOLDING, MEMBER, SUMS, of_members
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Step

PRODUCTS_BOUGHT = 100
"""Products with most takings of the month that are listed by themselves; those held all are."""


def _by_item(measure: str, rows: str, kind: str, item: str, category: str, buys: str) -> str:
    """The sums of an item, of each segment and of all customers."""
    return f"""
    SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, {literal(measure)} AS measure,
        {literal(kind)} AS item_kind, item, category, {SUMS.format(buys=buys)}
    FROM (SELECT *, {item} AS item, {category} AS category FROM {rows}) WHERE item IS NOT NULL
    GROUP BY GROUPING SETS ((segment_id, item, category), (item, category))
    """


BOUGHT_LINE = Step(
    "bought_line",
    (BOUGHT, MEMBER),
    "SELECT segment_id, customer_id, gives_back, category AS line_category, product_id, "
    f"product_category, line, quantity, amount {of_members(BOUGHT)}",
)
HOLDING_LINE = Step(
    "holding_line",
    (HOLDING, MEMBER),
    "SELECT segment_id, customer_id, category AS held_category, product_id, "
    "CASE WHEN amount IS NOT NULL THEN 1 END AS line, "
    f"NULL::{Type.QUANTITY} AS quantity, amount {of_members(HOLDING)}",
)
ADDED = Step(
    "added",
    (BOUGHT_LINE, HOLDING_LINE),
    " UNION ALL ".join(
        [
            *(
                _by_item(PURCHASES, "bought_line", kind, item, category, "NOT gives_back")
                for kind, item, category in (
                    (ALL, literal(ALL), "NULL"),
                    (CATEGORY, "line_category", "line_category"),
                    (PRODUCT, "product_id", "product_category"),
                )
            ),
            *(
                _by_item(HOLDINGS, "holding_line", kind, item, "held_category", "true")
                for kind, item in ((CATEGORY, "held_category"), (PRODUCT, "product_id"))
            ),
        ]
    ),
    grain=Grain.ALL,
)
ITEM_MONTH = Step(
    "item_month",
    (ADDED,),
    lambda scope: (
        f"""
    SELECT {literal(scope.month)} AS month, * FROM added
    WHERE item_kind <> '{PRODUCT}' OR measure <> '{PURCHASES}' OR item IN (
        SELECT item FROM added
        WHERE segment_id = {EVERYONE} AND item_kind = '{PRODUCT}' AND measure = '{PURCHASES}'
        ORDER BY amount DESC NULLS LAST, item LIMIT {PRODUCTS_BOUGHT}
    )
    ORDER BY ALL
    """
    ),
    grain=Grain.ALL,
    writes=CONTRACT,
)
