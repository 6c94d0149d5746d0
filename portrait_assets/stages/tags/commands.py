"""What the verbs of `portrait` that concern tags do; the command line only mounts them.

`show` needs `tags.card` alone and is not here, so that it starts without the frame libraries.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from portrait_assets.core.invocation import command
from portrait_assets.core.months import last_day, next_month, parse_month
from portrait_assets.schema.table import Sensitivity
from portrait_assets.stages.tags.audiences.audience import (
    Audience,
    export_audience,
    matrix_columns,
    select_audience,
)
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences
from portrait_assets.stages.tags.catalogue.governance import (
    Action,
    Approval,
    approve,
    version_change,
)
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Status, TagError
from portrait_assets.stages.tags.evaluation.diff import catalogue_diff, with_drafts_active
from portrait_assets.storage.duckdb.connection import open_published

SHOWN = 15  # Lines of a profile that are printed; the rest is in the frame.


def list_tags(catalogue: Catalogue, console: Console, status: Status | None = None) -> int:
    """Print every version of every tag, or those of one status; gives their number."""
    table = Table()
    for head in ("code", "version", "status", "element", "kind", "name", "名称", "values", "from"):
        table.add_column(head, overflow="fold")
    shown = [tag for tag in catalogue.tags if status in (None, tag.status)]
    for tag in shown:
        values = ", ".join(value.value for value in tag.values) or str(tag.type)
        table.add_row(
            tag.code,
            str(tag.version),
            tag.status,
            tag.element,
            tag.kind,
            escape(tag.name_en),
            tag.name_zh,
            escape(values),
            tag.retired_from or tag.effective_from or "",
        )
    console.print(table)
    return len(shown)


def diff_tags(
    catalogue: Catalogue,
    database: Path,
    console: Console,
    codes: Collection[str] | None = None,
) -> pl.DataFrame:
    """Print what the drafts (of these tags, or all) would do to the newest month.

    Args:
        catalogue: the catalogue with its drafts.
        database: the warehouse or the published file; only read.
        console: where to print.
        codes: the tags whose drafts count; all when None.

    Returns:
        Customers entering and leaving each value, as `diff.catalogue_diff` gives them.

    Raises:
        TagError: when there is no draft, or no month yet.
    """
    after = with_drafts_active(catalogue, codes)
    con = open_published(database)
    try:
        newest: date | None = con.execute(
            "SELECT max(as_of) FROM features.feature_matrix"
        ).fetchall()[0][0]
        if newest is None:
            raise TagError(f"The feature matrix holds no month yet; run `{command('run')}` first.")
        before_that = last_day(next_month(f"{newest:%Y-%m}", -1))
        features = _frame(con, "features.feature_matrix", newest)
        previous = _frame(con, "tags.tag_table", before_that)
        segments = _segments(con, newest)
    finally:
        con.close()
    moved = catalogue_diff(catalogue, after, features, segments, previous, newest)
    _print_diff(catalogue, after, moved, features.height, newest, console)
    return moved


def _frame(con: duckdb.DuckDBPyConnection, table: str, as_of: date) -> pl.DataFrame:
    found: pl.DataFrame = con.sql(f"SELECT * FROM {table} WHERE as_of = DATE '{as_of}'").pl()
    return found


def _segments(con: duckdb.DuckDBPyConnection, as_of: date) -> pl.DataFrame:
    found: pl.DataFrame = con.sql(
        "SELECT a.customer_id, a.segment_id, s.name_en AS segment_name_en, "
        "s.name_zh AS segment_name_zh, a.confidence FROM clusters.cluster_assignment a "
        "LEFT JOIN clusters.cluster_segment s ON s.as_of = a.as_of "
        f"AND s.segment_id = a.segment_id WHERE a.as_of = DATE '{as_of}'"
    ).pl()
    return found


def _print_diff(
    before: Catalogue,
    after: Catalogue,
    moved: pl.DataFrame,
    customers: int,
    as_of: date,
    console: Console,
) -> None:
    month = f"{as_of:%Y-%m}"
    standing = {tag.code: tag for tag in before.in_force(month)}
    for tag in after.in_force(month):
        old = standing.get(tag.code)
        if old is None or old.version != tag.version:
            console.print(f"[bold]{tag.code}[/bold] version {tag.version}")
            console.print(escape(version_change(old, tag)))
    table = Table(title=f"{month}, {customers:,} customers")
    for head in ("tag", "value", "before", "after", "entering", "leaving"):
        table.add_column(head, overflow="fold")
    for code, value, *counts in moved.iter_rows():
        table.add_row(code, escape(value), *(f"{count:,}" for count in counts))
    if moved.height:
        console.print(table)
    else:
        console.print(f"No customer's tags would change in {month}.")


@dataclass(frozen=True)
class Approving:
    """What someone decides of a tag: from `effective_from` (YYYY-MM) on, for this reason."""

    code: str
    by: str
    reason: str
    effective_from: str
    action: Action = Action.ACTIVATE


def approve_tag(
    catalogue: Catalogue,
    approvals: Path,
    asked: Approving,
    latest_made: str | None,
    console: Console,
) -> Approval:
    """Approve the tag's draft, or retire the tag, today, and say so; see `governance.approve`."""
    approval = approve(
        catalogue,
        approvals,
        asked.code,
        asked.by,
        asked.reason,
        asked.effective_from,
        date.today(),
        latest_made,
        asked.action,
    )
    what = "is retired" if asked.action is Action.RETIRE else "is in force"
    console.print(
        f"{asked.code} version {approval.version} {what} from {approval.effective_from} on; "
        f"written to {approvals.name}."
    )
    return approval


def latest_made(database: Path) -> str | None:
    """The newest month (YYYY-MM) of the published portrait matrix; None when there is none."""
    if not database.exists():
        return None
    con = open_published(database)
    try:
        newest = con.execute("SELECT max(as_of) FROM tags.portrait_matrix").fetchall()[0][0]
    finally:
        con.close()
    return None if newest is None else f"{newest:%Y-%m}"


def parse_status(text: str | None) -> Status | None:
    """The status of that name.

    Raises:
        TagError: when there is none of that name.
    """
    if text is None or text in set(Status):
        return None if text is None else Status(text)
    raise TagError(f"'{text}' is no status of a tag; it is one of {', '.join(Status)}.")


def show_audience(
    database: Path,
    text: str,
    console: Console,
    month: str | None = None,
    saved: Path | None = None,
    out: Path | None = None,
    clearance: Sensitivity = Sensitivity.C2,
) -> Audience:
    """Print an audience's size, share, profile and overlaps, and write it where asked.

    Args:
        database: the published file or the warehouse; only read.
        text: the expression over the portrait matrix.
        console: where to print.
        month: as YYYY-MM; the newest when None.
        saved: the source's audiences.yaml.
        out: a .csv or .parquet file to write the audience's rows to.
        clearance: the highest class of columns that may be read.

    Raises:
        TagError: when the expression may not be used or selects nobody; nothing is written then.
    """
    con = open_published(database)
    try:
        others = {}
        if saved is not None:
            kept = load_audiences(saved, matrix_columns(con), clearance)
            others = {audience.code: audience.where.text for audience in kept}
        as_of = last_day(parse_month(month)) if month is not None else None
        audience = select_audience(con, text, as_of, others, clearance)
        _print_audience(audience, console)
        if out is not None:
            console.print(f"{export_audience(con, audience, out):,} customers written to {out}.")
        return audience
    finally:
        con.close()


def _print_audience(audience: Audience, console: Console) -> None:
    console.print(
        f"{audience.size:,} of {audience.base:,} customers ({audience.share:.1%}) "
        f"in {audience.as_of:%Y-%m}"
    )
    table = Table(title="Profile against the base (TGI 100: as the base)")
    for head in ("tag", "value", "audience", "base", "TGI", "q"):
        table.add_column(head, overflow="fold")
    telling = audience.profile.filter(pl.col("q_value") < 0.05).head(SHOWN)
    for row in telling.iter_rows(named=True):
        table.add_row(
            row["tag_code"],
            escape(row["tag_value"]),
            f"{row['audience_share']:.1%}",
            f"{row['base_share']:.1%}",
            f"{row['tgi']:.0f}",
            f"{row['q_value']:.1g}",
        )
    if telling.height:
        console.print(table)
    for row in audience.overlaps.iter_rows(named=True):
        console.print(
            f"{row['audience_code']}: {row['both']:,} in both, "
            f"{row['share_of_audience']:.1%} of this audience"
        )
