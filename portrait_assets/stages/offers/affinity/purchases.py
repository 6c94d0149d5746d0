"""What customers bought by item, as one row each: how often, the newest visits counting most."""

from __future__ import annotations

from functools import cache

from portrait_assets.methods.recommendation.purchases.frequency import HALF_LIFE
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.declared.expressions import GIVES_BACK
from portrait_assets.stages.features.window import ago
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.stages.offers.affinity.contract import AHEAD, CATEGORY, PRODUCT, TYPE
from portrait_assets.storage.steps import EVER, THE_MONTH, Grain, Step, read, window

MONTHS = 12
"""What was bought longer ago counts no more."""
UNIT = 1 << 20
"""What a visit of the month itself counts: whole numbers, so that sums are exact."""
LEAST_CUSTOMERS, MOST_NEEDED = 100, 20
"""Of an item is learned from one buyer in so many customers on, and from so many buyers in any
case; with fewer it is listed for those alone who bought it, by their own habit.
"""


def of_window(table: Table, months: int, name: str) -> Step:
    """Events of so many months that end with the step's own, and how many months `ago` each was."""
    rows = of_persons(table, window(months), f"{name}_rows")
    return Step(
        name,
        (rows,),
        lambda scope: f"SELECT *, {ago(scope.month, months)} AS ago FROM {rows.name}",
        in_table=False,
    )


MEMBER = Step(
    "member",
    (
        read(FEATURE_MATRIX, THE_MONTH),
        read(FEATURE_MATRIX, window(1, ago=AHEAD), "matrix_before"),
        read(CLUSTER_ASSIGNMENT, THE_MONTH),
    ),
    """
    SELECT customer_id, CAST(row_number() OVER (ORDER BY customer_id) - 1 AS BIGINT) AS customer,
        CAST(coalesce(segment_id, 0) AS BIGINT) AS segment, b.customer_id IS NOT NULL AS was_there
    FROM feature_matrix LEFT JOIN cluster_assignment USING (customer_id)
        LEFT JOIN matrix_before AS b USING (customer_id)
    ORDER BY customer_id
    """,
    grain=Grain.ALL,
)
"""Customers of the month who may be profiled, numbered, with their segment (0 for none) and whether
they were customers before the newest window that is over.
"""
SOLD = Step(
    "sold",
    (read(CLEANED["products"], EVER),),
    lambda scope: (
        f"""
    SELECT product_id, category, product_type, introduced_on,
        withdrawn_on, coalesce(is_merchandise, true) AS is_sold,
        coalesce(introduced_on <= {scope.day}, true)
            AND NOT coalesce(withdrawn_on <= {scope.day}, false) AS is_on_sale
    FROM products
    QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY month DESC) = 1
    """
    ),
    grain=Grain.ALL,
)
"""Products as their newest rows have them."""
HELD = of_window(CLEANED["balances"], 2 * MONTHS, "held_24m")
ACCOUNT_PRODUCT = Step(
    "account_product",
    (HELD,),
    "SELECT DISTINCT product_id FROM held_24m WHERE product_id IS NOT NULL",
    grain=Grain.ALL,
)
"""Products that are held: a transaction with one is made with it, and is no purchase of it."""
_LINES = of_window(CLEANED["transactions"], MONTHS + AHEAD, "transactions_15m")
ARTICLE = Step(
    "article",
    (_LINES, SOLD, ACCOUNT_PRODUCT),
    f"""
    SELECT row_number() OVER (ORDER BY t.product_id, t.category)::INTEGER AS article,
        t.product_id, t.category AS own_category, coalesce(t.category, s.category) AS {CATEGORY},
        s.product_type AS {TYPE},
        CASE WHEN a.product_id IS NULL AND s.is_on_sale THEN t.product_id END AS {PRODUCT}
    FROM (SELECT DISTINCT product_id, category FROM transactions_15m) AS t
        LEFT JOIN sold AS s USING (product_id) LEFT JOIN account_product AS a USING (product_id)
    WHERE coalesce(s.is_sold, true)
    """,
    grain=Grain.ALL,
)
"""What lines are of, by product and category, numbered; with the item of each kind that it is."""
NAME = Step(
    "name",
    (ARTICLE,),
    "SELECT *, row_number() OVER (ORDER BY item_kind, item)::INTEGER AS code FROM ("
    + " UNION ".join(
        f"SELECT '{kind}' AS item_kind, {kind} AS item FROM article WHERE {kind} IS NOT NULL"
        for kind in (CATEGORY, TYPE, PRODUCT)
    )
    + ")",
    grain=Grain.ALL,
)
"""All items, numbered by kind and name: a number is grouped by in a third of the time of a text."""
BOUGHT_MONTH = Step(
    "bought_month",
    (_LINES, ARTICLE, MEMBER),
    f"""
    SELECT m.customer::INTEGER AS customer, t.ago, a.article,
        bit_or(1 << (day(t.occurred_at) - 1)::INTEGER) AS days
    FROM transactions_15m AS t JOIN member AS m USING (customer_id)
        JOIN article AS a ON a.product_id IS NOT DISTINCT FROM t.product_id
            AND a.own_category IS NOT DISTINCT FROM t.category
    WHERE NOT ({GIVES_BACK}) GROUP BY m.customer, t.ago, a.article
    """,
    grain=Grain.ALL,
)
"""The days of a month on which a customer bought an article, as bits; a return buys nothing."""


def _weight(ago: str) -> str:
    """What a day so many months ago counts, looked up: a power of each row takes long."""
    counts = [round(UNIT * 0.5 ** (months / HALF_LIFE)) for months in range(MONTHS + AHEAD)]
    return f"{counts}[{ago} + 1]"


def _weighted(visits: str) -> str:
    now, then = f"ago < {MONTHS}", f"ago >= {AHEAD}"
    return (
        f"CAST(coalesce(sum({visits} * {_weight('ago')}) FILTER ({now}), 0) AS BIGINT) AS now, "
        f"CAST(coalesce(sum({visits} * {_weight(f'ago - {AHEAD}')}) FILTER ({then}), 0) AS BIGINT) "
        "AS before"
    )


_DAYS = "bit_count(bit_or(days))"
VISITS = Step(
    "visits",
    (BOUGHT_MONTH,),
    f"""
    SELECT customer::BIGINT AS customer, {_weighted("days")} FROM (
        SELECT customer, ago, {_DAYS} AS days FROM bought_month GROUP BY customer, ago
    ) GROUP BY customer ORDER BY customer
    """,
    grain=Grain.ALL,
)
"""Days with a purchase of each customer, weighted: as known now, and `before` the last window."""


def _of_kind(kind: str) -> str:
    return f"""
    SELECT customer, code, {_weighted("days")}, min(ago) AS ago FROM (
        SELECT customer, ago, code, {_DAYS} AS days
        FROM bought_month JOIN (
            SELECT article, code FROM article JOIN name ON item_kind = '{kind}' AND item = {kind}
        ) USING (article) GROUP BY customer, ago, code
    ) GROUP BY customer, code
    """


HABIT = Step(
    "habit",
    (BOUGHT_MONTH, ARTICLE, NAME),
    " UNION ALL ".join(map(_of_kind, (CATEGORY, TYPE, PRODUCT))),
    grain=Grain.ALL,
)
"""By customer and item the days with a purchase, weighted, and how many months ago the last was."""


@cache
def item_step(smallest: int) -> Step:
    """The items that enough customers bought, numbered within their kind by name; one step, which
    whoever asks for it shares. Those that enough bought to learn from (`is_common`) come first.

    Args:
        smallest: fewest customers of what is listed by itself.
    """
    return Step(
        "item",
        (HABIT, NAME, MEMBER),
        f"""
        SELECT item_kind, item, code, is_common, CAST(row_number() OVER (
            PARTITION BY item_kind ORDER BY NOT is_common, item) - 1 AS BIGINT) AS number
        FROM (
            SELECT code, count(*) AS buyers,
                buyers >= least({MOST_NEEDED}, (SELECT count(*) FROM member) // {LEAST_CUSTOMERS})
                    AS is_common
            FROM habit WHERE ago < {MONTHS} GROUP BY code HAVING buyers >= greatest({smallest}, 2)
        ) JOIN name USING (code) ORDER BY item_kind, number
        """,
        grain=Grain.ALL,
    )


@cache
def purchase_step(item: Step) -> Step:
    """The habits with items that are numbered, by their numbers; in no order."""
    return Step(
        "purchase",
        (HABIT, item),
        f"""
        SELECT i.item_kind, h.customer::BIGINT AS customer, i.number AS item, h.now, h.before,
            h.ago < {AHEAD} AS is_bought
        FROM habit AS h JOIN item AS i USING (code)
        """,
        grain=Grain.ALL,
    )
