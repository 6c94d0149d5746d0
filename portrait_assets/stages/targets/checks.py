"""Checks of the targets stage: windows add up to the months that they span."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from portrait_assets.core.months import month_range, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.targets.adding import net_month
from portrait_assets.stages.targets.contract import STORED, TARGET
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.stages.targets.windows import closed_by
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step


def adds_up(horizons: Sequence[int]) -> TableCheck:
    """Purchases and spend of windows of these lengths against those of their months."""
    columns = "month, purchases, amount"
    known = Step(
        "known",
        (net_month(max(horizons)),),
        f"SELECT {columns} FROM customer_month",
        grain=Grain.ALL,
    )

    def find(subject: Subject) -> Finding:
        different = []
        by_month = Engine(subject.warehouse.con).frame(known, Scope(subject.month))
        customers = subject.warehouse.materialized(FEATURE_MATRIX)
        windows = [w for w in closed_by(subject.month, horizons) if customers.get(w.base_month)]
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

    return TableCheck(
        "adds_up",
        find,
        "Purchases and spend are those of the window's months.",
        blocking=True,
    )


def ends_with_month(horizons: Sequence[int]) -> TableCheck:
    """All windows end with the month of their rows, and are of these lengths."""
    return TableCheck(
        "ends_with_month",
        _ends_with_month(horizons),
        "Every window ends with the month of its rows.",
        blocking=True,
    )


def _ends_with_month(horizons: Sequence[int]) -> Callable[[Subject], Finding]:
    def find(subject: Subject) -> Finding:
        closed = [(w.base_month, w.horizon) for w in closed_by(subject.month, horizons)]
        windows = subject.rows.select("base_month", "horizon").unique().rows()
        unexpected = [
            f"{horizon} after {base}" for base, horizon in windows if (base, horizon) not in closed
        ]
        return Finding(len(unexpected), ", ".join(unexpected) or f"all end with {subject.month}")

    return find


def targets_checks(targets: Targets) -> Mapping[Table, Sequence[TableCheck]]:
    """The checks of the tables, of the windows that the targets ask for."""
    checks: dict[Table, Sequence[TableCheck]] = {
        table: (ends_with_month(targets.horizons(of)),) for of, table in STORED.items()
    }
    months = targets.horizons(CUSTOMER_MONTH.name)
    return checks | {TARGET: (adds_up(months), ends_with_month(months))}
