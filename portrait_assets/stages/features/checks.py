"""Checks of the features room: nobody missing, nobody early, and amounts that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    UNPROFILED,
)
from portrait_assets.stages.identity.persons import ALIAS
from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, Scope, Step, read


def _adds_up(subject: Subject) -> Finding:
    """Lines and amounts equal those of the cleaned transactions."""
    lines, amount = subject.warehouse.select(
        "SELECT count(*), coalesce(sum(amount), 0) FROM cleaned.transactions "
        f"WHERE month = {literal(subject.month)}"
    ).row(0)
    here_lines, here_amount = subject.rows["lines"].sum(), subject.rows["amount"].sum()
    if not lines and here_lines and _is_past(subject):
        return Finding(0, f"{here_lines} lines aggregated, which are no longer kept")
    return Finding(
        int(here_lines != lines) + int(here_amount != amount),
        f"{here_lines} lines and {here_amount} aggregated of {lines} lines and {amount}",
    )


def _is_past(subject: Subject) -> bool:
    """Whether the month's transactions were there, and were removed for their age."""
    of_month = f"table_name = 'transactions' AND month = {literal(subject.month)}"
    erased = subject.warehouse.select(
        f"SELECT rows_erased FROM {RECEIPTS.full_name} WHERE {of_month} AND rows_erased > 0"
    )
    return not erased.is_empty()


_PAST = (
    "SELECT customer_id FROM {0} WHERE month < (SELECT coalesce(min(month), '9999-12') FROM {1}){2}"
)
"""Who is known by an aggregate of months before the first whose rows are kept."""

EXPECTED = Step(
    "expected",
    (
        ALIAS,
        *(read(CLEANED[name], EVER) for name in ("transactions", "balances", "customers")),
        *(read(table, EVER) for table in (CUSTOMER_MONTH, CUSTOMER_BALANCE_MONTH)),
        *(read(table, THE_MONTH) for table in (CUSTOMER_CONSENT, CONSENT_DEFAULT)),
    ),
    lambda scope: (
        f"""
    SELECT customer_id, coalesce(
        (SELECT CASE WHEN bool_or(allowed) THEN true WHEN bool_or(channel IS NULL) THEN false END
            FROM customer_consent AS c
            WHERE c.customer_id = e.customer_id AND purpose = 'profiling'),
        (SELECT any_value(allowed) FROM consent_default WHERE purpose = 'profiling'),
        true
    ) AS allowed
    FROM (
        SELECT DISTINCT coalesce(a.customer_id, t.customer_id) AS customer_id
        FROM (
            SELECT customer_id FROM transactions
            UNION ALL SELECT customer_id FROM balances
            UNION ALL {_PAST.format("customer_month", "transactions", " AND lines > 0")}
            UNION ALL {_PAST.format("customer_balance_month", "balances", "")}
            UNION ALL SELECT customer_id FROM customers WHERE joined_on <= {scope.day}
        ) AS t LEFT JOIN alias AS a ON a.alias_id = t.customer_id
    ) AS e
    """
    ),
)
"""Who is a customer by the month's end, by the cleaned tables, and whether profiling is allowed."""


LEFT_OUT = Step("left_out", (read(UNPROFILED, THE_MONTH),), "SELECT customer_id FROM unprofiled")


def _everyone(subject: Subject) -> Finding:
    """Everyone is in it who has a transaction, a balance or a joining day by then and may be
    profiled, and no other.
    """
    engine = Engine(subject.warehouse.con)
    customers = engine.frame(EXPECTED, Scope(subject.month))
    expected, refused = (customers.filter(pl.col("allowed") == each) for each in (True, False))
    here = subject.rows.select("customer_id")
    missing = expected.join(here, on="customer_id", how="anti").height
    strange = here.join(expected, on="customer_id", how="anti").height
    left_out = engine.frame(LEFT_OUT, Scope(subject.month))
    differ = refused.join(left_out, on="customer_id", how="anti").height
    differ += left_out.join(refused, on="customer_id", how="anti").height
    return Finding(
        missing + strange + differ,
        f"{here.height} customers in the matrix, {expected.height} by the cleaned tables; "
        f"{missing} missing, {strange} that they do not know or that may not be profiled; "
        f"{left_out.height} left out, {refused.height} of whom profiling is refused",
    )


ADDS_UP = TableCheck("adds_up", _adds_up, blocking=True)
EVERYONE = TableCheck("everyone", _everyone, blocking=True)


CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CUSTOMER_MONTH: (ADDS_UP,),
    FEATURE_MATRIX: (EVERYONE,),
}
