"""Which categories each segment buys or holds together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Indexes
from portrait_assets.methods.market.baskets import MOST_ITEMS, NOTHING, Baskets
from portrait_assets.methods.market.bundles import LEAST_BASKETS, Counts, bundles
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.stages.market.columns import (
    DIGITS,
    EVERYONE,
    FALSE_DISCOVERIES,
    HOLDINGS,
    PURCHASES,
)
from portrait_assets.stages.market.design.contract import BUNDLE
from portrait_assets.stages.market.facts import BOUGHT, HOLDING, NUMBERED_MEMBER, of_members
from portrait_assets.storage.steps import Grain, Step

MOST_BUNDLES = 50
"""Bundles of a segment that are listed, those with the surest lift first."""

IN_BASKET = Step(
    "in_basket",
    (BOUGHT, HOLDING, NUMBERED_MEMBER),
    f"""
    SELECT DISTINCT false AS is_held, customer, basket_id, category AS item
    {of_members(BOUGHT, NUMBERED_MEMBER)}
    WHERE NOT gives_back AND category IS NOT NULL AND basket_id IS NOT NULL
    UNION ALL
    SELECT DISTINCT true AS is_held, customer, '' AS basket_id, category AS item
    {of_members(HOLDING, NUMBERED_MEMBER)} WHERE category IS NOT NULL
    """,
    in_table=True,
)
"""The categories of each basket; all that a customer holds is one."""

BASKET = Step(
    "basket",
    (IN_BASKET,),
    "SELECT *, row_number() OVER () AS basket "
    "FROM (SELECT DISTINCT is_held, customer, basket_id FROM in_basket)",
    in_table=True,
)
ITEM = Step(
    "basket_item",
    (IN_BASKET,),
    f"""
    SELECT is_held, item, row_number() OVER (ORDER BY is_held, item)::INTEGER - 1 AS place FROM (
        SELECT is_held, item FROM in_basket GROUP BY is_held, item
        HAVING count(*) >= {LEAST_BASKETS} ORDER BY count(*) DESC, is_held, item LIMIT {MOST_ITEMS}
    )
    """,
    grain=Grain.ALL,
)
"""The items that are in enough baskets for a bundle, numbered in the order of their names."""
NUMBERED = Step(
    "numbered",
    (IN_BASKET, BASKET, ITEM, NUMBERED_MEMBER),
    # Inner joins DuckDB would reorder, and make every pair of a basket and an item first: it has
    # no statistics of tables that the same transaction has made.
    f"""
    SELECT is_held, segment_id, "group", customer, basket::INTEGER AS basket,
        coalesce(place, {NOTHING})::INTEGER AS place
    FROM in_basket JOIN basket USING (is_held, customer, basket_id)
        LEFT JOIN basket_item USING (is_held, item) JOIN (
            SELECT customer, segment_id,
                (md5_number_lower(customer_id) % {GROUPS})::INTEGER AS "group"
            FROM numbered_member
        ) USING (customer)
    ORDER BY is_held, segment_id, basket, place
    """,
    grain=Grain.ALL,
)
"""The baskets with their items in numbers; `place` is NOTHING of an item of too few.

Groups are of customers, by a hash of their identifier.
"""


def bundle_rows(numbered: pl.DataFrame, items: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.bundle` but for `as_of`: what surely goes together more than by chance.

    Args:
        numbered: as of NUMBERED.
        items: as of ITEM.
        smallest: fewest customers that a bundle rests on.
    """
    names = items.sort("place")["item"]
    found = [BUNDLE.empty().drop("as_of")]
    for (is_held,), rows in numbered.partition_by("is_held", as_dict=True).items():
        measure = pl.lit(HOLDINGS if is_held else PURCHASES).alias("measure")
        for segment, surely in _of_segments(rows, names.len(), smallest):
            listed = surely.with_columns(
                pl.lit(segment, pl.Int64).alias("segment_id"),
                measure,
                names.gather(surely["item"]).alias("item"),
                names.gather(surely["other_item"]).alias("other_item"),
                pl.col("^(support|.*confidence|lift.*)$").round(DIGITS),
            )
            found.append(listed.select(found[0].columns).cast(found[0].schema))
    return pl.concat(found).sort("segment_id", "measure", "item", "other_item")


def _of_segments(
    rows: pl.DataFrame, items: int, smallest: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    """The bundles of each segment, and of all customers, with the `customers` that each is of."""
    columns = ("basket", "place", "customer", "group")
    segments = {
        int(segment): Baskets(*(own[name].to_numpy() for name in columns))
        for (segment,), own in rows.partition_by("segment_id", as_dict=True).items()
    }
    for segment, counts in counts_by_segment(segments, items):
        surely = bundles(counts).filter(
            pl.col("q_value") <= FALSE_DISCOVERIES, pl.col("lift_low") > 1
        )
        own = segments.values() if segment == EVERYONE else [segments[segment]]
        place = _places(surely.select("item", "other_item").to_numpy(), items)
        customers = _added_up(each.customers(place) for each in own)
        listed = surely.with_columns(pl.Series("customers", customers, pl.Int64))
        yield segment, listed.filter(pl.col("customers") >= smallest).head(MOST_BUNDLES)


def counts_by_segment(segments: Mapping[int, Baskets], items: int) -> Iterator[tuple[int, Counts]]:
    """Numbers of baskets of each segment, and of all customers last.

    One at a time: a segment's take as much memory as there are pairs, whatever its size.
    """
    together = _added_up(each.together(items) for each in segments.values())
    pairs = np.argwhere(together >= LEAST_BASKETS)
    place = _places(pairs, items)
    baskets = np.zeros(GROUPS, dtype=np.int64)
    single = np.zeros((items, GROUPS), dtype=np.int64)
    both = np.zeros((len(pairs), GROUPS), dtype=np.int64)
    for segment, of in segments.items():
        own = Counts(
            of.counted(GROUPS), of.with_item(items, GROUPS), pairs, of.with_both(place, GROUPS)
        )
        baskets += own.baskets
        single += own.single
        both += own.both
        yield segment, own
    yield EVERYONE, Counts(baskets, single, pairs, both)


def _added_up(counts: Iterable[Indexes]) -> Indexes:
    """Of all segments, of which there is one at least; each customer is in one."""
    first, *others = counts
    for each in others:
        first = first + each
    return first


def _places(pairs: Indexes, items: int) -> Indexes:
    """By smaller and greater item the pair's place, or NOTHING."""
    found = np.full((items, items), NOTHING)
    found[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
    return found
