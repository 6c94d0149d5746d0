"""Checks of suitability: nothing offered that does not suit, and every customer counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.offers.suitability.rules import ELDER_AGE, HIGH_LEVEL, OF_AGE
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import FINANCIAL, TERMS
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope

# Written apart from the rules: what must hold of whatever is offered, whoever chose it.
_ASKED = pl.col("asks_tolerance") & ~pl.col("is_professional")
_LEVEL = pl.col("level").fill_null(0)
MUST_HOLD: Mapping[str, pl.Expr] = {
    "on sale": pl.col("is_on_sale"),
    "graded": ~(pl.col("is_financial") & pl.col("is_ungraded")),
    "of age": ~pl.col("is_financial")
    | (pl.col("age_least") >= OF_AGE).fill_null(True)
    | (_LEVEL.eq(1) & ~pl.col("asks_tolerance") & ~pl.col("is_insurance")),
    "needs assessed": pl.col("has_need") | ~pl.col("is_insurance"),
    "care of elders": (_LEVEL < HIGH_LEVEL)
    | pl.col("has_care")
    | (pl.col("age_most") < ELDER_AGE).fill_null(False),
    "within tolerance": ~_ASKED | (pl.col("tolerance") >= _LEVEL).fill_null(False),
    "means": ~pl.col("is_bought")
    | (pl.col("minimum_amount").fill_null(0) <= 0)
    | (pl.col("means") >= pl.col("minimum_amount")).fill_null(False),
}
"""By name, what holds of every pair of a customer and a product that is offered."""


def violations(offered: pl.DataFrame, subjects: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """The pairs for which something does not hold, and the name of the first of it.

    Args:
        offered: `customer_id` and `product_id`.
        subjects: the rows of `subjects.SUBJECT`.
        terms: the rows of `terms.TERMS`.

    Returns:
        `customer_id`, `product_id` and `broken`, by these; of somebody who is no customer, or of
        a product that there is not, `unknown`.
    """
    pairs = offered.select("customer_id", "product_id").unique()
    joined = pairs.join(subjects, on="customer_id", how="left").join(
        terms, on="product_id", how="left"
    )
    broken = pl.coalesce(
        pl.when(pl.col("is_profiled").is_null() | pl.col("is_on_sale").is_null()).then(
            pl.lit("unknown")
        ),
        *(pl.when(~holds).then(pl.lit(name)) for name, holds in MUST_HOLD.items()),
    )
    found = joined.select("customer_id", "product_id", broken.alias("broken"))
    return found.drop_nulls("broken").sort("customer_id", "product_id")


def all_suit(warehouse: Warehouse, month: str, offered: pl.DataFrame) -> Finding:
    """What of these pairs does not suit, by the records of the month."""
    if offered.is_empty():
        return Finding(0, "nothing is offered")
    engine, scope = Engine(warehouse.con), Scope(month)
    if not engine.frame(FINANCIAL, scope).item():
        return Finding(0, "nothing that has to suit")
    subjects, terms = (engine.frame(step, scope) for step in (SUBJECT, TERMS))
    engine.close()
    if terms.is_empty():
        return Finding(0, "nothing that has to suit")
    wrong = violations(offered, subjects, terms)
    kinds = ", ".join(sorted(set(wrong["broken"])))
    return Finding(wrong.height, f"{offered.height} offers" + (f"; not: {kinds}" if kinds else ""))


def _adds_up(subject: Subject) -> Finding:
    """Of each product the customers that it suits and those that rules refuse add up to all."""
    if subject.rows.is_empty():
        return Finding(0, "no product that has to suit")
    month, warehouse = [subject.month], subject.warehouse
    for table in (FEATURE_MATRIX, UNPROFILED):
        warehouse.require(table, month)
    everyone = warehouse.select(
        f"SELECT (SELECT count(*) FROM ({select_sql(FEATURE_MATRIX, month)})) + (SELECT count(*) "
        f"FROM ({select_sql(UNPROFILED, month)}) WHERE keeps_row)"
    ).item()
    totals = subject.rows.group_by("product_id").agg(pl.col("customers").sum())
    # Who was erased since is counted still.
    most = max(totals["customers"].to_list())
    wrong = totals.filter((pl.col("customers") != most) | (pl.col("customers") < everyone))
    return Finding(wrong.height, f"{totals.height} products, {most} customers each")


ADDS_UP = TableCheck("everyone_counted_once", _adds_up, blocking=True)

CHECKS: Mapping[Table, Sequence[TableCheck]] = {PRODUCT_RULE: (ADDS_UP,)}
