"""Checks of affinities: in order, of whom may be profiled, of enough customers, coming true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.methods.recommendation.lift import FALSE_DISCOVERY
from portrait_assets.methods.recommendation.purchases.bought import REPURCHASE
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.declared.expressions import GIVES_BACK
from portrait_assets.stages.features.persons import of_persons
from portrait_assets.stages.offers.affinity.contract import (
    AHEAD,
    CATEGORY,
    PRODUCT,
    PRODUCT_AFFINITY,
    SEGMENT_PRODUCT,
    TYPE,
)
from portrait_assets.stages.offers.affinity.purchases import SOLD
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, window

LOOKED_AT = 1_000
"""Customers of whom it is looked up whether what was listed came true."""
MOST_OFF = 0.15
"""By so much the mean probability may differ from the share that came true: seasons differ."""
LEAST_LISTED = 200

_HELD_NOW = Step(
    "held_now",
    (of_persons(CLEANED["balances"], THE_MONTH, "balances_now"),),
    "SELECT DISTINCT customer_id, product_id AS item FROM balances_now "
    "WHERE product_id IS NOT NULL",
    grain=Grain.ALL,
)
_LATELY = of_persons(CLEANED["transactions"], window(AHEAD), "transactions_3m")
_BOUGHT = Step(
    "bought_lately",
    (_LATELY, SOLD),
    " UNION ".join(
        f"SELECT customer_id, '{kind}' AS item_kind, {item} AS item FROM transactions_3m AS t "
        f"LEFT JOIN sold AS s USING (product_id) WHERE NOT ({GIVES_BACK})"
        for kind, item in (
            (CATEGORY, "coalesce(t.category, s.category)"),
            (TYPE, "s.product_type"),
            (PRODUCT, "t.product_id"),
        )
    ),
)


def _in_order(subject: Subject) -> Finding:
    """Each customer's items of a kind are ranked from 1 on, the more probable first."""
    own = ["customer_id", "item_kind"]
    rows = subject.rows.sort(*own, "rank")
    wrong = rows.filter(
        (pl.col("rank") != pl.int_range(1, pl.len() + 1).over(own))
        | (pl.col("probability") > pl.col("probability").shift(1).over(own)).fill_null(False)
    )
    return Finding(wrong.height, f"{rows.height} rows, {wrong.height} not in their order")


def _profiled(subject: Subject) -> Finding:
    """Only customers of the month who may be profiled have affinities."""
    subject.warehouse.require(FEATURE_MATRIX, [subject.month])
    known = subject.warehouse.select(
        f"SELECT customer_id FROM ({select_sql(FEATURE_MATRIX, [subject.month])})"
    )
    customers = subject.rows.select("customer_id").unique()
    others = customers.join(known, on="customer_id", how="anti").height
    return Finding(
        others, f"{customers.height} customers, {others} of whom nothing may be predicted"
    )


def _not_held(subject: Subject) -> Finding:
    """No product is listed to be taken that the customer holds."""
    listed = subject.rows.filter(item_kind=PRODUCT).filter(pl.col("basis") != REPURCHASE)
    if listed.is_empty():
        return Finding(0, "no product is listed to be taken")
    engine = Engine(subject.warehouse.con)
    owned = engine.frame(_HELD_NOW, Scope(subject.month))
    engine.close()
    wrong = listed.join(owned, on=["customer_id", "item"], how="semi").height
    return Finding(wrong, f"{listed.height} products to be taken, {wrong} that are held")


def _came_true(subject: Subject) -> Finding:
    """What was listed before the window came true as often as predicted, of the first customers."""
    before = next_month(subject.month, -AHEAD)
    if not subject.warehouse.materialized(PRODUCT_AFFINITY).get(before):
        return Finding(0, "nothing was listed three months before")
    stored = select_sql(PRODUCT_AFFINITY, [before])
    listed = subject.warehouse.select(
        f"SELECT customer_id, item_kind::VARCHAR AS item_kind, item, probability FROM ({stored}) "
        f"WHERE basis = '{REPURCHASE}' AND customer_id IN (SELECT DISTINCT customer_id "
        f"FROM ({stored}) ORDER BY customer_id LIMIT {LOOKED_AT})"
    )
    if listed.height < LEAST_LISTED:
        return Finding(0, f"only {listed.height} items were listed three months before")
    named = literals(listed["customer_id"].unique().sort())
    engine = Engine(subject.warehouse.con)
    bought = engine.frame(_BOUGHT, Scope(subject.month, f"customer_id IN ({named})"))
    engine.close()
    hits = listed.join(bought, on=["customer_id", "item_kind", "item"], how="semi")
    share, predicted = (
        hits.height / listed.height,
        float(listed["probability"].sum()) / listed.height,
    )
    return Finding(
        int(abs(share - predicted) > MOST_OFF),
        f"of {listed.height} items {share:.1%} were bought, {predicted:.1%} were predicted",
    )


def _of_enough(smallest: int) -> TableCheck:
    def find(subject: Subject) -> Finding:
        few = subject.rows.filter(pl.col("customers") > 0, pl.col("customers") < smallest)
        return Finding(few.height, f"{few.height} cells of too few customers")

    return TableCheck(
        "of_enough_customers",
        find,
        f"No cell has fewer than {smallest} customers, and some.",
        blocking=True,
        holds_together=True,
    )


def _within(subject: Subject) -> Finding:
    """Counts lie within their segment, and what stands out does so by its q-value."""
    outside = (pl.col("customers") > pl.col("segment_size")) | (
        pl.col("lift_low") > pl.col("lift_high")
    )
    not_said = pl.col("stands_out") != (pl.col("q_value") <= FALSE_DISCOVERY)
    below = pl.col("q_value") < pl.col("p_value") - 1e-6
    wrong = subject.rows.filter((outside | not_said | below).fill_null(False))
    return Finding(wrong.height, f"{wrong.height} cells that contradict")


IN_ORDER = TableCheck("in_order", _in_order, blocking=True)
PROFILED = TableCheck("only_profiled", _profiled, blocking=True)
NOT_HELD = TableCheck("not_held", _not_held, blocking=True)
CAME_TRUE = TableCheck(
    "came_true",
    _came_true,
    "What was listed three months before came true as often as predicted, "
    f"to within {MOST_OFF:.0%} of what was listed.",
    severity=WARN,
)
WITHIN = TableCheck("consistent", _within, blocking=True, holds_together=True)


def affinity_checks(smallest: int) -> Mapping[Table, Sequence[TableCheck]]:
    """The checks of both tables.

    Args:
        smallest: fewest customers of what is listed by itself.
    """
    return {
        PRODUCT_AFFINITY: (IN_ORDER, PROFILED, NOT_HELD, CAME_TRUE),
        SEGMENT_PRODUCT: (_of_enough(smallest), WITHIN),
    }
