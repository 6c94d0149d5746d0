"""Checks of customers' values: all who bought have one, and the stored parameters give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.methods.lifetime.models import bg_nbd, gamma_gamma, pareto_nbd
from portrait_assets.methods.lifetime.values import values_of
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.value.comparing import MOST_BIAS, Kept, by_kept
from portrait_assets.stages.predictions.value.contract import (
    CUSTOMER_VALUE,
    VALUE_MODEL,
    VALUE_PARAMETER,
)
from portrait_assets.stages.predictions.value.history import history_of
from portrait_assets.stages.predictions.value.rows import DIGITS, kept_from
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.engine import Engine

COMPUTED_AGAIN = 500
"""Customers of a month whose values are computed once more from the rows of the parameters."""
CLOSE = 2 * 10.0**-DIGITS
CLOSE_MONEY = 0.02


def _everyone(subject: Subject) -> Finding:
    """Every customer who bought has a value where a method was chosen, and nobody else has."""
    month, warehouse = [subject.month], subject.warehouse
    warehouse.require(FEATURE_MATRIX, month)
    warehouse.require(CUSTOMER_VALUE, month)
    valued = subject.rows["valued"].sum()
    found = warehouse.select(
        "SELECT count(*) FILTER (v.customer_id IS NULL) AS missing, "
        "count(*) FILTER (f.customer_id IS NULL) AS strangers, "
        "count(v.customer_id) AS found "
        f"FROM (SELECT customer_id FROM ({select_sql(FEATURE_MATRIX, month)}) "
        "WHERE recency_days IS NOT NULL) AS f "
        f"FULL JOIN (SELECT customer_id FROM ({select_sql(CUSTOMER_VALUE, month)})) AS v "
        "USING (customer_id)"
    ).row(0, named=True)
    missing = found["missing"] if valued else 0
    # Who was erased since is counted still, and has no row.
    more = max(found["found"] - valued, 0)
    return Finding(
        missing + found["strangers"] + more,
        f"{found['found']} values, {missing} customers without, {found['strangers']} of nobody who "
        f"bought, {more} more than were counted",
    )


def _ends_in_order(subject: Subject) -> Finding:
    """Expected purchases and spend lie within their intervals."""
    wrong = subject.rows.filter(
        (pl.col("low") > pl.col("expected_purchases") + CLOSE)
        | (pl.col("high") < pl.col("expected_purchases") - CLOSE)
        | (pl.col("spend_low") > pl.col("expected_spend"))
        | (pl.col("spend_high") < pl.col("expected_spend"))
    )
    # Not of how many: rows come in batches.
    return Finding(wrong.height, f"{wrong.height} values not within their intervals")


def _one_chosen(subject: Subject) -> Finding:
    """One method is chosen where there are values, and no fit that did not converge."""
    chosen = subject.rows.filter(pl.col("status") == "chosen")
    valued = int(subject.rows["valued"].sum())
    degenerate = chosen.filter(pl.col("converged").not_().fill_null(False))
    is_wrong = chosen.height > 1 or (chosen.is_empty() and valued > 0)
    return Finding(
        int(is_wrong) + degenerate.height,
        ", ".join(chosen["method"]) or "no method, and no values",
    )


def _values_again(subject: Subject) -> Finding:
    """The rows of the parameters give the stored values."""
    month, warehouse = [subject.month], subject.warehouse
    for table in (CUSTOMER_VALUE, VALUE_MODEL):
        warehouse.require(table, month)
    kept = kept_from(warehouse.read(VALUE_MODEL, month), subject.rows)
    # In the order of a hash, so that who is looked at does not depend on how customers are named.
    stored = warehouse.select(
        f"{select_sql(CUSTOMER_VALUE, month)} ORDER BY md5(customer_id) LIMIT {COMPUTED_AGAIN}"
    )
    if stored.is_empty():
        return Finding(0, "no values")
    if kept is None:
        return Finding(stored.height, "no method that can be read gave these values")
    if not _is_of_parameters(kept) or stored["method"][0] != kept.method:
        return Finding(0, f"{stored['method'][0]} is not of parameters alone")
    some = f"customer_id IN ({literals(stored['customer_id'])})"
    with history_of(Engine(warehouse.con), subject.month, some) as history:
        predicted, method = by_kept(history, subject.month, kept)
    again = values_of(predicted, method, kept.spreads)
    both = stored.join(again, on="customer_id", how="left", suffix="_again")
    wrong = both.filter(
        _apart("expected_purchases", CLOSE)
        | _apart("p_alive", CLOSE)
        | _apart("expected_spend", CLOSE_MONEY)
    )
    return Finding(wrong.height, f"{stored.height} values computed again, {wrong.height} differ")


def _is_of_parameters(kept: Kept) -> bool:
    """Whether a customer's value follows from their own history and the parameters."""
    spend = kept.fits.get(gamma_gamma.NAME)
    is_model = kept.method in (bg_nbd.NAME, pareto_nbd.NAME)
    return is_model and spend is not None and spend.is_usable


def _apart(name: str, most: float) -> pl.Expr:
    one, other = pl.col(name).cast(pl.Float64), pl.col(f"{name}_again")
    return ((one - other).abs() > most).fill_null(one.is_null() != other.is_null())


def _total(subject: Subject) -> Finding:
    """The chosen method did not miss the total of the window that decided by much."""
    chosen = subject.rows.filter(pl.col("status") == "chosen")
    bias = pl.coalesce("season_bias", "total_bias")
    wrong = chosen.filter(bias.abs() > MOST_BIAS)
    known = chosen.select(bias.alias("bias"))["bias"].drop_nulls().to_list()
    return Finding(wrong.height, ", ".join(f"total bias {each:+.1%}" for each in known))


EVERYONE = TableCheck("everyone_valued", _everyone, blocking=True)
WITHIN = TableCheck("within_intervals", _ends_in_order, blocking=True, holds_together=True)
ONE_CHOSEN = TableCheck("one_method_chosen", _one_chosen, blocking=True)
VALUES_AGAIN = TableCheck("gives_the_values", _values_again, blocking=True)
TOTAL = TableCheck(
    "total_bias",
    _total,
    f"The chosen method was within {MOST_BIAS:.0%} of all purchases in the window that decided.",
    severity=WARN,
)

CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CUSTOMER_VALUE: (WITHIN,),
    VALUE_MODEL: (ONE_CHOSEN, EVERYONE, TOTAL),
    VALUE_PARAMETER: (VALUES_AGAIN,),
}
