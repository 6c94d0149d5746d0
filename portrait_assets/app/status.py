"""What was materialized, published and checked, and what is out of date, by the published file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from portrait_assets.core.errors import PortraitError, WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import source_names
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import Request
from portrait_assets.privacy.cells import pooled, pooled_name_in_chinese, smallest_cell
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.duckdb.connection import open_published
from portrait_assets.storage.duckdb.tables import column_types, existing_types
from portrait_assets.storage.publishing.content import TABLE_ROWS


@dataclass(frozen=True)
class TableRows:
    """Months of a table, and the rows of all of them."""

    table: str
    months: int
    rows: int


@dataclass(frozen=True)
class SetAside:
    """How often a rule set aside or corrected a table's rows, or the values of a column."""

    table: str
    column: str | None
    rule: str
    severity: str
    count: int


@dataclass(frozen=True)
class Segment:
    """A segment of the newest month: its names, customers, and share of all customers.

    Segments of few customers are one without a number, whose name says how many they are.
    """

    segment_id: int | None
    en: str
    zh: str
    customers: int
    share: float


@dataclass(frozen=True)
class FailedCheck:
    """A check that did not pass in these months, and what it found in one of them."""

    table: str
    check: str
    severity: str
    months: Sequence[str]
    detail: str


@dataclass(frozen=True)
class Checks:
    """How many checks passed, warned and failed, over all tables and months."""

    passed: int
    warned: int
    failed: int
    problems: tuple[FailedCheck, ...]


@dataclass(frozen=True)
class Published:
    """What the published file holds."""

    tables: tuple[TableRows, ...]
    set_aside: tuple[SetAside, ...]
    segments: tuple[Segment, ...]
    checks: Checks


@dataclass(frozen=True)
class Publication:
    """Who published and when (UTC), the months materialized, what is next, and what there is."""

    run_id: str
    published_at: datetime
    materialized: frozenset[str]
    next_run: str
    tables: tuple[TableRows, ...]
    checks: Checks


@dataclass(frozen=True)
class Status:
    """A source, its months, and what was published of them; None where nothing was."""

    source: str
    months: Sequence[str]
    publication: Publication | None


@dataclass(frozen=True)
class SourceState:
    """A source: its title and months where it can be read, and `ready` or what is missing."""

    name: str
    en: str
    zh: str
    covered: str
    state: str


def read_published(settings: Settings) -> Published:
    """What the published file holds: rows, rejects, segments and checks.

    Raises:
        WarehouseError: when there is none, or it is another version's.
    """
    public = load_source(settings.source_dir).definition.public
    smallest = smallest_cell(settings, public)
    with _open(settings) as con:
        return Published(_tables(con), _set_aside(con), _segments(con, smallest), _checks(con))


def read_status(settings: Settings) -> Status:
    """When the source was last published, from which months, and what is out of date.

    Raises:
        SourceError: when the source cannot be used.
        WarehouseError: when the published file is another version's.
    """
    source = load_source(settings.source_dir)
    months = source.months()
    if not settings.portrait_file.exists():
        return Status(source.name, months, None)
    with _open(settings) as con:
        materialized = {
            month for (month,) in _all(con, "SELECT DISTINCT month FROM mart.table_rows")
        }
        run_id, published_at = _all(con, "SELECT run_id, published_at FROM mart.publication")[0]
        publication = Publication(
            run_id,
            published_at,
            frozenset(materialized),
            _next_run(Request(settings, source, None, months, fresh=False)),
            _tables(con),
            _checks(con),
        )
    return Status(source.name, months, publication)


def _next_run(request: Request) -> str:
    """What `portrait run` would do, as a sentence."""
    try:
        plan = read_plan(request, wait_seconds=0)
    except WarehouseError as error:
        return str(error)
    return plan.sentence if plan.is_empty else f"`{command('run')}`: {plan.sentence}"


def read_sources(settings: Settings) -> list[SourceState]:
    """Every source, packaged or of the data folder, and what is missing for it to run."""
    folder = settings.source_dir.parent
    found = []
    for name in source_names(folder):
        try:
            source = load_source(folder / name)
            definition = source.definition
            covered = f"{definition.first_month} to {definition.last_month or 'now'}"
            covered += "" if source.folder == source.own_folder else ", packaged"
            title, state = definition.title, _state(source)
            found.append(SourceState(name, title.en, title.zh, covered, state))
        except PortraitError as error:
            found.append(SourceState(name, "", "", "", str(error)))
    return found


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


def _all(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def _tables(con: duckdb.DuckDBPyConnection) -> tuple[TableRows, ...]:
    rows = _all(
        con,
        "SELECT table_name, count(*), sum(row_count)::BIGINT FROM mart.table_rows "
        "GROUP BY 1 ORDER BY 1",
    )
    return tuple(TableRows(*row) for row in rows)


def _set_aside(con: duckdb.DuckDBPyConnection) -> tuple[SetAside, ...]:
    rows = _all(
        con,
        "SELECT table_name, column_name, rule, severity, count(*) FROM cleaned.rejects "
        "GROUP BY ALL ORDER BY ALL",
    )
    return tuple(SetAside(*row) for row in rows)


def _segments(con: duckdb.DuckDBPyConnection, smallest: int) -> tuple[Segment, ...]:
    """The segments, those of few customers pooled as the report pools values."""
    rows = con.sql(
        "SELECT segment_id::VARCHAR AS segment_id, name_en, name_zh, customers, share "
        "FROM clusters.cluster_segment "
        "WHERE as_of = (SELECT as_of FROM newest_month) ORDER BY cluster_segment.segment_id"
    ).pl()
    names = ["segment_id", "name_en", "name_zh"]
    return tuple(
        Segment(
            int(number) if number.isdigit() else None,
            name,
            pooled_name_in_chinese(chinese),
            customers,
            share,
        )
        for number, name, chinese, customers, share in pooled(
            rows, names, "customers", smallest
        ).iter_rows()
    )


def _checks(con: duckdb.DuckDBPyConnection) -> Checks:
    passed, warned, failed = _all(
        con,
        "SELECT count(*) FILTER (passed), count(*) FILTER (NOT passed AND severity = 'WARN'), "
        "count(*) FILTER (NOT passed AND severity = 'ERROR') FROM validation.check_results",
    )[0]
    rows = _all(
        con,
        "SELECT table_name, check_name, severity, list(month ORDER BY month), any_value(detail) "
        "FROM validation.check_results WHERE NOT passed GROUP BY ALL ORDER BY ALL",
    )
    return Checks(passed, warned, failed, tuple(FailedCheck(*row) for row in rows))
