"""What is known of products over all customers: usual probability, usual amount, who has them."""

from __future__ import annotations

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.persons import of_persons
from portrait_assets.stages.offers.affinity.contract import DIGITS, MOST_LISTED, PRODUCT
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import TERMS
from portrait_assets.storage.steps import THE_MONTH, Grain, Source, Step, if_empty, window

EXACT = "DECIMAL(18, 9)"
"""Probabilities as they are added up, so that no order of rows changes a sum."""
TAKEN_MONTHS = 3

BALANCES = of_persons(CLEANED["balances"], THE_MONTH, "balances_now")
PAYMENTS = of_persons(CLEANED["transactions"], window(12), "payments_12m")
BOUGHT = of_persons(CLEANED["transactions"], window(TAKEN_MONTHS), "payments_3m")

_HELD = """
    SELECT customer_id, product_id, sum(balance) AS amount FROM (
        SELECT customer_id, account_id, product_id, abs(arg_max(balance, (balance_on, balance)))
            AS balance
        FROM balances_now WHERE product_id IS NOT NULL AND balance IS NOT NULL
        GROUP BY customer_id, account_id, product_id
    ) GROUP BY customer_id, product_id HAVING sum(balance) > 0
"""
_PAID = """
    SELECT customer_id, product_id, sum(amount) AS amount FROM payments_12m
    WHERE product_id IN (SELECT product_id FROM terms WHERE margin_rate IS NOT NULL)
    GROUP BY customer_id, product_id HAVING sum(amount) > 0
"""


def usual_amount(smallest: int) -> Step:
    """By product the median of what its holders have, or else of what they paid in twelve months.

    Of fewer customers than `smallest` it is not given; nor are payments where no margin is known.
    """
    counted = (
        "SELECT product_id, quantile_disc(amount, 0.5) AS amount FROM ({}) "
        f"GROUP BY product_id HAVING count(*) >= {smallest}"
    )
    return Step(
        "usual_amount",
        (BALANCES, PAYMENTS, TERMS),
        f"""
        SELECT product_id, coalesce(h.amount, p.amount) AS amount
        FROM ({counted.format(_HELD)}) AS h
        FULL JOIN ({counted.format(_PAID)}) AS p USING (product_id)
        """,
        grain=Grain.ALL,
    )


_TAKEN_BY = f"""
    SELECT product_id, count(*) AS customers FROM (
        SELECT customer_id, product_id FROM ({_HELD})
        UNION SELECT customer_id, product_id FROM payments_3m
        WHERE product_id IS NOT NULL AND amount > 0
    ) WHERE {{}} GROUP BY product_id
"""
UNPROFILED = Step(
    "unprofiled_subject", (SUBJECT,), "FROM subject WHERE NOT is_profiled", grain=Grain.ALL
)
"""The customers of whom nothing but the rules may decide what they are offered."""
POPULAR = Step(
    "popular",
    (BALANCES, BOUGHT, UNPROFILED),
    _TAKEN_BY.format("true"),
    grain=Grain.ALL,
    simpler=if_empty(UNPROFILED, f"{_TAKEN_BY.format('true')} LIMIT 0"),
)
"""By product how many customers hold it at the month's end, or bought it in three months.

It decides what those who refuse profiling are offered, and has no rows where nobody does.
"""


def popular_of(products: Step) -> Step:
    """The same of these products, whoever is profiled."""
    sql = _TAKEN_BY.format(f"product_id IN (SELECT product_id FROM {products.name})")
    return Step(
        "popular_of",
        (BALANCES, BOUGHT, products),
        sql,
        grain=Grain.ALL,
        simpler=if_empty(products, f"{sql} LIMIT 0"),
    )


def listed_products(affinity: Source) -> Step:
    """The products of the affinities, each with its probability, of customers who are profiled."""
    return Step(
        "listed",
        (affinity,),
        f"SELECT customer_id, item AS product_id, probability FROM {affinity.name} "
        f"WHERE item_kind = '{PRODUCT}' AND probability IS NOT NULL",
        in_table=False,
        grain=Grain.ALL,
    )


def base_probability(listed: Step) -> Step:
    """By product the mean probability over the customers who may take it.

    Of whom a full list leaves a product out, the probability is not above the least that it has;
    that counts for them, so that the mean is rather too high than too low. A shorter list leaves
    out nothing that the customer may take.
    """
    least = Step(
        "least_listed",
        (listed,),
        f"SELECT customer_id, min(CAST(probability AS {EXACT})) AS p FROM listed "
        f"GROUP BY customer_id HAVING count(*) >= {MOST_LISTED}",
        grain=Grain.ALL,
    )
    return Step(
        "base_rate",
        (listed, least),
        f"""
        SELECT product_id, round(CAST(o.p + a.p - o.least AS DOUBLE)
            / (o.customers + a.customers - o.full_lists), {DIGITS}) AS base_probability
        FROM (
            SELECT product_id, sum(CAST(l.probability AS {EXACT})) AS p, count(*) AS customers,
                coalesce(sum(f.p), 0) AS least, count(f.p) AS full_lists
            FROM listed AS l LEFT JOIN least_listed AS f USING (customer_id) GROUP BY product_id
        ) AS o, (SELECT coalesce(sum(p), 0) AS p, count(*) AS customers FROM least_listed) AS a
        """,
        grain=Grain.ALL,
    )
