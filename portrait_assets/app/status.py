"""What was made, as people at a terminal read it; taken from the published file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from portrait_assets.app.planning import read_plan
from portrait_assets.app.request import Request
from portrait_assets.core.errors import PortraitError, WarehouseError
from portrait_assets.core.invocation import command, python_command
from portrait_assets.core.months import span
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import source_names
from portrait_assets.methods.drawing.available import can_draw, left_out
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.duckdb.connection import open_published
from portrait_assets.storage.duckdb.publishing import TABLE_ROWS
from portrait_assets.storage.duckdb.tables import column_types, existing_types

EXAMPLE_QUERIES = (
    "FROM portrait LIMIT 5",
    "SELECT name_en, name_zh, customers, round(100 * share, 1) AS percent "
    "FROM clusters.cluster_segment WHERE as_of = (SELECT max(as_of) FROM clusters.cluster_segment) "
    "ORDER BY customers DESC",
    "SELECT tag_code, tag_value, count(*) AS customers FROM tags.tag_table "
    "WHERE as_of = (SELECT max(as_of) FROM portrait) GROUP BY ALL ORDER BY ALL",
)


def print_made(settings: Settings, out: Console) -> None:
    """What the published file holds: rows, rejects, segments, checks, and how to query it."""
    with _open(settings) as con:
        _print_rows(con, out)
        _print_rejects(con, out)
        _print_segments(con, out)
        _print_checks(con, out)
    path = _shown(settings.portrait_file)
    out.print(f"\n[bold]{path}[/bold] (and {_shown(settings.warehouse_dir / 'report')}/index.html)")
    if not can_draw():
        out.print(left_out()[0], markup=False)
    out.print("Try:")
    for query in EXAMPLE_QUERIES:
        code = f"import duckdb; duckdb.connect('{path}', read_only=True).sql(\"{query}\").show()"
        out.print(f"  {python_command(code)}", markup=False)


def print_status(settings: Settings, out: Console) -> None:
    """When the source was last published, from which months, and what is out of date."""
    source = load_source(settings.source_dir)
    months = source.months()
    if not settings.portrait_file.exists():
        out.print(f"{source.name}: nothing is published yet; run `{command('run')}`.", markup=False)
        return
    with _open(settings) as con:
        made = {month for (month,) in _all(con, "SELECT DISTINCT month FROM mart.table_rows")}
        published = _all(con, "SELECT run_id, published_at FROM mart.publication")[0]
        out.print(
            f"{source.name}: published {published[1]:%Y-%m-%d %H:%M} UTC by run {published[0]}"
        )
        missing = [month for month in months if month not in made]
        out.print(f"months made: {len(months) - len(missing)} of {len(months)} ({span(months)})")
        if missing:
            out.print(f"never made: {', '.join(missing)}")
        _print_plan(Request(settings, source, None, months, fresh=False), out)
        _print_rows(con, out)
        _print_checks(con, out)


def _print_plan(request: Request, out: Console) -> None:
    """What `portrait run` would do."""
    try:
        plan = read_plan(request, wait_seconds=0)
    except WarehouseError as error:
        out.print(str(error), markup=False)
        return
    prefix = "" if plan.is_empty else f"`{command('run')}`: "
    out.print(f"{prefix}{plan.sentence}", markup=False)


def print_sources(settings: Settings, out: Console) -> None:
    """Of each source: months, where it is defined, title, and what is missing for it to run."""
    folder = settings.source_dir.parent
    for name in source_names(folder):
        out.print(f"[bold]{name}[/bold]", end="  ")
        try:
            source = load_source(folder / name)
        except PortraitError as error:
            out.print(str(error), markup=False)
            continue
        told = source.definition
        out.print(f"{told.first_month} to {told.last_month or 'now'}, {_place(source)}")
        out.print(f"  {told.title.en} / {told.title.zh}", markup=False)
        out.print(f"  {_state(source)}", markup=False)


def _place(source: Source) -> str:
    return f"in {_shown(source.folder)}" if source.folder == source.own_folder else "packaged"


def _state(source: Source) -> str:
    try:
        source.check()
    except PortraitError as error:
        return str(error)
    return "ready"


def _open(settings: Settings) -> duckdb.DuckDBPyConnection:
    con = open_published(settings.portrait_file)
    if existing_types(con, TABLE_ROWS.full_name) == column_types(TABLE_ROWS):
        return con
    con.close()
    raise WarehouseError(
        f"{settings.portrait_file.name} was published by another version; publish it again with "
        f"`{command('run')}`."
    )


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _all(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def _print_rows(con: duckdb.DuckDBPyConnection, out: Console) -> None:
    out.print("\n[bold]Rows per table[/bold]")
    grid = Grid("table", "months", "rows", box=None, pad_edge=False)
    grid.columns[1].justify = grid.columns[2].justify = "right"
    rows = _all(
        con,
        "SELECT table_name, count(*), sum(row_count) FROM mart.table_rows GROUP BY 1 ORDER BY 1",
    )
    for table, months, count in rows:
        grid.add_row(table, str(months), f"{int(count):,}")
    out.print(grid)


def _print_rejects(con: duckdb.DuckDBPyConnection, out: Console) -> None:
    out.print("\n[bold]Set aside or corrected[/bold]")
    rows = _all(
        con,
        "SELECT table_name, column_name, rule, severity, count(*) FROM cleaned.rejects "
        "GROUP BY ALL ORDER BY ALL",
    )
    for table, column, rule, severity, count in rows:
        out.print(f"  {table}{'.' + column if column else ''}: {rule} ({severity}) {count:,}")
    if not rows:
        out.print("  nothing: every value of every row was taken as it came")


def _print_segments(con: duckdb.DuckDBPyConnection, out: Console) -> None:
    out.print("\n[bold]Segments of the newest month[/bold]")
    rows = _all(
        con,
        "SELECT segment_id, name_en, name_zh, customers, share FROM clusters.cluster_segment "
        "WHERE as_of = (SELECT max(as_of) FROM clusters.cluster_segment) ORDER BY 1",
    )
    for segment, en, zh, customers, share in rows:
        out.print(f"  {segment}  {customers:>7,}  {share:6.1%}  {en} / {zh}")


def _print_checks(con: duckdb.DuckDBPyConnection, out: Console) -> None:
    passed, warned, failed = _all(
        con,
        "SELECT count(*) FILTER (passed), count(*) FILTER (NOT passed AND severity = 'WARN'), "
        "count(*) FILTER (NOT passed AND severity = 'ERROR') FROM validation.check_results",
    )[0]
    out.print(f"\n[bold]Checks[/bold]  {passed} passed, {warned} warned, {failed} failed")
    rows = _all(
        con,
        "SELECT table_name, check_name, severity, list(month ORDER BY month), any_value(detail) "
        "FROM validation.check_results WHERE NOT passed GROUP BY ALL ORDER BY ALL",
    )
    for table, check, severity, months, detail in rows:
        out.print(f"  {severity} {table} {check}: {', '.join(months)} ({detail})")
