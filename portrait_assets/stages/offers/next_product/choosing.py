"""Of the products that suit, the ones that each customer takes more probably than all do."""

from __future__ import annotations

from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.schema.table import Type
from portrait_assets.stages.offers.affinity.contract import DIGITS
from portrait_assets.stages.offers.next_product.base import (
    POPULAR,
    UNPROFILED,
    base_probability,
    listed_products,
    usual_amount,
)
from portrait_assets.stages.offers.next_product.contract import (
    GENERIC,
    MOST_OFFERED,
    NEXT_PRODUCT,
    NONE,
    PERSONAL,
)
from portrait_assets.stages.offers.next_product.reasons import GENERIC as GENERIC_TEXTS
from portrait_assets.stages.offers.next_product.reasons import none_sql, personal_sql
from portrait_assets.stages.offers.suitability.rules import refusal_sql
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import FINANCIAL, TERMS
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Scope, Source, Step

MOST_POPULAR = 50
"""Products among which those that suit are looked for where all are offered alike."""


SUITS = "CROSS JOIN financial AS f LEFT JOIN terms AS p ON p.product_id = {product}"
IS_KNOWN = "(p.product_id IS NOT NULL OR NOT f.is_financial)"
"""Of a product in no table of products it is not known that it suits, unless nothing has to."""


def suited_products(listed: Step, base: Step, amount: Step) -> Step:
    """What customers who are profiled may take and suits them, with what is known of it."""
    return Step(
        "suited",
        (listed, SUBJECT, TERMS, FINANCIAL, base, amount),
        f"""
        SELECT c.customer_id, l.product_id, round(l.probability, {DIGITS}) AS probability,
            b.base_probability,
            CAST(l.probability * p.margin_rate * a.amount AS {Type.MONEY}) AS value,
            CASE WHEN b.base_probability > 0 THEN {personal_sql("en")} END AS reason_en,
            CASE WHEN b.base_probability > 0 THEN {personal_sql("zh")} END AS reason_zh
        FROM listed AS l JOIN subject AS c ON c.customer_id = l.customer_id AND c.is_profiled
            {SUITS.format(product="l.product_id")}
            LEFT JOIN base_rate AS b ON b.product_id = l.product_id
            LEFT JOIN usual_amount AS a ON a.product_id = l.product_id
        WHERE {IS_KNOWN} AND {refusal_sql()} IS NULL
        """,
        grain=Grain.ALL,
    )


GENERIC_OFFER = Step(
    "generic_offer",
    (UNPROFILED, TERMS, FINANCIAL, POPULAR),
    # No trait decides but what the rules of suitability ask of everybody.
    f"""
    SELECT customer_id, product_id,
        row_number() OVER (PARTITION BY customer_id ORDER BY customers DESC, product_id) AS rank
    FROM (
        SELECT c.customer_id, o.product_id, o.customers
        FROM unprofiled_subject AS c CROSS JOIN (
            FROM popular ORDER BY customers DESC, product_id LIMIT {MOST_POPULAR}
        ) AS o {SUITS.format(product="o.product_id")}
        WHERE {IS_KNOWN} AND {refusal_sql(is_personal=False)} IS NULL
    ) QUALIFY rank <= {MOST_OFFERED}
    """,
    grain=Grain.ALL,
)
"""What those who refuse profiling are offered: what most have, of what suits by rule."""


def offered_products(suited: Step) -> Step:
    """What is offered to each customer, ranked from 1; who has no row gets nothing."""
    en, zh = map(literal, GENERIC_TEXTS)
    return Step(
        "offered",
        (suited, GENERIC_OFFER),
        f"""
        SELECT customer_id, rank, product_id, {literal(PERSONAL)} AS basis, probability,
            base_probability, value, 'more_probable' AS reason, reason_en, reason_zh
        FROM (
            SELECT *, row_number() OVER (
                PARTITION BY customer_id ORDER BY probability DESC, product_id
            ) AS rank
            FROM suited WHERE probability > base_probability QUALIFY rank <= {MOST_OFFERED}
        ) UNION ALL
        SELECT customer_id, rank, product_id, {literal(GENERIC)}, NULL, NULL, NULL, 'most_taken',
            {en}, {zh} FROM generic_offer
        """,
        grain=Grain.ALL,
    )


def _next_product_sql(scope: Scope) -> str:
    columns = ", ".join(NEXT_PRODUCT.column_names[1:])
    return f"""
    SELECT {scope.day} AS as_of, {columns} FROM (
        SELECT {columns} FROM offered UNION ALL
        SELECT customer_id, 1, {literal(NONE)}, {literal(NONE)}, NULL, NULL, NULL, reason,
            {none_sql("reason", "en")}, {none_sql("reason", "zh")}
        FROM (
            SELECT customer_id, CASE
                    WHEN is_profiled AND customer_id NOT IN (SELECT customer_id FROM listed)
                    THEN 'nothing_known'
                    WHEN is_profiled AND customer_id IN (SELECT customer_id FROM suited)
                    THEN 'none_better' ELSE 'none_suits' END AS reason
            FROM subject WHERE customer_id NOT IN (SELECT customer_id FROM offered)
        )
    ) ORDER BY customer_id, rank
    """


def next_product(affinity: Source, smallest: int = EVERY_CELL) -> Step:
    """The step that writes `offers.next_product`.

    Args:
        affinity: `offers.product_affinity` of the month: `customer_id`, `item_kind`, `item` and
            `probability`, of which rows of the kind `product` count.
        smallest: fewest customers that a usual amount rests on.
    """
    listed = listed_products(affinity)
    suited = suited_products(listed, base_probability(listed), usual_amount(smallest))
    return Step(
        "next_product",
        (listed, suited, offered_products(suited), SUBJECT),
        _next_product_sql,
        grain=Grain.ALL,
        writes=NEXT_PRODUCT,
    )
