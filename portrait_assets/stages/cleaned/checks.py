"""Checks of the cleaned room: no row is lost, and what was set aside is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from portrait_assets.schema.table import Severity, Table
from portrait_assets.stages.cleaned.completeness import COMPLETENESS, ENDS_EARLY
from portrait_assets.stages.cleaned.contract import CLEANED, REJECTS
from portrait_assets.stages.raw.contract import CANONICAL, RECEIPTS, UNPLACED
from portrait_assets.stages.raw.placing import AFTER_LAST
from portrait_assets.storage.dagster.checks import (
    Finding,
    Subject,
    TableCheck,
)


def _conserved(subject: Subject) -> Finding:
    """Received = kept + distinct rows set aside + duplicates merged, table by table.

    Rows without a readable date and broken lines are received and set aside too. Of a table that
    could not be read it is not known what was received: the rows of an earlier reading stay, and
    nothing is to be materialized from them.
    """
    if problems := _problems(subject):
        return Finding(len(problems), " ".join(problems))
    row_counts = subject.warehouse.materialized
    row = pl.struct("source_file", "source_row")
    gone = subject.rows.group_by("table_name").agg(
        row.filter(severity=str(Severity.ROW)).n_unique().alias("aside"),
        row.filter(severity=str(Severity.MERGED)).n_unique().alias("merged"),
    )
    strays = _broken_strays(subject)
    counts = [
        (
            c.name,
            row_counts(c.raw_table())[subject.month] + strays.get(c.name, 0),
            row_counts(CLEANED[c.name])[subject.month],
        )
        for c in CANONICAL
    ]
    balance = (
        pl.DataFrame(counts, schema=["table_name", "received", "kept"], orient="row")
        .join(gone, on="table_name", how="left")
        .with_columns(pl.col("aside", "merged").fill_null(0).cast(pl.Int64))
        .with_columns(lost=pl.col("received") - pl.col("kept") - pl.col("aside") - pl.col("merged"))
    )
    wrong = balance.filter(pl.col("lost") != 0).select(
        pl.format(
            "{}: {} received, {} kept, {} set aside, {} merged",
            *("table_name", "received", "kept", "aside", "merged"),
        )
    )
    return Finding(
        int(balance["lost"].abs().sum()),
        "; ".join(wrong.to_series())
        or f"{balance['received'].sum()} received = {balance['kept'].sum()} kept + "
        f"{balance['aside'].sum()} set aside + {balance['merged'].sum()} merged",
    )


def _problems(subject: Subject) -> list[str]:
    """Why tables could not be read, each file's sentence once."""
    receipts = subject.warehouse.read(RECEIPTS, [subject.month])
    return receipts["problem"].drop_nulls().unique(maintain_order=True).to_list()


def _broken_strays(subject: Subject) -> dict[str, int]:
    """By table, the month's rows in `raw.unplaced` that are broken and so set aside."""
    if not subject.warehouse.materialized(UNPLACED).get(subject.month):
        return {}
    unplaced = subject.warehouse.read(UNPLACED, [subject.month])
    broken = unplaced.filter(pl.col("reason") != AFTER_LAST)
    return dict(broken.group_by("table_name").len().iter_rows())


def _none_set_aside(subject: Subject) -> Finding:
    if subject.rows.is_empty():
        return Finding(0, "nothing was set aside or corrected")
    kinds = ("table_name", "column_name", "rule", "severity")
    frequencies = subject.rows.group_by(kinds).len()
    # Of those that are equally often, always the same one.
    order = frequencies.sort("len", *kinds, descending=[True, *[False] * len(kinds)])
    worst = order.row(0, named=True)
    return Finding(
        subject.rows.height,
        f"{subject.rows.height} entries; most often {worst['table_name']}."
        f"{worst['column_name'] or 'row'} {worst['rule']} ({worst['len']}x, {worst['severity']})",
    )


CONSERVED = TableCheck(
    "conserved",
    "Of every table that was read: rows received = kept + distinct rows set aside + merged.",
    _conserved,
    blocking=True,
)
NONE_SET_ASIDE = TableCheck(
    "none_set_aside",
    "No value or row was set aside or corrected.",
    _none_set_aside,
    severity=dg.AssetCheckSeverity.WARN,
)


def _arrived(subject: Subject) -> Finding:
    late = subject.rows.filter(~pl.col("is_complete"))
    described = [_described(row) for row in late.iter_rows(named=True)]
    return Finding(late.height, "; ".join(described) or "every table is as the months before it")


def _described(row: Mapping[str, Any]) -> str:
    if row["reason"] == ENDS_EARLY:
        return f"{row['table_name']} has no rows of the last {row['quiet_days']} days"
    return (
        f"{row['table_name']} has {row['rows']:,} rows, usual are {row['usual_rows']:,.0f} and at "
        f"least {row['fewest_rows']:,.0f}"
    )


ARRIVED = TableCheck(
    "arrived",
    "Each table has about as many rows as in the months before, up to the month's end.",
    _arrived,
    severity=dg.AssetCheckSeverity.WARN,
)


CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    REJECTS: (CONSERVED, NONE_SET_ASIDE),
    COMPLETENESS: (ARRIVED,),
}
