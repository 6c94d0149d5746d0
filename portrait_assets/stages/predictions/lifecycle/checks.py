"""Checks of the life cycle: everyone in one stage, spells without a gap, better than rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.lifecycle.contract import (
    LIFECYCLE_BACKTEST,
    LIFECYCLE_STAGE,
)
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck


def _one_stage(subject: Subject) -> Finding:
    """Every customer of the month is in one stage of the life cycle, and left at most one."""
    is_open = pl.col("left_on").is_null().sum().alias("open")
    left = pl.col("left_on").is_not_null().sum().alias("left")
    by_customer = subject.rows.group_by("customer_id").agg(is_open, left)
    wrong = by_customer.filter((pl.col("open") != 1) | (pl.col("left") > 1))
    return Finding(wrong.height, f"{wrong.height} of {by_customer.height} are not in one stage")


def _no_gap(subject: Subject) -> Finding:
    """A spell goes on from the month before, or ends with the month, and begins before it ends."""
    before = next_month(subject.month, -1)
    if before not in subject.warehouse.materialized(LIFECYCLE_STAGE):
        return Finding(0, "the first month")
    day = last_day(subject.month)
    was = subject.warehouse.read(LIFECYCLE_STAGE, [before]).filter(pl.col("left_on").is_null())
    now = subject.rows
    there = was.join(now, on="customer_id", how="semi")
    goes_on = there.join(
        now.filter(pl.col("left_on").is_null() | (pl.col("left_on") == day)),
        on=["customer_id", "stage", "entered_on"],
        how="anti",
        nulls_equal=True,
    )
    late = now.filter((pl.col("entered_on") > day) | (pl.col("left_on") < pl.col("entered_on")))
    wrong = goes_on.height + late.height
    return Finding(wrong, f"{there.height} spells of the month before, {wrong} in disorder")


def _better(subject: Subject) -> Finding:
    """Stages tell no less of the month after than stages by rules of one line."""
    worse = subject.rows.filter(pl.col("verdict") == "worse")
    measured = subject.rows.select("measure", "value", "rule_value")
    measures = ", ".join(
        f"{measure} {value:.3f} (rules {rule:.3f})"
        for measure, value, rule in measured.iter_rows()
        if value is not None and rule is not None
    )
    return Finding(worse.height, measures or "no window is judged")


ONE_STAGE = TableCheck("one_stage", _one_stage, blocking=True)
NO_GAP = TableCheck("no_gap", _no_gap, blocking=True)
BETTER = TableCheck("better_than_rules", _better, severity=WARN)
CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    LIFECYCLE_STAGE: (ONE_STAGE, NO_GAP),
    LIFECYCLE_BACKTEST: (BETTER,),
}
