"""Checks of the validation room: findings that fail are shown where people look."""

from __future__ import annotations

import dagster as dg
import polars as pl

from portrait_assets.validation.contract import VALIDATION_REPORT, Verdict
from portrait_assets.warehouse.checks import (
    SHAPE,
    VALUES,
    Finding,
    Subject,
    TableCheck,
    room_checks,
)


def _nothing_failed(subject: Subject) -> Finding:
    failed = subject.rows.filter(pl.col("verdict") == Verdict.FAIL)
    named = failed.select(pl.format("{}/{}/{}", "area", "subject", "metric")).to_series().to_list()
    return Finding(failed.height, "; ".join(named) or "no finding has the verdict fail")


NOTHING_FAILED = TableCheck(
    "nothing_failed",
    "No finding of the month has the verdict fail.",
    _nothing_failed,
    severity=dg.AssetCheckSeverity.WARN,
)


def validation_checks(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """The checks of the validation report."""
    return room_checks(
        "validation", {VALIDATION_REPORT: (SHAPE, VALUES, NOTHING_FAILED)}, partitions
    )
