"""Which categories each segment buys or holds together."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.market.bundles import LEAST_BASKETS, bundles
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.stages.market.columns import (
    DIGITS,
    EVERYONE,
    FALSE_DISCOVERIES,
    HOLDINGS,
    PURCHASES,
)
from portrait_assets.stages.market.design.contract import BUNDLE
from portrait_assets.stages.market.facts import BOUGHT, HOLDING, MEMBER, of_members
from portrait_assets.stages.market.shown import dated
from portrait_assets.storage.steps import Grain, Scope, Step

MOST_BUNDLES = 50
"""Bundles of a segment that are listed, those with the surest lift first."""
_OF = ["segment_id", "measure"]

GROUPED = Step(
    "grouped_member",
    (MEMBER,),
    f"""
    SELECT customer_id, segment_id, row_number() OVER (ORDER BY customer_id) AS customer,
        (md5_number_lower(customer_id) % {GROUPS})::BIGINT AS "group"
    FROM member
    """,
    at_once=True,
)
"""The customers in numbers, which are joined faster than texts, and the group of each."""

IN_BASKET = Step(
    "in_basket",
    (BOUGHT, HOLDING, GROUPED),
    f"""
    SELECT DISTINCT '{PURCHASES}' AS measure, customer, basket_id, category AS item
    {of_members(BOUGHT, GROUPED)}
    WHERE NOT gives_back AND category IS NOT NULL AND basket_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT '{HOLDINGS}' AS measure, customer, '' AS basket_id, category AS item
    {of_members(HOLDING, GROUPED)} WHERE category IS NOT NULL
    """,
    at_once=True,
)
"""The categories of each basket; all that a customer holds is one."""

BASKET = Step(
    "basket",
    (IN_BASKET,),
    "SELECT *, row_number() OVER () AS basket "
    "FROM (SELECT DISTINCT measure, customer, basket_id FROM in_basket)",
    at_once=True,
)
ITEM = Step(
    "basket_item",
    (IN_BASKET,),
    f"""
    SELECT measure, item, row_number() OVER (ORDER BY measure, item) AS place
    FROM in_basket GROUP BY measure, item HAVING count(*) >= {LEAST_BASKETS}
    """,
    grain=Grain.ALL,
)
"""The items that are in enough baskets for a bundle."""
OFTEN = Step(
    "often",
    (IN_BASKET, BASKET, ITEM),
    "SELECT measure, customer, basket, place FROM in_basket "
    "JOIN basket USING (measure, customer, basket_id) JOIN basket_item USING (measure, item)",
    at_once=True,
)
TOGETHER = Step(
    "together",
    (OFTEN,),
    "SELECT a.measure, a.customer, a.place, b.place AS other, count(*) AS own "
    "FROM often AS a JOIN often AS b ON a.basket = b.basket AND a.place < b.place GROUP BY ALL",
    at_once=True,
)
"""How many baskets each customer has with two items."""
PAIR = Step(
    "pair",
    (TOGETHER,),
    f"SELECT place, other FROM together GROUP BY place, other HAVING sum(own) >= {LEAST_BASKETS}",
)
"""The items that are in enough baskets together, of all customers, for a bundle of any segment."""

_WHOLE = (
    "SELECT measure, customer, NULL AS place, NULL AS other, count(*) AS own "
    "FROM basket GROUP BY ALL"
)
_ONE = "SELECT measure, customer, place, NULL AS other, count(*) AS own FROM often GROUP BY ALL"
_BOTH = "SELECT * FROM together SEMI JOIN pair USING (place, other)"


def _counts(rows: str) -> str:
    """Baskets and customers of each segment and group, from how many baskets each customer has."""
    return f"""
    SELECT measure, segment_id, "group", place, other, sum(own)::BIGINT AS baskets,
        count(*) AS customers
    FROM ({rows}) JOIN grouped_member USING (customer) GROUP BY ALL
    """


COUNTED = Step(
    "counted_baskets",
    (GROUPED, BASKET, OFTEN, TOGETHER, PAIR),
    " UNION ALL ".join(map(_counts, (_WHOLE, _ONE, _BOTH))),
    at_once=True,
)
EVERYBODY = Step(
    "counted_of_all",
    (COUNTED,),
    f"""
    SELECT measure, {EVERYONE} AS segment_id, "group", place, other,
        sum(baskets)::BIGINT AS baskets, sum(customers)::BIGINT AS customers
    FROM counted_baskets GROUP BY measure, "group", place, other
    """,
)
ITEMS = Step(
    "basket_count",
    (COUNTED, EVERYBODY, ITEM),
    f"""
    SELECT c.measure, segment_id, n.item, o.item AS other_item, customers, by_group
    FROM (
        SELECT measure, segment_id, place, other, sum(customers)::BIGINT AS customers,
            list({{'group': "group", 'baskets': baskets}}) AS by_group
        FROM (FROM counted_baskets UNION ALL FROM counted_of_all)
        GROUP BY measure, segment_id, place, other
        HAVING sum(baskets) >= {LEAST_BASKETS} OR other IS NULL
    ) AS c LEFT JOIN basket_item AS n USING (place) LEFT JOIN basket_item AS o ON o.place = other
    """,
    grain=Grain.ALL,
)
"""Customers and, by group, baskets: all, those with an item, and with two that are together often.

Groups are of customers, by a hash of their identifier.
"""


def bundle_step(smallest: int) -> Step:
    """The step of `market.bundle`.

    Args:
        smallest: fewest customers of what is published by itself.
    """

    def compute(scope: Scope, counts: pl.DataFrame) -> pl.DataFrame:
        return dated(scope, BUNDLE, bundle_rows(counts, smallest))

    return Step("bundle", (ITEMS,), compute=compute, grain=Grain.ALL, writes=BUNDLE)


def bundle_rows(counts: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.bundle` but for `as_of`: what surely goes together more than by chance.

    Args:
        counts: as of ITEMS.
        smallest: fewest customers that a bundle rests on.
    """
    found = [BUNDLE.empty().drop("as_of")]
    names = pl.concat([counts["item"], counts["other_item"]]).drop_nulls().unique().sort()
    # Texts as numbers, in the same order.
    coded = counts.with_columns(pl.col("item", "other_item").cast(pl.Enum(names)))
    is_total, is_pair = pl.col("item").is_null(), pl.col("other_item").is_not_null()
    for (segment, measure), own in coded.sort(_OF).group_by(_OF, maintain_order=True):
        by_group = own.drop("customers").explode("by_group").unnest("by_group")
        surely = bundles(
            by_group.filter(is_total),
            by_group.filter(~is_total, ~is_pair),
            by_group.filter(is_pair),
        ).filter(pl.col("q_value") <= FALSE_DISCOVERIES, pl.col("lift_low") > 1)
        customers = own.filter(is_pair).select(
            pl.col("item", "other_item").cast(pl.String), "customers"
        )
        listed = (
            surely.join(customers, on=["item", "other_item"], how="left", maintain_order="left")
            .filter(pl.col("customers") >= smallest)
            .head(MOST_BUNDLES)
            .with_columns(
                pl.lit(segment, pl.Int64).alias("segment_id"),
                pl.lit(measure).alias("measure"),
                pl.col("^(support|.*confidence|lift.*)$").round(DIGITS),
            )
        )
        found.append(listed.select(found[0].columns).cast(found[0].schema))
    return pl.concat(found).sort(*_OF, "item", "other_item")
