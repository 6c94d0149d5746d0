"""Steps that read what customers bought and hold, now and in an earlier month.

Customers are those with a segment at the month's end: who may not be profiled has none.
"""

from __future__ import annotations

from functools import cache

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT
from portrait_assets.stages.features.contract import UNPROFILED
from portrait_assets.stages.features.monthly.products import PRODUCT, can_be_preferred
from portrait_assets.stages.features.monthly.purchases import deals
from portrait_assets.stages.features.monthly.steps import ACCOUNT, DEAL
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.storage.steps import THE_MONTH, Source, Step, read, window

MEMBER = Step(
    "member",
    (read(CLUSTER_ASSIGNMENT, THE_MONTH),),
    "SELECT customer_id, segment_id FROM cluster_assignment",
    in_table=False,
)
"""Each customer's segment at the month's end."""
NUMBERED_MEMBER = Step(
    "numbered_member",
    (MEMBER,),
    "SELECT customer_id, segment_id, row_number() OVER (ORDER BY customer_id)::INTEGER AS customer "
    "FROM member",
    in_table=True,
)
"""The same with the customers numbered from 1: numbers are joined and grouped faster than texts."""


@cache
def member_before(months: int) -> Step:
    """The same so many months ago, under the identifiers of now.

    Who may not be profiled any more is left out: to look back on them is profiling, too, and what
    they bought since is not known to be less.
    """
    stored = of_persons(CLUSTER_ASSIGNMENT, window(1, months), f"assignment_{months}")
    return Step(
        f"member_{months}",
        (stored, read(UNPROFILED, THE_MONTH)),
        # Two records that turned out to be one person's had a segment each.
        f"SELECT customer_id, min(segment_id) AS segment_id FROM {stored.name} "
        "ANTI JOIN unprofiled USING (customer_id) GROUP BY customer_id",
        in_table=True,
    )


def _lines(deal: Step, name: str) -> Step:
    """The transaction lines by category and product, with signs: what is given back is negative.

    `amount` is null where it could not be converted into the source's currency, and then `line` and
    `quantity` are null too: amounts of two currencies are never added up.
    """
    sign = "CASE WHEN d.gives_back THEN -1 ELSE 1 END"
    return Step(
        name,
        (deal, PRODUCT),
        f"""
    SELECT d.customer_id, d.basket_id, d.product_id, p.category AS product_category,
        coalesce(CASE WHEN {can_be_preferred("p")} THEN d.category END, p.category) AS category,
        d.gives_back, d.amount,
        CASE WHEN d.amount IS NOT NULL THEN {sign} END AS line,
        CASE WHEN d.amount IS NOT NULL THEN {sign} * abs(d.quantity) END AS quantity
    FROM {deal.name} AS d LEFT JOIN product AS p USING (product_id)
    """,
        in_table=True,
    )


def _added_up(bought: Step) -> Step:
    """What each customer bought by category, and of all (`is_sum`); `has` is whether a line buys.

    Sums are null where all that they add up is.
    """
    return Step(
        f"{bought.name}_added_up",
        (bought,),
        f"""
    SELECT customer_id, grouping(category) = 1 AS is_sum, category AS item,
        bool_or(NOT gives_back) AS has, sum(line) AS lines,
        count(line) - count(quantity) AS without_quantity, sum(quantity) AS quantity,
        sum(amount) AS amount, count(*) - count(amount) AS without_amount
    FROM {bought.name} GROUP BY GROUPING SETS ((customer_id, category), (customer_id))
    """,
        in_table=True,
    )


BOUGHT = _lines(DEAL, "bought")
BOUGHT_ADDED_UP = _added_up(BOUGHT)


@cache
def bought_before(months: int) -> Step:
    """The lines of so many months ago, under the identifiers of now."""
    stored = of_persons(CLEANED["transactions"], window(1, months), f"transactions_{months}")
    return _lines(deals(stored, f"deal_{months}"), f"bought_{months}")


@cache
def bought_before_added_up(months: int) -> Step:
    """The same by customer, as `BOUGHT_ADDED_UP` is of the month."""
    return _added_up(bought_before(months))


_HOLDING = (
    "SELECT a.customer_id, a.account_id, a.product_id, p.category, a.balance AS amount "
    "FROM {} AS a LEFT JOIN product AS p USING (product_id) "
    "WHERE a.product_id IS NOT NULL AND (a.balance <> 0 OR a.credit_limit IS NOT NULL)"
)
HOLDING = Step("holding", (ACCOUNT, PRODUCT), _HOLDING.format("account"))
"""The accounts that hold or owe something at the last balances of the month, or could."""


@cache
def holding_before(months: int) -> Step:
    """The same of so many months ago, under the identifiers of now."""
    stored = of_persons(CLEANED["balances"], window(1, months), f"balances_{months}")
    account = Step(
        f"account_{months}",
        (stored,),
        f"""
    SELECT customer_id, account_id, product_id, balance, credit_limit
    FROM {stored.name} QUALIFY row_number() OVER (
        PARTITION BY customer_id, account_id, product_id ORDER BY balance_on DESC,
            balance DESC NULLS LAST, credit_limit DESC NULLS LAST
    ) = 1
    """,
    )
    return Step(f"holding_{months}", (account, PRODUCT), _HOLDING.format(account.name))


def of_members(source: Source, members: Source = MEMBER) -> str:
    """The FROM clause of what customers with a segment bought or hold, with `segment_id`."""
    return f"FROM {source.name} JOIN {members.name} USING (customer_id)"
