"""Checks of the cleaned room: no line is lost, and what was set aside is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from portrait_assets.schema.table import Severity, Table
from portrait_assets.stages.cleaned.accounting.account import PARTS, account_of
from portrait_assets.stages.cleaned.accounting.completeness import COMPLETENESS, ENDS_EARLY
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.cleaned.contract import REJECTS
from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck


def _conserved(subject: Subject) -> Finding:
    """Of every table that was read: lines received = kept + set aside + merged + unplaced + erased.

    Of a table that could not be read it is not known what was received: the rows of an earlier
    reading stay, and nothing is to be materialized from them.
    """
    receipts = subject.warehouse.read(RECEIPTS, [subject.month])
    if problem := unread(receipts):
        return Finding(receipts["problem"].n_unique() - receipts["problem"].has_nulls(), problem)
    balance = account_of(subject.warehouse, subject.month)
    parts = pl.format("{} kept + {} set aside + {} merged + {} unplaced + {} erased", *PARTS)
    received = pl.format("{} received", "received")
    wrong = balance.filter(pl.col("lost") != 0).select(
        pl.format("{}: {} and {}; {} lost", "table_name", received, parts, "lost")
    )
    whole = balance.select(pl.col("received", *PARTS).sum()).select(
        pl.format("{} = {}", received, parts)
    )
    return Finding(int(balance["lost"].sum()), "; ".join(wrong.to_series()) or str(whole.item()))


def unread(receipts: pl.DataFrame) -> str | None:
    """Of a month's receipts, a sentence on what could not be read; None where all could.

    It tells of the first table, by name, and counts the others whose files are not those.
    """
    problems = receipts.filter(pl.col("problem").is_not_null()).sort("table_name")
    if problems.is_empty():
        return None
    first = str(problems["problem"][0])
    others = problems.filter(pl.col("problem") != first)["table_name"]
    if others.is_empty():
        return first
    more = "files of 1 more table" if len(others) == 1 else f"files of {len(others)} more tables"
    return f"{first.rstrip('.')}; the {more} cannot be read either ({', '.join(others)})."


def _none_set_aside(subject: Subject) -> Finding:
    """No value or row was set aside or corrected."""
    # What is unplaced `none_unplaced` tells.
    found = subject.rows.filter(pl.col("severity") != Severity.UNPLACED)
    if found.is_empty():
        return Finding(0, "nothing was set aside or corrected")
    kinds = ("table_name", "column_name", "rule", "severity")
    frequencies = found.group_by(kinds).len()
    # Of those that are equally often, always the same one.
    order = frequencies.sort("len", *kinds, descending=[True, *[False] * len(kinds)])
    worst = order.row(0, named=True)
    return Finding(
        found.height,
        f"{found.height} entries; most often {worst['table_name']}."
        f"{worst['column_name'] or 'row'} {worst['rule']} ({worst['len']}x, {worst['severity']})",
    )


CONSERVED = TableCheck("conserved", _conserved, blocking=True)
NONE_SET_ASIDE = TableCheck("none_set_aside", _none_set_aside, severity=WARN)


def _arrived(subject: Subject) -> Finding:
    """Each table has about as many rows as in the months before, up to the month's end."""
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


ARRIVED = TableCheck("arrived", _arrived, severity=WARN)


def _none_held_back(subject: Subject) -> Finding:
    """No column that is meant as a category looks like free text, so that its values are held
    back.
    """
    rows = subject.rows.filter("is_held")
    held_back = rows.select(
        pl.format("{}.{} ({})", "table_name", "column_name", "reason_en")
    ).to_series()
    return Finding(len(held_back), "; ".join(held_back) or "every category holds categories")


NONE_HELD_BACK = TableCheck("none_held_back", _none_held_back, severity=WARN)


CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CATEGORY_COLUMNS: (NONE_HELD_BACK,),
    REJECTS: (CONSERVED, NONE_SET_ASIDE),
    COMPLETENESS: (ARRIVED,),
}
