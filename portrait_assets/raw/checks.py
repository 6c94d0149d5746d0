"""Checks of the raw room: every row of the files is in a month or in raw.unplaced."""

from __future__ import annotations

import dagster as dg
import polars as pl

from portrait_assets.raw.contract import RECEIPTS, UNPLACED
from portrait_assets.warehouse.checks import SHAPE, VALUES, Finding, Subject, TableCheck, room_checks
from portrait_assets.raw.assets import TABLES


def _all_received(subject: Subject) -> Finding:
    receipt = subject.warehouse.read(RECEIPTS, [subject.month]).row(
        by_predicate=pl.col("table_name") == subject.table.name, named=True
    )
    placed, unplaced = receipt["rows_placed"], receipt["rows_unplaced"]
    lost = receipt["rows_in_file"] - placed - unplaced
    here = receipt["rows_received"] - subject.rows.height
    return Finding(
        abs(lost) + abs(here),
        f"{receipt['rows_in_file']} rows in the file = {placed} placed in months + {unplaced} "
        f"unplaced + {lost} lost; this month {receipt['rows_received']} = "
        f"{subject.rows.height} stored + {here} lost",
    )


def _none_unplaced(subject: Subject) -> Finding:
    return Finding(subject.rows.height, f"{subject.rows.height} rows belong to no month")


ALL_RECEIVED = TableCheck(
    "all_received",
    "Rows in the file = rows placed in months + rows unplaced, and this month's are all stored.",
    _all_received,
    blocking=True,
)
NONE_UNPLACED = TableCheck(
    "none_unplaced",
    "Every row has a readable date within the source's months.",
    _none_unplaced,
    severity=dg.AssetCheckSeverity.WARN,
)


def raw_checks(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """The checks of all raw tables."""
    own = {RECEIPTS.name: (VALUES,), UNPLACED.name: (NONE_UNPLACED,)}
    return room_checks(
        "raw",
        {table: (SHAPE, *own.get(table.name, (ALL_RECEIVED,))) for table in TABLES},
        partitions,
    )
