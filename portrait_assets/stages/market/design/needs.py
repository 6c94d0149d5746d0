"""What each segment holds, wants and lacks, category by category, beside what is on offer."""

from __future__ import annotations

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
from portrait_assets.stages.features.contract import CUSTOMER_CATEGORY_MONTH
from portrait_assets.stages.features.monthly.products import PRODUCT, can_be_preferred
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.stages.market.columns import (
    DIGITS,
    EVERYONE,
    FALSE_DISCOVERIES,
    HOLDINGS,
    PURCHASES,
)
from portrait_assets.stages.market.design.contract import HOLDS
from portrait_assets.stages.market.facts import HOLDING, MEMBER, holding_before, member_before
from portrait_assets.stages.market.shown import shown
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Grain, Scope, Step, window

YEAR, RECENT = 12, 3
"""Months in which what was bought counts as had, and the newest of them, in which it is new."""
LEAST_BEFORE = 3
"""Months before the newest that must be known, for what is bought in these to be new."""
_KEYS = ["segment_id", "measure", "item"]
_YEAR = of_persons(CUSTOMER_CATEGORY_MONTH, window(YEAR), "bought_in_year")
_MEMBER_BEFORE, _HOLDING_BEFORE = member_before(RECENT), holding_before(RECENT)


def _recent(scope: Scope) -> str:
    """The first of the newest months, as an SQL text."""
    return literal(next_month(scope.month, 1 - RECENT))


HAD = Step(
    "had_item",
    (_YEAR, HOLDING, _HOLDING_BEFORE),
    lambda scope: (
        f"""
    SELECT customer_id, '{PURCHASES}' AS measure, category AS item,
        bool_or(month >= {_recent(scope)}) AS since, bool_or(month < {_recent(scope)}) AS before
    FROM bought_in_year WHERE lines > 0 AND category IS NOT NULL GROUP BY ALL
    UNION ALL
    SELECT customer_id, '{HOLDINGS}' AS measure, category AS item, bool_or(since) AS since,
        bool_or(NOT since) AS before
    FROM (
        SELECT customer_id, category, true AS since FROM holding
        UNION ALL SELECT customer_id, category, false FROM {_HOLDING_BEFORE.name}
    ) WHERE category IS NOT NULL GROUP BY ALL
    """
    ),
)
"""What each customer has, since the newest months or before them."""

WHO = Step(
    "who",
    (MEMBER, _MEMBER_BEFORE),
    "SELECT m.customer_id, m.segment_id, b.customer_id IS NOT NULL AS is_followed "
    f"FROM member AS m LEFT JOIN {_MEMBER_BEFORE.name} AS b USING (customer_id)",
)
KNOWN = Step(
    "known",
    (_YEAR, _HOLDING_BEFORE),
    lambda scope: (
        f"SELECT '{PURCHASES}' AS measure, count(DISTINCT month) FILTER "
        f"(month < {_recent(scope)}) >= {LEAST_BEFORE} AS is_known FROM bought_in_year "
        f"UNION ALL SELECT '{HOLDINGS}', count(*) > 0 FROM {_HOLDING_BEFORE.name}"
    ),
)
"""Whether the months before are known, by measure."""

SIZE = Step(
    "size",
    (WHO,),
    f"SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, count(*) AS customers, "
    "count(*) FILTER (is_followed) AS followed FROM who "
    "GROUP BY GROUPING SETS ((segment_id), ())",
)
COUNTED = Step(
    "counted",
    (HAD, WHO),
    f"""
    SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, measure, item,
        count(*) FILTER (since OR measure = '{PURCHASES}') AS holders,
        count(*) FILTER (is_followed AND since AND NOT before) AS takers,
        count(*) FILTER (is_followed AND before) AS had_before
    FROM had_item JOIN who USING (customer_id)
    GROUP BY GROUPING SETS ((segment_id, measure, item), (measure, item))
    """,
    grain=Grain.ALL,
)
COUNTS = Step(
    "need_count",
    (COUNTED, SIZE, KNOWN),
    """
    SELECT s.segment_id, i.measure, i.item, s.customers, coalesce(c.holders, 0) AS holders,
        CASE WHEN k.is_known THEN coalesce(c.takers, 0) END AS takers,
        CASE WHEN k.is_known THEN s.followed - coalesce(c.had_before, 0) END AS could
    FROM (SELECT DISTINCT measure, item FROM counted) AS i CROSS JOIN size AS s
        JOIN known AS k USING (measure)
        LEFT JOIN counted AS c USING (segment_id, measure, item)
    """,
    grain=Grain.ALL,
)
"""Customers by segment and category: who has it, and who of those that could has come to it."""

OFFERED = Step(
    "offered",
    (PRODUCT,),
    lambda scope: (
        f"""
    SELECT category AS item, count(*) FILTER (
        coalesce(introduced_on <= {scope.day}, true) AND coalesce(withdrawn_on > {scope.day}, true)
    ) AS offered
    FROM product WHERE category IS NOT NULL AND {can_be_preferred("product")} GROUP BY category
    """
    ),
    grain=Grain.ALL,
)
"""Products on offer at the month's end, by category of products that there are."""


def need_rows(counts: pl.DataFrame, offered: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.segment_need` but for `as_of`.

    A segment is compared with the customers of all others, and the false discovery rate is held
    over all its categories and segments, of holding and of taking each.

    Args:
        counts: as of COUNTS.
        offered: as of OFFERED.
        smallest: fewest customers of what is published by itself.
    """
    names = ("customers", "holders", "takers", "could")
    whole = counts.filter(pl.col("segment_id") == EVERYONE)
    all_ = whole.select("measure", "item", *(pl.col(name).alias(f"all_{name}") for name in names))
    rows = counts.join(all_, on=["measure", "item"], how="left").sort(_KEYS)
    holds = _compared(rows, "holders", "customers")
    wants = _compared(rows, "takers", "could")
    rows = rows.with_columns(
        holds["rate"].alias("held_share"),
        holds["other"].alias("base_share"),
        holds["surely"].alias("holds"),
        holds["q"].alias("holds_q_value"),
        wants["rate"].alias("taken_share"),
        wants["other"].alias("base_taken_share"),
        pl.when(pl.col("could").is_not_null()).then(wants["surely"]).alias("wants"),
        wants["q"].alias("wants_q_value"),
    )
    own_share = (
        pl.col("holders") / pl.col("holders").sum().over("segment_id", "measure")
    ).fill_nan(0)
    every = pl.col("all_holders") / pl.col("all_customers")
    offers = pl.col("offered").sum().over("segment_id", "measure")
    base = pl.col("base_share")
    finished = (
        rows.join(offered, on="item", how="left")
        .with_columns(
            own_share.round(DIGITS).alias("demand_share"),
            pl.when(every > 0)
            .then((100 * pl.col("holders") / pl.col("customers") / every).round(2))
            .alias("tgi"),
            (base * pl.col("customers") - pl.col("holders")).round(1).alias("lacking"),
            pl.when(offers > 0)
            .then((pl.col("offered") / offers).round(DIGITS))
            .alias("offer_share"),
        )
        .with_columns((pl.col("demand_share") - pl.col("offer_share")).round(DIGITS).alias("gap"))
        .with_columns(pl.col("takers").fill_null(0))
    )
    return shown(finished, ["customers", "holders", "takers"], smallest, ["measure"]).sort(_KEYS)


def _compared(rows: pl.DataFrame, hits: str, size: str) -> pl.DataFrame:
    """The rate of each segment and of all others, and what is sure of the difference."""
    frame = rows.select(
        pl.col(hits).fill_null(0).alias("h"),
        pl.col(size).fill_null(0).alias("n"),
        (pl.col(f"all_{hits}") - pl.col(hits)).fill_null(0).alias("oh"),
        (pl.col(f"all_{size}") - pl.col(size)).fill_null(0).alias("on"),
    )
    p_values = two_proportions(*(frame[name].to_numpy() for name in ("h", "n", "oh", "on")))
    more, less, none = HOLDS
    is_sure = (pl.col("q") <= FALSE_DISCOVERIES).fill_null(False)
    is_more = pl.col("h") / pl.col("n") > pl.col("oh") / pl.col("on")
    return (
        frame.with_columns(pl.Series("p", p_values).fill_nan(None))
        .with_columns(false_discovery_rate(pl.col("p")).alias("q"))
        .select(
            pl.when(pl.col("n") > 0).then((pl.col("h") / pl.col("n")).round(DIGITS)).alias("rate"),
            pl.when(pl.col("on") > 0)
            .then((pl.col("oh") / pl.col("on")).round(DIGITS))
            .alias("other"),
            pl.when(~is_sure)
            .then(pl.lit(none))
            .when(is_more)
            .then(pl.lit(more))
            .otherwise(pl.lit(less))
            .alias("surely"),
            "q",
        )
    )
