"""Who took the products that were introduced within a year, and from what they changed."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.market.departures import ALARM
from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.market.columns import DIGITS
from portrait_assets.stages.market.competitors.contract import LAUNCH
from portrait_assets.stages.market.facts import (
    BOUGHT,
    HOLDING,
    MEMBER,
    bought_before,
    holding_before,
    member_before,
)
from portrait_assets.storage.steps import Grain, Scope, Step, if_empty

MONTHS = 12
_MEMBER_BEFORE, _BOUGHT_BEFORE, _HOLDING_BEFORE = (
    member_before(1),
    bought_before(1),
    holding_before(1),
)

LAUNCHED = Step(
    "launched",
    (PRODUCT,),
    lambda scope: (
        f"""
    SELECT product_id, category, introduced_on,
        date_diff('month', introduced_on, {scope.day}) AS months
    FROM product
    WHERE introduced_on <= {scope.day} AND months < {MONTHS}
    """
    ),
    grain=Grain.ALL,
)
"""The products that were introduced within a year."""

OF_CATEGORY = Step(
    "of_category",
    (LAUNCHED, PRODUCT),
    """
    SELECT product_id, category, product_id IN (SELECT product_id FROM launched) AS is_launched
    FROM product WHERE category IN (SELECT category FROM launched)
        OR product_id IN (SELECT product_id FROM launched)
    """,
    grain=Grain.ALL,
)
"""The launched products, and all others of their categories."""

HELD_CATEGORY = Step(
    "held_category",
    (HOLDING, _HOLDING_BEFORE),
    f"SELECT category FROM holding UNION SELECT category FROM {_HOLDING_BEFORE.name}",
    grain=Grain.ALL,
)
"""Categories whose products are held: to buy more of one is not to take it."""

_HAD = f"""
SELECT customer_id, product_id, category, is_launched,
    bool_or(is_now) AS now, bool_or(NOT is_now) AS before
FROM (
    SELECT customer_id, product_id, true AS is_now, true AS is_held FROM holding
    UNION SELECT customer_id, product_id, false, true FROM {_HOLDING_BEFORE.name}
    UNION SELECT customer_id, product_id, true, false FROM bought WHERE NOT gives_back
    UNION SELECT customer_id, product_id, false, false FROM {_BOUGHT_BEFORE.name}
    WHERE NOT gives_back
) JOIN of_category USING (product_id)
    SEMI JOIN member USING (customer_id) SEMI JOIN {_MEMBER_BEFORE.name} USING (customer_id)
WHERE is_held OR category NOT IN (SELECT category FROM held_category WHERE category IS NOT NULL)
GROUP BY ALL
"""
HAD = Step(
    "had_product",
    (
        OF_CATEGORY,
        HELD_CATEGORY,
        BOUGHT,
        HOLDING,
        MEMBER,
        _BOUGHT_BEFORE,
        _HOLDING_BEFORE,
        _MEMBER_BEFORE,
    ),
    _HAD,
    in_table=True,
    simpler=if_empty(OF_CATEGORY, f"{_HAD} LIMIT 0"),
)
"""The customers of both months by product of these categories: who has it now, and had it then."""

SIZE = Step(
    "everyone",
    (MEMBER, _MEMBER_BEFORE),
    f"SELECT count(*) AS size FROM member SEMI JOIN {_MEMBER_BEFORE.name} USING (customer_id)",
    grain=Grain.ALL,
)
BY_PRODUCT = Step(
    "by_product",
    (HAD,),
    """
    SELECT product_id, category, is_launched, count(*) FILTER (now) AS customers,
        count(*) FILTER (now AND NOT before) AS takers, count(*) FILTER (before) AS before
    FROM had_product GROUP BY ALL
    """,
    grain=Grain.ALL,
)
CHANGED = Step(
    "changed",
    (HAD,),
    """
    SELECT t.product_id, f.product_id AS from_product, count(*) AS changed
    FROM had_product AS t JOIN had_product AS f USING (customer_id, category)
    WHERE t.is_launched AND t.now AND NOT t.before AND f.before AND f.product_id <> t.product_id
    GROUP BY t.product_id, from_product
    QUALIFY 1 = row_number() OVER (
        PARTITION BY t.product_id ORDER BY changed DESC, from_product
    )
    """,
    grain=Grain.ALL,
)
"""The product that most takers of each launched one held or bought in the month before."""

COUNTS = Step(
    "launch_count",
    (LAUNCHED, SIZE, BY_PRODUCT, CHANGED),
    """
    SELECT l.product_id, l.category, l.introduced_on, l.months,
        coalesce(p.customers, 0) AS customers, coalesce(p.takers, 0) AS takers,
        size - coalesce(p.before, 0) AS could, o.other_takers, o.other_could,
        c.from_product, c.changed, f.before AS from_before
    FROM launched AS l CROSS JOIN everyone
        LEFT JOIN by_product AS p USING (product_id)
        LEFT JOIN (
            SELECT category, sum(takers)::BIGINT AS other_takers,
                sum(size - before)::BIGINT AS other_could
            FROM by_product, everyone WHERE NOT is_launched GROUP BY category
        ) AS o ON o.category = l.category
        LEFT JOIN changed AS c USING (product_id)
        LEFT JOIN by_product AS f ON f.product_id = c.from_product
    """,
    grain=Grain.ALL,
)


def launch_step(smallest: int) -> Step:
    """The step of `market.launch`.

    Args:
        smallest: fewest customers of what is published by itself.
    """

    def compute(scope: Scope, counts: pl.DataFrame) -> pl.DataFrame:
        return launch_rows(scope, counts, smallest)

    return Step("launch", (COUNTS,), compute=compute, grain=Grain.ALL, writes=LAUNCH)


def launch_rows(scope: Scope, counts: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.launch`.

    A product is taken up where its takers are surely a larger share than those of the category's
    other products: these, too, are new to those who take them. As it is asked every month, it is
    sure at one false alarm in a thousand.

    Args:
        scope: of the month.
        counts: as of COUNTS.
        smallest: fewest customers of what is published by itself.
    """
    known = counts.with_columns(pl.col("other_takers", "other_could", "changed").fill_null(0))
    takers, could, other, other_could, changed, from_before = (
        known[name].fill_null(0).to_numpy()
        for name in ("takers", "could", "other_takers", "other_could", "changed", "from_before")
    )
    low, high = wilson(changed, from_before)
    rate, other_rate = (
        pl.col("takers") / pl.col("could"),
        pl.col("other_takers") / pl.col("other_could"),
    )
    is_enough = pl.col("changed") >= max(smallest, 1)
    rows = known.with_columns(
        pl.lit(scope.as_of).alias("as_of"),
        pl.when(pl.col("could") > 0).then(rate.round(DIGITS)).alias("take_rate"),
        pl.when(pl.col("other_could") > 0).then(other_rate.round(DIGITS)).alias("other_take_rate"),
        pl.Series("p_value", two_proportions(takers, could, other, other_could)).fill_nan(None),
        (pl.col("changed") / pl.col("from_before")).round(DIGITS).alias("changed_share"),
        pl.Series("changed_share_low", low).round(DIGITS),
        pl.Series("changed_share_high", high).round(DIGITS),
    ).with_columns(
        false_discovery_rate(pl.col("p_value")).alias("q_value"),
        *(
            pl.when(is_enough).then(name).alias(name)
            for name in ("from_product", "changed_share", "changed_share_low", "changed_share_high")
        ),
    )
    is_more = pl.col("take_rate") > pl.col("other_take_rate")
    is_small = pl.any_horizontal(
        pl.col(n).is_between(1, smallest - 1) for n in ("customers", "takers")
    )
    return (
        rows.with_columns(((pl.col("q_value") <= ALARM) & is_more).alias("is_taken_up"))
        .filter(~is_small)
        .select(LAUNCH.column_names)
        .cast(LAUNCH.polars_schema)
        .sort("product_id")
    )
