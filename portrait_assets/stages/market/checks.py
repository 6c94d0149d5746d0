"""Checks of the market stage: what must hold of its tables besides their contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.methods.market.bundles import LEAST_BASKETS
from portrait_assets.schema.table import Table
from portrait_assets.stages.market.changes.contract import DEMAND_CHANGE, TAKINGS_CHANGE
from portrait_assets.stages.market.columns import EVERYONE, FALSE_DISCOVERIES
from portrait_assets.stages.market.competitors.contract import COMPETITOR, LAUNCH
from portrait_assets.stages.market.demand.contract import DEMAND, ITEM_MONTH, SEASON
from portrait_assets.stages.market.design.contract import BUNDLE, PRICE_POINT, SEGMENT_NEED
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck

CLOSE = 1e-4
"""How far numbers that were rounded may be from what they are computed from."""


def _found(wrong: pl.DataFrame, *names: str) -> Finding:
    """A finding of these rows, of which the first is named.

    Months that are checked together have one detail, which so counts nothing but what is wrong.
    """
    first = "; first: " + ", ".join(map(str, wrong.select(names).row(0))) if wrong.height else ""
    return Finding(wrong.height, f"{wrong.height} rows{first}")


def _segments_add_up(subject: Subject) -> Finding:
    """Customers, lines and amounts of all segments are those of all customers."""
    of = ["measure", "item_kind", "item"]
    sums = ["customers", "lines", "amount"]
    rows = subject.rows.with_columns(pl.col("amount").fill_null(0))
    is_whole = pl.col("segment_id") == EVERYONE
    parts = rows.filter(~is_whole).group_by(of).agg(pl.col(sums).sum())
    both = rows.filter(is_whole).join(parts, on=of, how="full", suffix="_parts", coalesce=True)
    wrong = both.filter(
        ~pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_parts")) for name in sums)
    ).sort(of)
    return _found(wrong, *of)


def _parts_add_up(subject: Subject) -> Finding:
    """Volume, price and mix are the change, to the cent."""
    parts = pl.col("volume") + pl.col("price") + pl.col("mix")
    is_right = (parts == pl.col("change")) & (
        pl.col("amount") - pl.col("amount_before") == pl.col("change")
    )
    return _found(subject.rows.filter(~is_right), "comparison", "segment_id", "item")


def _seasons_are_one_on_average(subject: Subject) -> Finding:
    """The twelve seasonal indices of an item are 1 on average."""
    of = ["measure", "item_kind", "item"]
    means = subject.rows.group_by(of).agg(pl.col("index").mean(), pl.len())
    wrong = means.filter(((pl.col("index") - 1).abs() > CLOSE) | (pl.col("len") != 12)).sort(of)
    return _found(wrong, *of)


def _within_intervals(subject: Subject) -> Finding:
    """Every change lies within its interval."""
    change = pl.col("reach_change")
    is_within = (pl.col("reach_change_low") <= change) & (change <= pl.col("reach_change_high"))
    is_change = (pl.col("reach") - pl.col("reach_before") - change).abs() <= CLOSE
    wrong = subject.rows.filter(~(is_within & is_change))
    return _found(wrong, "comparison", "measure", "segment_id", "item")


def _gap_is_of_both(subject: Subject) -> Finding:
    """Every gap is the competitor's value less the own one."""
    both = pl.col("value") - pl.col("own_value")
    is_right = ((pl.col("gap") - both).abs() <= CLOSE).fill_null(
        pl.col("gap").is_null() & both.is_null()
    )
    wrong = subject.rows.filter(~is_right)
    return _found(wrong, "indicator", "product_class", "competitor")


def _surely_together(subject: Subject) -> Finding:
    is_sure = (
        (pl.col("baskets") >= LEAST_BASKETS)
        & (pl.col("lift_low") > 1)
        & (pl.col("q_value") <= FALSE_DISCOVERIES)
    )
    wrong = subject.rows.filter(~is_sure.fill_null(False))
    return _found(wrong, "segment_id", "item", "other_item")


SEGMENTS_ADD_UP = TableCheck("segments_add_up", _segments_add_up, blocking=True)
PARTS_ADD_UP = TableCheck("parts_add_up", _parts_add_up, blocking=True, holds_together=True)
SEASONS_ARE_ONE = TableCheck("seasons_are_one", _seasons_are_one_on_average)
WITHIN_INTERVALS = TableCheck("within_intervals", _within_intervals, holds_together=True)
GAP_IS_OF_BOTH = TableCheck("gap_is_of_both", _gap_is_of_both, holds_together=True)
SURELY_TOGETHER = TableCheck(
    "surely_together",
    _surely_together,
    f"Bundles rest on {LEAST_BASKETS} baskets and are surely more than chance.",
    holds_together=True,
)


def no_small_cell(smallest: int, *counts: str) -> TableCheck:
    """No row of a table counts fewer customers than may be published, but for none."""

    def find(subject: Subject) -> Finding:
        is_small = pl.any_horizontal(pl.col(name).is_between(1, smallest - 1) for name in counts)
        return _found(subject.rows.filter(is_small), *counts)

    return TableCheck(
        "no_small_cell",
        find,
        f"No row rests on fewer than {smallest} customers.",
        blocking=True,
        holds_together=True,
    )


def market_checks(smallest: int) -> Mapping[Table, Sequence[TableCheck]]:
    """The checks of the stage's tables.

    Args:
        smallest: fewest customers of what is published by itself.
    """
    customers = no_small_cell(smallest, "customers")
    return {
        ITEM_MONTH: (SEGMENTS_ADD_UP,),
        DEMAND: (customers,),
        SEASON: (SEASONS_ARE_ONE,),
        TAKINGS_CHANGE: (PARTS_ADD_UP, no_small_cell(smallest, "customers", "customers_before")),
        DEMAND_CHANGE: (WITHIN_INTERVALS, customers),
        COMPETITOR: (GAP_IS_OF_BOTH,),
        LAUNCH: (no_small_cell(smallest, "customers", "takers"),),
        SEGMENT_NEED: (customers,),
        PRICE_POINT: (customers,),
        BUNDLE: (SURELY_TOGETHER, customers),
    }
