"""Checks of the features room: nobody missing, nobody early, and amounts that add up."""

from __future__ import annotations

import dagster as dg

from portrait_assets.stages.features.assets import TABLES
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.features.persons import aliases
from portrait_assets.storage.dagster.checks import (
    Finding,
    Subject,
    TableCheck,
    room_checks,
)
from portrait_assets.storage.duckdb.connection import literal


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


def _everyone(subject: Subject) -> Finding:
    month = literal(subject.month)
    expected = subject.warehouse.select(
        "SELECT DISTINCT coalesce(a.customer_id, t.customer_id) AS customer_id FROM ("
        f"SELECT customer_id FROM cleaned.transactions WHERE month <= {month} "
        f"UNION ALL SELECT customer_id FROM cleaned.balances WHERE month <= {month} "
        f"UNION ALL SELECT customer_id FROM cleaned.customers WHERE month <= {month} "
        f"AND joined_on <= last_day(({month} || '-01')::DATE)) AS t "
        f"LEFT JOIN ({aliases(subject.month)}) AS a ON a.alias_id = t.customer_id"
    )
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


def features_checks(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """The checks of the feature tables."""
    own = {CUSTOMER_MONTH: (ADDS_UP,), FEATURE_MATRIX: (EVERYONE,)}
    return room_checks("features", TABLES, own, partitions)
