"""Attributes of products as of a month."""

from __future__ import annotations

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.storage.steps import EVER, Grain, Step, read


def choice_id(category: str, brand: str) -> str:
    """A number for a category and a brand, the same in every month and version of DuckDB."""
    text = f"concat(coalesce({category}, chr(1)), chr(0), coalesce({brand}, chr(1)))"
    return (
        f"CASE WHEN {category} IS NOT NULL OR {brand} IS NOT NULL "
        f"THEN CAST(md5_number_lower({text}) >> 1 AS BIGINT) END"
    )


def can_be_preferred(product: str) -> str:
    """SQL of whether a product of this relation is something that a customer can prefer."""
    return f"coalesce({product}.is_merchandise, true)"


PRODUCT = Step(
    "product",
    (read(CLEANED["products"], EVER),),
    f"""
    SELECT product_id, category, brand, is_merchandise, is_own_label, introduced_on, withdrawn_on,
        risk_grade, term_days, {choice_id("category", "brand")} AS choice_id
    FROM (
        SELECT product_id, is_merchandise, is_own_label, introduced_on, withdrawn_on, risk_grade,
            term_days,
            CASE WHEN {can_be_preferred("p")} THEN category END AS category,
            CASE WHEN {can_be_preferred("p")} THEN brand END AS brand
        FROM products AS p
        QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY month DESC) = 1
    )
    """,
    grain=Grain.ALL,
)
"""Each product as its newest row has it; in a month it has one.

Category and brand are those of what can be preferred; `choice_id` numbers them and is null where
neither is known.
"""
