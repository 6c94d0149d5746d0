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
    SELECT DISTINCT false AS is_held, customer, basket_id, category AS item
    {of_members(BOUGHT, GROUPED)}
    WHERE NOT gives_back AND category IS NOT NULL AND basket_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT true AS is_held, customer, '' AS basket_id, category AS item
    {of_members(HOLDING, GROUPED)} WHERE category IS NOT NULL
    """,
    at_once=True,
)
"""The categories of each basket; all that a customer holds is one."""

BASKET = Step(
    "basket",
    (IN_BASKET,),
    "SELECT *, row_number() OVER () AS basket "
    "FROM (SELECT DISTINCT is_held, customer, basket_id FROM in_basket)",
    at_once=True,
)
ITEM = Step(
    "basket_item",
    (IN_BASKET,),
    f"""
    SELECT is_held, item, row_number() OVER (ORDER BY is_held, item) AS place
    FROM in_basket GROUP BY is_held, item HAVING count(*) >= {LEAST_BASKETS}
    """,
    grain=Grain.ALL,
)
"""The items that are in enough baskets for a bundle, numbered in the order of their names."""
NUMBERED = Step(
    "numbered",
    (IN_BASKET, BASKET, ITEM),
    # Inner joins DuckDB would reorder, and make every pair of a basket and an item first: it has
    # no statistics of tables that the same transaction has made.
    "SELECT is_held, customer, basket, place FROM in_basket "
    "JOIN basket USING (is_held, customer, basket_id) LEFT JOIN basket_item USING (is_held, item)",
    at_once=True,
)
"""The baskets with their items in numbers; `place` is null of an item of too few."""
TOGETHER = Step(
    "together",
    (NUMBERED,),
    "SELECT a.is_held, a.customer, a.place, b.place AS other, count(*) AS own "
    "FROM numbered AS a JOIN numbered AS b ON a.basket = b.basket AND a.place < b.place "
    "GROUP BY ALL",
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
    "SELECT is_held, customer, NULL AS place, NULL AS other, count(*) AS own "
    "FROM basket GROUP BY ALL"
)
_ONE = (
    "SELECT is_held, customer, place, NULL AS other, count(*) AS own FROM numbered "
    "WHERE place IS NOT NULL GROUP BY ALL"
)
_BOTH = "SELECT * FROM together SEMI JOIN pair USING (place, other)"


def _counts(rows: str) -> str:
    """Baskets and customers of each segment and group, from how many baskets each customer has."""
    return f"""
    SELECT is_held, segment_id, "group", place, other, sum(own)::BIGINT AS baskets,
        count(*) AS customers
    FROM ({rows}) JOIN grouped_member USING (customer) GROUP BY ALL
    """


COUNTED = Step(
    "counted_baskets",
    (GROUPED, BASKET, NUMBERED, TOGETHER, PAIR),
    " UNION ALL ".join(map(_counts, (_WHOLE, _ONE, _BOTH))),
    at_once=True,
)
WITH_ALL = Step(
    "counted_with_all",
    (COUNTED,),
    f"""
    FROM counted_baskets UNION ALL
    SELECT is_held, {EVERYONE} AS segment_id, "group", place, other,
        sum(baskets)::BIGINT AS baskets, sum(customers)::BIGINT AS customers
    FROM counted_baskets GROUP BY is_held, "group", place, other
    """,
    at_once=True,
)
COUNTS = Step(
    "basket_count",
    (WITH_ALL,),
    f"""
    FROM counted_with_all WHERE other IS NULL UNION ALL
    FROM counted_with_all SEMI JOIN (
        SELECT segment_id, place, other FROM counted_with_all
        GROUP BY ALL HAVING sum(baskets) >= {LEAST_BASKETS}
    ) USING (segment_id, place, other)
    """,
    grain=Grain.ALL,
)
"""Baskets and customers by group: all, those with an item, and with two that are together often.

Groups are of customers, by a hash of their identifier; items are numbered as in ITEM.
"""


def bundle_step(smallest: int) -> Step:
    """The step of `market.bundle`.

    Args:
        smallest: fewest customers of what is published by itself.
    """

    def compute(scope: Scope, counts: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
        return dated(scope, BUNDLE, bundle_rows(counts, items, smallest))

    return Step("bundle", (COUNTS, ITEM), compute=compute, grain=Grain.ALL, writes=BUNDLE)


def bundle_rows(counts: pl.DataFrame, items: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.bundle` but for `as_of`: what surely goes together more than by chance.

    Args:
        counts: as of COUNTS.
        items: as of ITEM.
        smallest: fewest customers that a bundle rests on.
    """
    found = [BUNDLE.empty().drop("as_of")]
    of_pair = ["item", "other_item"]
    # Texts as numbers, in the same order.
    names = items.sort("place")["item"].cast(pl.Enum(items["item"].unique().sort()))
    of = counts.select("segment_id", "is_held").unique().sort("segment_id", "is_held")
    for segment, is_held in of.iter_rows():
        own = counts.filter(segment_id=segment, is_held=is_held).select(
            pl.lit(names).gather(pl.col("place") - 1).alias("item"),
            pl.lit(names).gather(pl.col("other") - 1).alias("other_item"),
            *("group", "baskets", "customers"),
        )
        is_total, is_pair = pl.col("item").is_null(), pl.col("other_item").is_not_null()
        pairs = own.filter(is_pair)
        surely = bundles(own.filter(is_total), own.filter(~is_total, ~is_pair), pairs).filter(
            pl.col("q_value") <= FALSE_DISCOVERIES, pl.col("lift_low") > 1
        )
        surely = surely.with_columns(pl.col(of_pair).cast(names.dtype))
        customers = pairs.join(surely, on=of_pair, how="semi").group_by(of_pair)
        listed = (
            surely.join(customers.agg(pl.col("customers").sum()), on=of_pair, maintain_order="left")
            .filter(pl.col("customers") >= smallest)
            .head(MOST_BUNDLES)
            .with_columns(
                pl.lit(segment, pl.Int64).alias("segment_id"),
                pl.lit(HOLDINGS if is_held else PURCHASES).alias("measure"),
                pl.col("^(support|.*confidence|lift.*)$").round(DIGITS),
            )
        )
        found.append(listed.select(found[0].columns).cast(found[0].schema))
    return pl.concat(found).sort("segment_id", "measure", *of_pair)
