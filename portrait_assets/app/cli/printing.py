"""How status, sources and what was published read at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from portrait_assets.app.status import (
    Checks,
    Published,
    Segment,
    SetAside,
    SourceState,
    Status,
    TableRows,
)
from portrait_assets.core.invocation import command, python_command, shown_path
from portrait_assets.core.months import span
from portrait_assets.core.settings import Settings
from portrait_assets.methods.drawing.available import can_draw, left_out
from portrait_assets.privacy.keys import KeyName, has_key
from portrait_assets.privacy.pseudonyms import key_made

if TYPE_CHECKING:
    from portrait_assets.stages.tags.shared_rows import SharedRows

EXAMPLE_QUERIES = (
    "FROM portrait LIMIT 5",
    "SELECT name_en, name_zh, customers, round(100 * share, 1) AS percent "
    "FROM clusters.cluster_segment WHERE as_of = (SELECT as_of FROM newest_month) "
    "ORDER BY customers DESC",
    "SELECT tag_code, tag_value, count(*) AS customers FROM tags.tag_table "
    "WHERE as_of = (SELECT as_of FROM newest_month) GROUP BY ALL ORDER BY ALL",
)


@contextmanager
def new_key_named(settings: Settings, out: Console) -> Iterator[None]:
    """Print, at the end of what may publish for the first time, where the key is that it made."""
    had_one = has_key(settings, KeyName.PSEUDONYMS)
    yield
    if not had_one and has_key(settings, KeyName.PSEUDONYMS):
        out.print(key_made(settings), style="bold", markup=False)


def print_published(published: Published, settings: Settings, out: Console) -> None:
    """Print what the published file holds, and how to query it."""
    _print_rows(published.tables, out)
    _print_set_aside(published.set_aside, out)
    _print_segments(published.segments, out)
    _print_checks(published.checks, out)
    path = shown_path(settings.portrait_file)
    out.print(
        f"\n[bold]{path}[/bold] (and {shown_path(settings.warehouse_dir / 'report')}/index.html)"
    )
    if not can_draw():
        out.print(left_out()[0], markup=False)
    out.print("Try:")
    for query in EXAMPLE_QUERIES:
        code = f"import duckdb; duckdb.connect('{path}', read_only=True).sql(\"{query}\").show()"
        out.print(f"  {python_command(code)}", markup=False)


def print_loss(rows: SharedRows, k: int, console: Console) -> None:
    """Print what was taken off each column so that nobody is found by them."""
    found = rows.anonymous
    if found is None:
        console.print("The source is a public one: its customers are shared as they are.")
        return
    console.print(
        f"{found.classes:,} combinations of quasi-identifiers, each of {k} customers or more "
        f"(the rarest of {found.smallest_class:,}, {found.average_class:.1f} on average); "
        f"{found.loss:.1%} of their information is lost"
        if found.smallest_class >= k
        else f"There are fewer than {k} customers, so that nothing is shown of what others know."
    )
    table = Grid("column", "shown", "as recorded", "generalised", "suppressed", box=None)
    for each in (*found.columns, *rows.texts):
        cells = max(each.as_recorded + each.generalised + each.suppressed, 1)
        shares = (each.as_recorded, each.generalised, each.suppressed)
        table.add_row(each.column, each.level, *(f"{count / cells:.1%}" for count in shares))
    console.print(table)


def print_status(status: Status, out: Console) -> None:
    """Print when the source was last published, from which months, and what is out of date."""
    publication, months = status.publication, status.months
    if publication is None:
        remedy = f"run `{command('run')}`"
        out.print(f"{status.source}: nothing is published yet; {remedy}.", markup=False)
        return
    out.print(
        f"{status.source}: published {publication.published_at:%Y-%m-%d %H:%M} UTC "
        f"by run {publication.run_id}"
    )
    missing = [month for month in months if month not in publication.materialized]
    there = len(months) - len(missing)
    out.print(f"months materialized: {there} of {len(months)} ({span(months)})")
    if missing:
        out.print(f"never materialized: {', '.join(missing)}")
    out.print(publication.next_run, markup=False)
    _print_rows(publication.tables, out)
    _print_checks(publication.checks, out)


def print_sources(sources: Sequence[SourceState], out: Console) -> None:
    """Print a line per source: title, months, and what is missing for it to run."""
    for source in sources:
        out.print(f"[bold]{source.name}[/bold]  {source.covered}")
        if source.en:
            out.print(f"  {source.en} / {source.zh}", markup=False)
        out.print(f"  {source.state}", markup=False)


def _print_rows(tables: Sequence[TableRows], out: Console) -> None:
    out.print("\n[bold]Rows per table[/bold]")
    grid = Grid("table", "months", "rows", box=None, pad_edge=False)
    grid.columns[1].justify = grid.columns[2].justify = "right"
    for each in tables:
        grid.add_row(each.table, str(each.months), f"{each.rows:,}")
    out.print(grid)


def _print_set_aside(found: Sequence[SetAside], out: Console) -> None:
    out.print("\n[bold]Set aside or corrected[/bold]")
    for each in found:
        place = f"{each.table}.{each.column}" if each.column else each.table
        out.print(f"  {place}: {each.rule} ({each.severity}) {each.count:,}", markup=False)
    if not found:
        out.print("  nothing: every value of every row was taken as it came")


def _print_segments(segments: Sequence[Segment], out: Console) -> None:
    out.print("\n[bold]Segments of the newest month[/bold]")
    for each in segments:
        names = f"{each.en} / {each.zh}"
        number = "-" if each.segment_id is None else each.segment_id
        out.print(f"  {number}  {each.customers:>7,}  {each.share:6.1%}  {names}", markup=False)


def _print_checks(checks: Checks, out: Console) -> None:
    counts = f"{checks.passed} passed, {checks.warned} warned, {checks.failed} failed"
    out.print(f"\n[bold]Checks[/bold]  {counts}")
    for each in checks.problems:
        of = ", ".join(each.months)
        found = f"  {each.severity} {each.table} {each.check}: {of} ({each.detail})"
        out.print(found, markup=False)
