"""Checks of the features room: nobody missing, nobody early, and amounts that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.features.persons import ALIAS
from portrait_assets.storage.dagster.checks import (
    Finding,
    Subject,
    TableCheck,
)
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, Scope, Step, read


def _adds_up(subject: Subject) -> Finding:
    lines, amount = subject.warehouse.select(
        "SELECT count(*), coalesce(sum(amount), 0) FROM cleaned.transactions "
        f"WHERE month = {literal(subject.month)}"
    ).row(0)
    here_lines, here_amount = subject.rows["lines"].sum(), subject.rows["amount"].sum()
    return Finding(
        int(here_lines != lines) + int(here_amount != amount),
        f"{here_lines} lines and {here_amount} aggregated of {lines} lines and {amount}",
    )


EXPECTED = Step(
    "expected",
    (
        ALIAS,
        *(read(CLEANED[name], EVER) for name in ("transactions", "balances", "customers")),
    ),
    lambda scope: (
        f"""
    SELECT DISTINCT coalesce(a.customer_id, t.customer_id) AS customer_id
    FROM (
        SELECT customer_id FROM transactions
        UNION ALL SELECT customer_id FROM balances
        UNION ALL SELECT customer_id FROM customers WHERE joined_on <= {scope.day}
    ) AS t LEFT JOIN alias AS a ON a.alias_id = t.customer_id
    """
    ),
)
"""Who is a customer by the month's end, derived from the cleaned tables."""


def _everyone(subject: Subject) -> Finding:
    expected = Engine(subject.warehouse.con).frame(EXPECTED, Scope(subject.month))
    here = subject.rows.select("customer_id")
    missing = expected.join(here, on="customer_id", how="anti").height
    strange = here.join(expected, on="customer_id", how="anti").height
    return Finding(
        missing + strange,
        f"{here.height} customers in the matrix, {expected.height} by the cleaned tables; "
        f"{missing} missing, {strange} that they do not know",
    )


ADDS_UP = TableCheck(
    "adds_up", "Lines and amounts equal those of the cleaned transactions.", _adds_up, blocking=True
)
EVERYONE = TableCheck(
    "everyone",
    "Everyone is in it who has a transaction, a balance or a joining day by then, and no other.",
    _everyone,
    blocking=True,
)


CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CUSTOMER_MONTH: (ADDS_UP,),
    FEATURE_MATRIX: (EVERYONE,),
}
