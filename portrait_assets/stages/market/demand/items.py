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
from portrait_assets.stages.market.facts import BOUGHT, BOUGHT_ADDED_UP, HOLDING, MEMBER, of_members
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Step

PRODUCTS_BOUGHT = 100
"""Products with most takings of the month that are listed by themselves; those held all are."""


_SUMS = (
    "sum(line) AS lines, count(line) - count(quantity) AS without_quantity, "
    "sum(quantity) AS quantity, sum(amount) AS amount, count(*) - count(amount) AS without_amount"
)


def _held(kind: str, item: str) -> str:
    """What each customer holds of an item, as `facts.BOUGHT_ADDED_UP` has what they bought."""
    return f"""
    SELECT segment_id, {literal(HOLDINGS)} AS measure, {literal(kind)} AS item_kind, {item} AS item,
        category, true AS has, {_SUMS}
    FROM holding_line WHERE {item} IS NOT NULL
    GROUP BY customer_id, segment_id, {item}, category
    """


HOLDING_LINE = Step(
    "holding_line",
    (HOLDING, MEMBER),
    "SELECT segment_id, customer_id, category, product_id, "
    "CASE WHEN amount IS NOT NULL THEN 1 END AS line, "
    f"NULL::{Type.QUANTITY} AS quantity, amount {of_members(HOLDING)}",
)
LISTED = Step(
    "listed_product",
    (BOUGHT, MEMBER),
    lambda scope: (
        f"""
    SELECT product_id {of_members(BOUGHT)} WHERE product_id IS NOT NULL GROUP BY product_id
    ORDER BY sum(amount) DESC NULLS LAST, product_id LIMIT {PRODUCTS_BOUGHT}
    """
    ),
)
"""The products that are listed by themselves."""
OF_CUSTOMER = Step(
    "item_of_customer",
    (BOUGHT, BOUGHT_ADDED_UP, LISTED, HOLDING_LINE, MEMBER),
    f"""
    SELECT segment_id, {literal(PURCHASES)} AS measure,
        CASE WHEN is_sum THEN {literal(ALL)} ELSE {literal(CATEGORY)} END AS item_kind,
        CASE WHEN is_sum THEN {literal(ALL)} ELSE item END AS item,
        CASE WHEN NOT is_sum THEN item END AS category,
        has, lines, without_quantity, quantity, amount, without_amount
    {of_members(BOUGHT_ADDED_UP)} WHERE is_sum OR item IS NOT NULL
    UNION ALL
    SELECT segment_id, {literal(PURCHASES)}, {literal(PRODUCT)}, product_id, product_category,
        bool_or(NOT gives_back) AS has, {_SUMS}
    {of_members(BOUGHT)} WHERE product_id IN (FROM listed_product)
    GROUP BY customer_id, segment_id, product_id, product_category
    UNION ALL {_held(CATEGORY, "category")} UNION ALL {_held(PRODUCT, "product_id")}
    """,
)
"""What each customer bought in the month and holds at its end, of each item."""
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
