"""Bundles: items that are bought together more often than by chance, with lift and support.

Association rules of two items (R. Agrawal, T. Imieliński, A. Swami 1993, "Mining association rules
between sets of items in large databases"). One customer's baskets resemble each other, so customers
are put into groups, and what varies from group to group is the error: a thousand baskets of one
customer prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate

LEAST_BASKETS = 20
"""Baskets with both items that a bundle rests on at least."""
BUNDLES = pl.Schema(
    {
        "item": pl.Int64(),
        "other_item": pl.Int64(),
        "baskets": pl.Int64(),
        "support": pl.Float64(),
        "confidence": pl.Float64(),
        "other_confidence": pl.Float64(),
        "lift": pl.Float64(),
        "lift_low": pl.Float64(),
        "lift_high": pl.Float64(),
        "p_value": pl.Float64(),
        "q_value": pl.Float64(),
    }
)


@dataclass(frozen=True)
class Counts:
    """Numbers of baskets by group of customers.

    `baskets` are all, shape (groups,); `single` those with an item, shape (items, groups); `both`
    those with two, shape (pairs, groups). `pairs` has the numbers of each two items, the smaller
    first, shape (pairs, 2), in rising order.
    """

    baskets: Indexes
    single: Indexes
    pairs: Indexes
    both: Indexes


def bundles(counts: Counts) -> pl.DataFrame:
    """The pairs that are together in at least `LEAST_BASKETS` baskets, columns as BUNDLES.

    `support` is the share of baskets with both, `confidence` that of those with `item` that have
    `other_item`, and `other_confidence` the other way round. `q_value` holds the false discovery
    rate over all pairs of items that are each in so many baskets; those that are together in fewer
    count as tests that found nothing, so that which pairs are tested does not depend on what is
    found. In the order of lift's lower end. Groups without a basket say nothing.
    """
    is_often = counts.single.sum(axis=1) >= LEAST_BASKETS
    is_tested = (counts.both.sum(axis=1) >= LEAST_BASKETS) & is_often[counts.pairs].all(axis=1)
    has_any = np.flatnonzero(counts.baskets)
    if not is_tested.any() or len(has_any) < 2:
        return pl.DataFrame(schema=BUNDLES)
    pairs = counts.pairs[is_tested]
    often = int(is_often.sum())
    tests = often * (often - 1) // 2
    one, other = (_of_groups(counts.single[items], has_any) for items in pairs.T)
    both = _of_groups(counts.both[is_tested], has_any)
    found = _measured(counts.baskets[has_any].astype(np.float64), one, other, both)
    # The p-value of 1 of pairs without a row only makes the family larger.
    scaled = (pl.col("p_value") * tests / pl.len()).clip(upper_bound=1)
    return (
        pl.concat([pl.DataFrame(pairs, schema=BUNDLES.names()[:2]), found], how="horizontal")
        .with_columns(false_discovery_rate(scaled).alias("q_value"))
        .sort(["lift_low", "item", "other_item"], descending=[True, False, False])
        .select(BUNDLES.names())
        .cast(BUNDLES)
    )


def _of_groups(counts: Indexes, groups: Indexes) -> Floats:
    """These columns, in the order of rows in which sums over groups are always the same."""
    return np.ascontiguousarray(counts[:, groups], dtype=np.float64)


def _measured(baskets: Floats, one: Floats, other: Floats, both: Floats) -> pl.DataFrame:
    """Lift and its test of each pair, from baskets by group."""
    all_, n_one, n_other, n_both = baskets.sum(), one.sum(1), other.sum(1), both.sum(1)
    share_one, share_other = n_one / all_, n_other / all_
    lift = n_both / all_ / (share_one * share_other)
    # How far each group moves what is more than by chance, and the logarithm of the lift.
    excess = both - share_one[:, None] * other - share_other[:, None] * one
    excess += (share_one * share_other)[:, None] * baskets
    moves = both / n_both[:, None] + baskets / all_
    moves -= one / n_one[:, None] + other / n_other[:, None]
    freedom = both.shape[1] - 1
    error = _error(excess)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, excess.sum(1) / error, 0.0)
    half = stdtrit(freedom, 0.975) * _error(moves)
    return pl.DataFrame(
        {
            "baskets": n_both.astype(np.int64),
            "support": n_both / all_,
            "confidence": n_both / n_one,
            "other_confidence": n_both / n_other,
            "lift": lift,
            "lift_low": lift * np.exp(-half),
            "lift_high": lift * np.exp(half),
            "p_value": 2 * stdtr(freedom, -np.abs(t)),
        }
    )


def _error(by_group: Floats) -> Floats:
    """Standard error of a sum over groups, of each row."""
    groups = by_group.shape[1]
    centred = by_group - by_group.mean(axis=1, keepdims=True)
    return np.asarray(np.sqrt((centred**2).sum(axis=1) * groups / (groups - 1)))
