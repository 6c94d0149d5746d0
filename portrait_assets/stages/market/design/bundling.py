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

IN_BASKET = Step(
    "in_basket",
    (BOUGHT, HOLDING, MEMBER),
    f"""
    SELECT DISTINCT '{PURCHASES}' AS measure, segment_id, customer_id, basket_id, category AS item
    {of_members(BOUGHT)}
    WHERE NOT gives_back AND category IS NOT NULL AND basket_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT '{HOLDINGS}' AS measure, segment_id, customer_id, '' AS basket_id,
        category AS item
    {of_members(HOLDING)} WHERE category IS NOT NULL
    """,
)
"""The categories of each basket; all that a customer holds is one."""

GROUPED = Step(
    "grouped",
    (IN_BASKET,),
    f'SELECT *, (md5_number_lower(customer_id) % {GROUPS})::BIGINT AS "group" FROM in_basket',
    at_once=True,
)
OFTEN = Step(
    "often",
    (GROUPED,),
    f"""
    SELECT *, dense_rank() OVER (ORDER BY measure, customer_id, basket_id) AS basket,
        dense_rank() OVER (ORDER BY customer_id) AS customer,
        dense_rank() OVER (ORDER BY measure, item) AS place
    FROM grouped SEMI JOIN (
        SELECT measure, item FROM grouped GROUP BY ALL HAVING count(*) >= {LEAST_BASKETS}
    ) USING (measure, item)
    """,
    at_once=True,
)
"""Of the items that are in enough baskets for a bundle, all in numbers, which are joined faster."""


def _counts(rows: str) -> str:
    """Baskets and customers of each segment, and of all, from how many each customer has."""
    return f"""
    SELECT measure, coalesce(segment_id, {EVERYONE}) AS segment_id, "group", place, other,
        sum(own)::BIGINT AS baskets, count(*) AS customers
    FROM ({rows})
    GROUP BY GROUPING SETS (
        (measure, segment_id, "group", place, other), (measure, "group", place, other)
    )
    """


_WHOLE = (
    'SELECT measure, segment_id, "group", customer_id, NULL AS place, NULL AS other, '
    "count(DISTINCT basket_id) AS own FROM grouped GROUP BY ALL"
)
_ONE = (
    'SELECT measure, segment_id, "group", customer, place, NULL AS other, count(*) AS own '
    "FROM often GROUP BY ALL"
)
_BOTH = "SELECT * FROM together SEMI JOIN pair USING (place, other)"
TOGETHER = Step(
    "together",
    (OFTEN,),
    'SELECT a.measure, a.segment_id, a."group", a.customer, a.place, b.place AS other, '
    "count(*) AS own FROM often AS a JOIN often AS b "
    "ON a.basket = b.basket AND a.place < b.place GROUP BY ALL",
    at_once=True,
)
"""How many baskets each customer has with two items."""
PAIR = Step(
    "pair",
    (TOGETHER,),
    f"SELECT place, other FROM together GROUP BY place, other HAVING sum(own) >= {LEAST_BASKETS}",
)
"""The items that are in enough baskets together, of all customers, for a bundle of any segment."""
NAMED = Step("named_item", (OFTEN,), "SELECT DISTINCT place, item FROM often", grain=Grain.ALL)
ITEMS = Step(
    "basket_count",
    (GROUPED, OFTEN, TOGETHER, PAIR, NAMED),
    f"""
    SELECT measure, segment_id, "group", n.item, o.item AS other_item, baskets, customers
    FROM ({" UNION ALL ".join(map(_counts, (_WHOLE, _ONE, _BOTH)))})
        LEFT JOIN named_item AS n USING (place) LEFT JOIN named_item AS o ON o.place = other
    """,
    grain=Grain.ALL,
)
"""Baskets and customers by group: of all, with an item, and with two that are together often.

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
    for (segment, measure), own in counts.sort(_OF).group_by(_OF, maintain_order=True):
        is_total, is_pair = pl.col("item").is_null(), pl.col("other_item").is_not_null()
        pairs = own.filter(is_pair)
        surely = bundles(own.filter(is_total), own.filter(~is_total, ~is_pair), pairs).filter(
            pl.col("q_value") <= FALSE_DISCOVERIES, pl.col("lift_low") > 1
        )
        customers = pairs.group_by("item", "other_item").agg(pl.col("customers").sum())
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
