"""Purchases, net of what was cancelled or returned: what counts as one, and as of which month.

A purchase is a basket, or a line without one. Lines that give back are none. A line that names what
it cancels is taken off that purchase, from its own month on; other lines that give back are taken
off the basket in which they stand. A purchase counts as long as something of it is left, and its
ticket is what is left.
"""

from __future__ import annotations

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared.expressions import GIVES_BACK, WORTH
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.monthly.aggregate import select, words
from portrait_assets.storage.steps import Source, Step, if_empty

NET = tuple(
    each
    for each in aggregates.CUSTOMER_MONTH
    if {"ticket", "days", "from_at", "until_at"} & words(each)
)
"""The aggregates of a customer's month that count purchases."""
BOUGHT = "ticket, days, from_at, until_at"
"""A purchase's columns: what is left of it, its days of the month as bits, first and last time."""


def deals(transactions: Source, name: str) -> Step:
    """The transaction lines, with what each is worth and whether it gives back."""
    return Step(
        name,
        (transactions,),
        f"SELECT *, {GIVES_BACK} AS gives_back, {WORTH} AS worth FROM {transactions.name}",
        in_table=False,
    )


def cancelling(deal: Step, name: str) -> Step:
    """The lines that name what they cancel; most sources have none."""
    return Step(
        name,
        (deal,),
        "SELECT customer_id, month, cancels, amount, worth, source_file, source_row "
        f"FROM {deal.name} WHERE cancels IS NOT NULL",
        in_table=True,
    )


def taken_off(deal: Step, named_by: Step, name: str) -> Step:
    """What lines that name a purchase take off it, with a row per purchase.

    They name a `transaction_id`, or else a `basket_id`, of the same customer; of several purchases
    the newest up to their month is meant, and of equally new ones the greatest. A purchase has its
    month, and its basket or else the file and row of its line; `until` is the last month in which
    something was taken off it.
    """
    found = " UNION ALL ".join(
        f"""
        SELECT c.customer_id, c.month AS until, c.amount, c.worth, c.source_file AS by_file,
            c.source_row AS by_row, {rank} AS rank, t.month, t.basket_id, t.source_file,
            t.source_row, t.occurred_at, t.worth AS paid
        FROM {deal.name} AS t JOIN {named_by.name} AS c
            ON t.customer_id = c.customer_id AND t.{reference} = c.cancels AND t.month <= c.month
        WHERE NOT t.gives_back
        """
        for rank, reference in enumerate(("transaction_id", "basket_id"))
    )
    return Step(
        name,
        (deal, named_by),
        f"""
    SELECT customer_id, month, basket_id,
        CASE WHEN basket_id IS NULL THEN source_file END AS source_file,
        CASE WHEN basket_id IS NULL THEN source_row END AS source_row,
        sum(amount) AS amount, sum(worth) AS worth, max(until) AS until
    FROM (
        SELECT * FROM ({found}) QUALIFY row_number() OVER (
            PARTITION BY by_file, by_row ORDER BY month DESC, rank, occurred_at DESC, paid DESC,
                basket_id, source_file, source_row
        ) = 1
    ) GROUP BY ALL
    """,
    )


def _columns(counts: str, days: str, from_at: str, until_at: str) -> str:
    left = f"CAST(t.amount + coalesce(k.amount, 0) AS {Type.MONEY})"
    values = zip(BOUGHT.split(", "), (left, days, from_at, until_at), strict=True)
    return ", ".join(f"CASE WHEN {counts} THEN {sql} END AS {name}" for name, sql in values)


_DAY = "CAST(1 AS INTEGER) << CAST(day({}occurred_at) - 1 AS INTEGER)"
OF_LINE = _columns(
    "t.basket_id IS NULL AND NOT t.gives_back AND (k.until IS NULL OR t.worth + k.worth > 0)",
    _DAY.format("t."),
    "t.occurred_at",
    "t.occurred_at",
)
"""SQL of `BOUGHT` for a line of `t`; null where it is no purchase by itself."""
_OF_BASKET = _columns(
    "NOT t.has_returns AND k.until IS NULL OR t.worth + coalesce(k.worth, 0) > 0",
    "t.days",
    "t.from_at",
    "t.until_at",
)


def join_of_line(taken: str) -> str:
    """The join of what `taken_off` gives, as `k`, to lines `t`."""
    return (
        f"LEFT JOIN {taken} AS k ON k.source_file = t.source_file AND k.source_row = t.source_row"
    )


def baskets_sql(deal: str, taken: str) -> str:
    """The SELECT of the baskets with `BOUGHT`, which is null where a basket is no purchase."""
    return f"""
    SELECT t.month, t.customer_id, {_OF_BASKET}
    FROM (
        SELECT month, customer_id, basket_id,
            CASE WHEN count(amount) = count(*) THEN sum(amount) END AS amount,
            sum(worth) AS worth, bool_or(gives_back) AS has_returns,
            min(CASE WHEN NOT gives_back THEN occurred_at END) AS from_at,
            max(CASE WHEN NOT gives_back THEN occurred_at END) AS until_at,
            bit_or(CASE WHEN NOT gives_back THEN {_DAY.format("")} END) AS days
        FROM {deal} WHERE basket_id IS NOT NULL AND cancels IS NULL
        GROUP BY month, customer_id, basket_id
    ) AS t LEFT JOIN {taken} AS k ON k.month = t.month AND k.customer_id = t.customer_id
        AND k.basket_id = t.basket_id
    """


def net_months(transactions: Source) -> Step:
    """What counts purchases of the customers' months from which a later month took something off.

    It has the columns `NET`, as known at the end of the months that are read.
    """
    name = transactions.name
    deal = deals(transactions, f"{name}_deal")
    named_by = cancelling(deal, f"{name}_cancelling")
    taken = taken_off(deal, named_by, f"{name}_taken_off")
    changed = Step(
        f"{name}_changed",
        (deal, taken),
        f"SELECT * FROM {deal.name} SEMI JOIN (SELECT customer_id, month FROM {taken.name} "
        "WHERE month < until) USING (customer_id, month)",
        in_table=False,
    )
    sql = f"""
    SELECT month, customer_id, {select(NET)}
    FROM (
        SELECT t.month, t.customer_id, {OF_LINE}
        FROM {changed.name} AS t {join_of_line(taken.name)}
        UNION ALL {baskets_sql(changed.name, taken.name)}
    ) GROUP BY month, customer_id
    """
    return Step(
        f"{name}_net",
        (changed, taken),
        sql,
        in_table=True,
        simpler=if_empty(named_by, f"{sql} LIMIT 0"),
    )


def as_known(months: Source, net: Step, name: str) -> Step:
    """Customers' months with what counts purchases as `net_months` has it."""
    columns = ", ".join(
        f"CASE WHEN n.customer_id IS NULL THEN m.{each.name} ELSE n.{each.name} END AS {each.name}"
        for each in NET
    )
    return Step(
        name,
        (months, net),
        f"SELECT m.* REPLACE ({columns}) FROM {months.name} AS m LEFT JOIN {net.name} AS n "
        "ON n.customer_id = m.customer_id AND n.month = m.month",
        in_table=False,
        simpler=if_empty(net, f"SELECT * FROM {months.name}"),
    )
