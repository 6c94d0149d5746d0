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
from portrait_assets.stages.market.facts import BOUGHT, HOLDING, MEMBER, of_members
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Step

PRODUCTS_BOUGHT = 100
"""Products with most takings of the month that are listed by themselves; those held all are."""


def _of_customer(measure: str, rows: str, kind: str, item: str, category: str, buys: str) -> str:
    """What each customer bought or holds of an item; `buys` is whether one line makes a buyer."""
    return f"""
    SELECT segment_id, customer_id, {literal(measure)} AS measure, {literal(kind)} AS item_kind,
        {item} AS item, {category} AS category, bool_or({buys}) AS has, sum(line) AS lines,
        count(line) - count(quantity) AS without_quantity, sum(quantity) AS quantity,
        sum(amount) AS amount, count(*) - count(amount) AS without_amount
    FROM {rows} WHERE {item} IS NOT NULL GROUP BY ALL
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
LISTED_LINE = Step(
    "listed_line",
    (BOUGHT_LINE,),
    f"""
    SELECT * FROM bought_line WHERE product_id IN (
        SELECT product_id FROM bought_line WHERE product_id IS NOT NULL GROUP BY product_id
        ORDER BY sum(amount) DESC NULLS LAST, product_id LIMIT {PRODUCTS_BOUGHT}
    )
    """,
)
"""The lines of the products that are listed by themselves."""
OF_CUSTOMER = Step(
    "item_of_customer",
    (BOUGHT_LINE, LISTED_LINE, HOLDING_LINE),
    " UNION ALL ".join(
        _of_customer(measure, rows, kind, item, category, buys)
        for measure, rows, kind, item, category, buys in (
            (PURCHASES, "bought_line", ALL, literal(ALL), "NULL", "NOT gives_back"),
            (PURCHASES, "bought_line", CATEGORY, *["line_category"] * 2, "NOT gives_back"),
            (PURCHASES, "listed_line", PRODUCT, "product_id", "product_category", "NOT gives_back"),
            (HOLDINGS, "holding_line", CATEGORY, *["held_category"] * 2, "true"),
            (HOLDINGS, "holding_line", PRODUCT, "product_id", "held_category", "true"),
        )
    ),
)
ITEM_MONTH = Step(
    "item_month",
    (OF_CUSTOMER,),
    lambda scope: (
        f"""
    SELECT {literal(scope.month)} AS month, coalesce(segment_id, {EVERYONE}) AS segment_id,
        measure, item_kind, item, category, count(*) FILTER (has) AS customers,
        coalesce(sum(lines), 0)::BIGINT AS lines,
        CASE WHEN sum(without_quantity) = 0 THEN sum(quantity)::{Type.QUANTITY} END AS quantity,
        sum(amount)::{Type.MONEY} AS amount, sum(without_amount)::BIGINT AS without_amount
    FROM item_of_customer GROUP BY GROUPING SETS (
        (segment_id, measure, item_kind, item, category), (measure, item_kind, item, category)
    )
    ORDER BY ALL
    """
    ),
    grain=Grain.ALL,
    writes=CONTRACT,
)
