"""Checks of the targets stage: windows add up to the months that they span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.core.months import month_range, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.stages.targets.windows import NET_MONTH, closed_by
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step


def _adds_up(subject: Subject) -> Finding:
    """Purchases and spend of each window against those of its months."""
    different = []
    columns = "month, purchases, amount"
    known = Step("known", (NET_MONTH,), f"SELECT {columns} FROM customer_month", grain=Grain.ALL)
    by_month = Engine(subject.warehouse.con).frame(known, Scope(subject.month))
    customers = subject.warehouse.materialized(FEATURE_MATRIX)
    windows = [w for w in closed_by(subject.month) if customers.get(w.base_month)]
    for window in windows:
        own = subject.rows.filter(pl.col("horizon") == window.horizon)
        months = month_range(next_month(window.base_month), window.month)
        expected = by_month.filter(pl.col("month").is_in(months)).select(
            pl.col("purchases").sum(), pl.col("amount").sum()
        )
        if own.select(pl.col("purchases", "spend").sum()).row(0) != expected.row(0):
            different.append(f"{window.horizon} after {window.base_month}")
    return Finding(
        len(different),
        f"{len(windows)} windows that {subject.month} closes"
        + (f"; of other sums than their months: {', '.join(different)}" if different else ""),
    )


def _ends_with_month(subject: Subject) -> Finding:
    closed = [(w.base_month, w.horizon) for w in closed_by(subject.month)]
    windows = subject.rows.select("base_month", "horizon").unique().rows()
    unexpected = [
        f"{horizon} after {base}" for base, horizon in windows if (base, horizon) not in closed
    ]
    return Finding(len(unexpected), ", ".join(unexpected) or f"all end with {subject.month}")


ADDS_UP = TableCheck(
    "adds_up", "Purchases and spend are those of the window's months.", _adds_up, blocking=True
)
ENDS_WITH_MONTH = TableCheck(
    "ends_with_month",
    "Every window ends with the month of its rows.",
    _ends_with_month,
    blocking=True,
)

CHECKS: Mapping[Table, Sequence[TableCheck]] = {TARGET: (ADDS_UP, ENDS_WITH_MONTH)}
