"""Checks of the cleaned room: nothing lost on the way, and what was set aside is told."""

from __future__ import annotations

import dagster as dg

from portrait_assets.cleaned.contract import CLEANED, IDENTITY_MAP, REJECTS, Severity
from portrait_assets.warehouse.checks import SHAPE, VALUES, Finding, Subject, TableCheck, room_checks
from portrait_assets.warehouse.connection import literal


def _conserved(subject: Subject) -> Finding:
    """Received = kept + distinct rows set aside + duplicates merged, all counted in the tables."""
    name = subject.table.name
    month = literal(subject.month)
    received, aside, merged = subject.warehouse.select(
        f"SELECT (SELECT count(*) FROM raw.{name} WHERE month = {month}), "
        f"count(DISTINCT (source_file, source_row)) FILTER (severity = '{Severity.ROW}'), "
        f"count(DISTINCT (source_file, source_row)) FILTER (severity = '{Severity.MERGED}') "
        f"FROM cleaned.rejects WHERE month = {month} AND table_name = {literal(name)}"
    ).row(0)
    lost = received - subject.rows.height - aside - merged
    return Finding(
        abs(lost),
        f"{received} received = {subject.rows.height} kept + {aside} set aside + {merged} merged "
        f"+ {lost} lost",
    )


def _none_set_aside(subject: Subject) -> Finding:
    if subject.rows.is_empty():
        return Finding(0, "nothing was set aside or corrected")
    told = subject.rows.group_by("table_name", "column_name", "rule", "severity").len().sort("len")
    worst = told.row(-1, named=True)
    return Finding(
        subject.rows.height,
        f"{subject.rows.height} entries; most often {worst['table_name']}."
        f"{worst['column_name'] or 'row'} {worst['rule']} ({worst['len']}x, {worst['severity']})",
    )


CONSERVED = TableCheck(
    "conserved",
    "Rows received = rows kept + distinct rows set aside + duplicates merged.",
    _conserved,
    blocking=True,
)
NONE_SET_ASIDE = TableCheck(
    "none_set_aside",
    "No value or row was set aside or corrected.",
    _none_set_aside,
    severity=dg.AssetCheckSeverity.WARN,
)


def cleaned_checks(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """The checks of all cleaned tables."""
    return room_checks(
        "cleaned",
        {
            IDENTITY_MAP: (SHAPE, VALUES),
            **{table: (SHAPE, VALUES, CONSERVED) for table in CLEANED.values()},
            REJECTS: (SHAPE, VALUES, NONE_SET_ASIDE),
        },
        partitions,
    )
