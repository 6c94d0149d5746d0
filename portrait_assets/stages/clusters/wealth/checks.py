"""Checks of wealth segments: everyone is in one, as many as asked for, with names of their own."""

from __future__ import annotations

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.stages.clusters.names.checks import same_names, unexplained
from portrait_assets.stages.clusters.names.contract import WEALTH
from portrait_assets.stages.clusters.wealth.contract import WEALTH_DESCRIPTION
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck


def _everyone_or_nobody(subject: Subject) -> Finding:
    """The customers are exactly those of the feature matrix, or there are no wealth segments."""
    customers = subject.rows["customer_id"]
    if customers.is_empty():
        return Finding(0, "no wealth segments in the month")
    subject.warehouse.require(FEATURE_MATRIX, [subject.month])
    matrix = subject.warehouse.read(FEATURE_MATRIX, [subject.month])["customer_id"]
    apart = {*customers} ^ {*matrix}
    return Finding(len(apart), f"{customers.len()} customers of {matrix.len()} in the matrix")


def _as_many_as_asked(subject: Subject) -> Finding:
    """There are exactly as many wealth segments as were asked for, or none."""
    wrong = [
        f"{row['segments']} instead of {row['asked']}"
        for row in subject.rows.iter_rows(named=True)
        if row["segments"] not in (0, row["asked"])
    ]
    return Finding(len(wrong), "; ".join(wrong) or "as asked for, or none")


def _unexplained_names(subject: Subject) -> Finding:
    """A wealth segment whose name is another than in the month before has an event that says
    why.
    """
    warehouse, month = subject.warehouse, subject.month
    now, before = (
        warehouse.read(WEALTH_DESCRIPTION, [each]).select(
            "segment_id", pl.col("name").alias("name_en"), "name_zh"
        )
        if each in warehouse.materialized(WEALTH_DESCRIPTION)
        else None
        for each in (month, next_month(month, -1))
    )
    if now is None or before is None:
        return Finding(0, "no month before")
    return unexplained(now, before, subject.rows.filter(pl.col("division") == WEALTH))


WEALTH_EVERYONE = TableCheck("wealth_everyone", _everyone_or_nobody, blocking=True)
WEALTH_AS_ASKED = TableCheck("wealth_as_asked", _as_many_as_asked, blocking=True)
WEALTH_NAMES_DISTINCT = TableCheck(
    "wealth_names_distinct",
    lambda subject: same_names(subject, "name", "name_zh"),
    "No two wealth segments have the same name, nor the same words in another order.",
    blocking=True,
)
WEALTH_NAMES_EXPLAINED = TableCheck("wealth_names_explained", _unexplained_names, severity=WARN)
