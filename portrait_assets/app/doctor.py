"""`portrait doctor`: whether a warehouse is whole, and what to do about what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portrait_assets.app.planning import read_plan
from portrait_assets.app.request import Request
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of, upstream_tables
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.checks import CONTRACT, TableCheck, run_checks
from portrait_assets.storage.dagster.room import Context, Room
from portrait_assets.storage.duckdb.connection import open_published, qualified, quote
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.partitions import WHOLE
from portrait_assets.storage.duckdb.publishing import temporary_file
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import column_types, existing_types
from portrait_assets.storage.staleness import STATES_SQL, stale_months, states_of

PARTITIONS_SQL = "SELECT table_name, month, row_count, epoch_us(made_at) FROM {} ORDER BY ALL"


@dataclass(frozen=True)
class Ailment:
    """Something that is not as it should be: what it concerns, what it is, and what to do."""

    subject: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}; {self.remedy}."


@dataclass(frozen=True)
class Patient:
    """An open warehouse, its source, and the contracts and checks that its tables must keep."""

    settings: Settings
    source: Source
    warehouse: Warehouse
    tables: Sequence[Table]
    checks: Sequence[tuple[Table, TableCheck]]
    upstream: Mapping[str, Sequence[str]]

    def made(self, table: Table) -> dict[str, int]:
        """Rows by month made, of the months that the source covers."""
        covered = {*self.source.months(), WHOLE}
        return {m: n for m, n in self.warehouse.made(table).items() if m in covered}


def examine(settings: Settings, rooms: tuple[Room, ...] = ROOMS) -> list[Ailment]:
    """What is wrong with the warehouse, worst first; nothing is changed.

    Raises:
        WarehouseError: when there is none, it cannot be opened, or a run holds it.
        SourceError: when the source, whose contracts it must keep, cannot be used.
    """
    context = context_of(settings, rooms)
    source = context.folder.read(load_source)
    tables = [*context.tables, CHECK_RESULTS]
    with warehouse_lock(settings.warehouse_dir / "warehouse.lock", "portrait doctor", 0):
        warehouse = Warehouse(
            settings.warehouse_file,
            settings.source,
            "portrait doctor",
            settings.memory_limit_gib,
            settings.threads,
            read_only=True,
            bounds=settings.bounds,
        )
        try:
            patient = Patient(
                settings,
                source,
                warehouse,
                tables,
                _blocking_checks(context),
                upstream_tables(context),
            )
            broken = list(_contracts(patient))
            # Counting in a table that is not what its contract says would only confuse.
            found = broken or [*_bookkeeping(patient), *_balances(patient)]
            found += [*_orphans(patient), *_unfinished(patient), *_published(patient)]
            months = [m for m in source.months() if m in patient.made(FEATURE_MATRIX)]
        finally:
            warehouse.close()
    return found or list(_outdated(settings, source, months))


def _blocking_checks(context: Context) -> list[tuple[Table, TableCheck]]:
    """What stops a run where it fails, to be checked again on what is stored now."""
    contracts = [(table, CONTRACT) for table in context.tables]
    own = [(table, check) for table, checks in context.checks.items() for check in checks]
    return [*contracts, *((table, check) for table, check in own if check.blocking)]


def _contracts(patient: Patient) -> Iterator[Ailment]:
    """Tables that are not there, or whose columns are not those of their contract."""
    con = patient.warehouse.con
    for table in patient.tables:
        if not patient.warehouse.made(table):
            continue
        stored = table.stored
        standing = existing_types(con, stored.full_name)
        if not standing:
            yield Ailment(table.full_name, "was made and is not there", _again())
            continue
        wanted = column_types(stored)
        newest = max(patient.warehouse.made(table))
        for name in wanted.keys() - standing.keys():
            remedy = f"{_run(newest)}, which adds it" if stored.column(name).nullable else _again()
            yield Ailment(table.full_name, f"lacks the column {name} of its contract", remedy)
        for name in standing.keys() - wanted.keys():
            yield Ailment(
                table.full_name, f"holds a column {name} that its contract does not have", _again()
            )
        if table.types_as_received:
            continue
        for name in wanted.keys() & standing.keys():
            if wanted[name] != standing[name]:
                what = f"holds {name} as {standing[name]}, its contract says {wanted[name]}"
                yield Ailment(table.full_name, what, _again())


def _counted(patient: Patient, table: Table) -> dict[str, int]:
    """Rows by month that the table holds, as months are noted."""
    stored = table.stored
    name = qualified(stored.full_name)
    if stored.partition_by is None:
        rows = patient.warehouse.con.execute(f"SELECT count(*) FROM {name}").fetchall()
        return {WHOLE: rows[0][0]}
    column = quote(stored.partition_by.value)
    month = f"strftime({column}, '%Y-%m')" if stored.partition_by is PartitionBy.AS_OF else column
    return dict(
        patient.warehouse.con.execute(f"SELECT {month}, count(*) FROM {name} GROUP BY 1").fetchall()
    )


def _bookkeeping(patient: Patient) -> Iterator[Ailment]:
    """Months whose rows are not as many as were noted when they were made."""
    for table in patient.tables:
        noted = patient.warehouse.made(table)
        if not noted:
            continue
        held = _counted(patient, table)
        for month in sorted(held.keys() | noted.keys()):
            if held.get(month, 0) != noted.get(month, 0):
                what = (
                    f"holds {held.get(month, 0):,} rows{_of(month)}, and "
                    f"{noted.get(month, 0):,} were noted when they were made"
                )
                yield Ailment(table.full_name, what, _run(month))


def _balances(patient: Patient) -> Iterator[Ailment]:
    """Contracts, and sums between tables, that the run checked and that do not hold now."""
    for table, check in patient.checks:
        months = [month for month in patient.made(table) if month != WHOLE]
        # A month may be missing upstream of an interrupted run; `_unfinished` tells of that.
        months = [month for month in months if _is_whole(patient, month)]
        if not months:
            continue
        for row in run_checks([check], patient.warehouse, table, months):
            if not row["passed"]:
                what = f"fails '{check.name}'{_of(str(row['month']))} ({row['detail']})"
                yield Ailment(table.full_name, what, _run(str(row["month"])))


def _is_whole(patient: Patient, month: str) -> bool:
    """Whether all tables of the month have been made."""
    return all(
        month in patient.warehouse.made(table)
        for table in patient.tables
        if table.partition_by is not None and table is not CHECK_RESULTS
    )


def _orphans(patient: Patient) -> Iterator[Ailment]:
    """Tables that no contract knows, months that the source does not cover, files left over."""
    known = {table.full_name for table in patient.tables}
    known |= {table.stored.full_name for table in patient.tables}
    rooms = {table.schema for table in patient.tables}
    found = patient.warehouse.con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
    ).fetchall()
    for schema, name in found:
        if schema in rooms and f"{schema}.{name}" not in known:
            yield Ailment(f"{schema}.{name}", "belongs to no contract", _again())
    covered = {*patient.source.months(), WHOLE}
    outside = {m for t in patient.tables for m in patient.warehouse.made(t)} - covered
    for month in sorted(outside):
        yield Ailment(
            month, "was made and is no month of the source", f"{_again()}, or widen source.yaml"
        )
    for path in _left_over(patient.settings):
        yield Ailment(
            path.name, "was left by a run that was cut off", "remove it, or let the next run do so"
        )


def _left_over(settings: Settings) -> list[Path]:
    report = settings.warehouse_dir / REPORT_FILE
    candidates = [temporary_file(settings.portrait_file), temporary_file(report)]
    return [path for path in candidates if path.exists()]


def _unfinished(patient: Patient) -> Iterator[Ailment]:
    """Months of which a table was not made, or was made before something that it is made from."""
    rows = patient.warehouse.con.execute(STATES_SQL.format("meta.partitions")).fetchall()
    states = states_of(rows)
    tables = [t for t in patient.tables if t.partition_by is not None and t is not CHECK_RESULTS]
    for month in patient.source.months():
        made = states.get(month, {})
        missing = [table.full_name for table in tables if table.full_name not in made]
        if made and missing:
            yield Ailment(month, f"{missing[0]} was not made", _run(month))
    for stale in stale_months(states, patient.upstream):
        yield Ailment(stale.month, str(stale), _run(stale.month))


def _outdated(settings: Settings, source: Source, months: list[str]) -> Iterator[Ailment]:
    """What has changed in the source since these months were made.

    That others were never asked for is no ailment; `portrait status` tells of it.
    """
    plan = read_plan(Request(settings, source, None, months, fresh=False), wait_seconds=0)
    if not plan.is_empty:
        yield Ailment(source.name, plan.reason, _run())


def _published(patient: Patient) -> Iterator[Ailment]:
    """Whether the published file can be read and holds what was made last."""
    path = patient.settings.portrait_file
    if not path.exists():
        yield Ailment(path.name, "is not there", _run())
        return
    with open_published(path) as con:
        published = con.execute(PARTITIONS_SQL.format("mart.table_rows")).fetchall()
        yield from _published_rows(patient, con)
    made = patient.warehouse.con.execute(PARTITIONS_SQL.format("meta.partitions")).fetchall()
    changed = sorted({row[1] for row in set(made) ^ set(published) if row[1] != WHOLE})
    if changed:
        span = changed[0] if len(changed) == 1 else f"{changed[0]} to {changed[-1]}"
        yield Ailment(
            path.name, f"does not hold what was made last of {span}", _run(changed[0], changed[-1])
        )
    report = patient.settings.warehouse_dir / REPORT_FILE
    if not report.exists() or report.stat().st_mtime < path.stat().st_mtime:
        yield Ailment(f"report/{report.name}", f"is older than {path.name} or missing", _run())


def _published_rows(patient: Patient, con: duckdb.DuckDBPyConnection) -> Iterator[Ailment]:
    noted: dict[str, int] = dict(
        con.execute(
            "SELECT table_name, sum(row_count)::BIGINT FROM mart.table_rows GROUP BY 1"
        ).fetchall()
    )
    for table in patient.tables:
        if table.published and table.full_name in noted:
            file, stored = patient.settings.portrait_file.name, table.stored.full_name
            if not existing_types(con, stored):
                yield Ailment(file, f"lacks {stored} of this version", _run())
                continue
            held = con.execute(f"SELECT count(*) FROM {qualified(stored)}").fetchall()[0][0]
            made = noted[table.full_name]
            if held != made:
                what = f"holds {held:,} rows of {table.full_name}, {made:,} were made"
                remedy = f"remove the file and {_run()}"
                yield Ailment(file, what, remedy)


def _of(month: str) -> str:
    return f" of {month}" if month else ""


def _run(first: str = "", last: str = "") -> str:
    span = first if last in ("", first) else f"{first}..{last}"
    option = ["--months", span] if first else []
    return f"run `{command('run', *option)}`"


def _again() -> str:
    return f"make every month again with `{command('run', '--fresh')}`"
