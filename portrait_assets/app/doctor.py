"""`portrait doctor`: whether a warehouse is whole, and what to do about what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from portrait_assets.app.erasure.people.ended import ended
from portrait_assets.app.erasure.retain import past_retention
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.invocation import command, commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of, upstream_tables
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.record import closed_months
from portrait_assets.orchestration.request import Request
from portrait_assets.privacy.erasure import read_unfinished
from portrait_assets.privacy.keys import KeyFileError, KeyName, key_place
from portrait_assets.privacy.pseudonyms import may_be_published
from portrait_assets.privacy.register import BrokenRegisterError, Register
from portrait_assets.privacy.tombstones import TOMBSTONES_FILE, read_tombstones
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.checks import CONTRACT, TableCheck, run_checks
from portrait_assets.storage.dagster.room import Context, Room
from portrait_assets.storage.duckdb.connection import (
    noted_key,
    open_published,
    qualified,
    quote,
    require_file,
)
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.partitions import WHOLE
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import column_types, existing_types
from portrait_assets.storage.publishing.empty_rows import count_empty_rows
from portrait_assets.storage.publishing.file import temporary_file
from portrait_assets.storage.staleness import STATES_SQL, stale_months, states_of

PARTITIONS_SQL = "SELECT table_name, month, row_count, epoch_us(made_at) FROM {} ORDER BY ALL"


@dataclass(frozen=True)
class Issue:
    """Something that is not as it should be: what it concerns, what it is, and what to do."""

    subject: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}; {self.remedy}."


@dataclass(frozen=True)
class Examination:
    """An open warehouse, its source, and the contracts and checks that its tables must keep."""

    settings: Settings
    source: Source
    warehouse: Warehouse
    tables: Sequence[Table]
    checks: Sequence[tuple[Table, TableCheck]]
    upstream: Mapping[str, Sequence[str]]

    def materialized(self, table: Table) -> dict[str, int]:
        """Rows by month materialized, of the months that the source covers."""
        covered = {*self.source.months(), WHOLE}
        return {m: n for m, n in self.warehouse.materialized(table).items() if m in covered}


def examine(settings: Settings, rooms: tuple[Room, ...] = ROOMS) -> list[Issue]:
    """What is wrong with the warehouse, worst first; nothing is changed.

    Raises:
        WarehouseError: when there is none, it cannot be opened, or a run holds it.
        SourceError: when the source, whose contracts it must keep, cannot be used.
    """
    with commands_for(settings):
        return _examined(context_of(settings, rooms))


def _examined(context: Context) -> list[Issue]:
    settings, source = context.settings, context.folder.read(load_source)
    tables = [*context.tables, CHECK_RESULTS]
    # The lock would leave a folder where no run has been.
    require_file(settings.warehouse_file)
    with warehouse_lock(settings.lock_file, "portrait doctor", 0):
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
            exam = Examination(
                settings,
                source,
                warehouse,
                tables,
                _blocking_checks(context),
                upstream_tables(context),
            )
            broken = list(_contracts(exam))
            # Counting in a table that is not what its contract says would only confuse.
            found = broken or [*_bookkeeping(exam), *_balances(exam)]
            found += [*_orphans(exam), *_unfinished(exam), *_published(exam), *_register(settings)]
            found += [*_erased(exam), *_too_old(exam)]
            months = [m for m in source.months() if m in exam.materialized(FEATURE_MATRIX)]
        finally:
            warehouse.close()
    return found or list(_outdated(settings, source, months))


def _blocking_checks(context: Context) -> list[tuple[Table, TableCheck]]:
    """What stops a run where it fails, to be checked again on what is stored now."""
    contracts = [(table, CONTRACT) for table in context.tables]
    own = [(table, check) for table, checks in context.checks.items() for check in checks]
    return [*contracts, *((table, check) for table, check in own if check.blocking)]


def _contracts(exam: Examination) -> Iterator[Issue]:
    """Tables that are not there, or whose columns are not those of their contract."""
    con = exam.warehouse.con
    for table in exam.tables:
        if not exam.warehouse.materialized(table):
            continue
        stored = table.stored
        standing = existing_types(con, stored.full_name)
        if not standing:
            yield Issue(table.full_name, "was materialized and is not there", _again())
            continue
        wanted = column_types(stored)
        newest = max(exam.warehouse.materialized(table))
        for name in wanted.keys() - standing.keys():
            remedy = f"{_run(newest)}, which adds it" if stored.column(name).nullable else _again()
            yield Issue(table.full_name, f"lacks the column {name} of its contract", remedy)
        former = () if stored.keeps_former_columns else standing.keys() - wanted.keys()
        for name in former:
            yield Issue(
                table.full_name, f"holds a column {name} that its contract does not have", _again()
            )
        if table.types_as_received:
            continue
        for name in wanted.keys() & standing.keys():
            if wanted[name] != standing[name]:
                what = f"holds {name} as {standing[name]}, its contract says {wanted[name]}"
                yield Issue(table.full_name, what, _again())


def _counted(exam: Examination, table: Table) -> dict[str, int]:
    """Rows by month that the table holds, as months are noted."""
    stored = table.stored
    name = qualified(stored.full_name)
    if stored.partition_by is None:
        rows = exam.warehouse.con.execute(f"SELECT count(*) FROM {name}").fetchall()
        return {WHOLE: rows[0][0]}
    column = quote(stored.partition_by.value)
    month = f"strftime({column}, '%Y-%m')" if stored.partition_by is PartitionBy.AS_OF else column
    return dict(
        exam.warehouse.con.execute(f"SELECT {month}, count(*) FROM {name} GROUP BY 1").fetchall()
    )


def _bookkeeping(exam: Examination) -> Iterator[Issue]:
    """Months whose rows are not as many as were noted when they were materialized."""
    for table in exam.tables:
        noted = exam.warehouse.materialized(table)
        if not noted:
            continue
        counted = _counted(exam, table)
        for month in sorted(counted.keys() | noted.keys()):
            if counted.get(month, 0) != noted.get(month, 0):
                what = (
                    f"holds {counted.get(month, 0):,} rows{_of(month)}, and "
                    f"{noted.get(month, 0):,} were noted when they were materialized"
                )
                yield Issue(table.full_name, what, _run(month))


def _balances(exam: Examination) -> Iterator[Issue]:
    """Contracts, and sums between tables, that the run checked and that do not hold now."""
    for table, check in exam.checks:
        months = [month for month in exam.materialized(table) if month != WHOLE]
        # A month may be missing upstream of an interrupted run; `_unfinished` tells of that.
        months = [month for month in months if _is_whole(exam, month)]
        if not months:
            continue
        for row in run_checks([check], exam.warehouse, table, months):
            if not row["passed"]:
                what = f"fails '{check.name}'{_of(str(row['month']))} ({row['detail']})"
                yield Issue(table.full_name, what, _run(str(row["month"])))


def _is_whole(exam: Examination, month: str) -> bool:
    """Whether all tables of the month have been materialized."""
    return all(
        month in exam.warehouse.materialized(table)
        for table in exam.tables
        if table.partition_by is not None and table is not CHECK_RESULTS
    )


def _orphans(exam: Examination) -> Iterator[Issue]:
    """Tables that no contract knows, months that the source does not cover, files left over."""
    known = {table.full_name for table in exam.tables}
    known |= {table.stored.full_name for table in exam.tables}
    rooms = {table.schema for table in exam.tables}
    found = exam.warehouse.con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
    ).fetchall()
    for schema, name in found:
        if schema in rooms and f"{schema}.{name}" not in known:
            yield Issue(f"{schema}.{name}", "belongs to no contract", _again())
    covered = {*exam.source.months(), WHOLE}
    outside = {m for t in exam.tables for m in exam.warehouse.materialized(t)} - covered
    for month in sorted(outside):
        yield Issue(
            month,
            "was materialized and is no month of the source",
            f"{_again()}, or widen source.yaml",
        )
    for path in _left_over(exam.settings):
        yield Issue(
            path.name, "was left by a run that was cut off", "remove it, or let the next run do so"
        )


def _erased(exam: Examination) -> Iterator[Issue]:
    """An erasure that was stopped, a key that is missing, and people who are back."""
    settings = exam.settings
    try:
        if plan := read_unfinished(settings):
            remedy = f"finish it with `{command('erase', '--resume')}`"
            yield Issue(plan.number, "is an erasure that was stopped", remedy)
            return
        tombstones = read_tombstones(settings)
    except PortraitError as error:
        what, _, remedy = str(error).rstrip(".").rpartition("; ")
        yield Issue(TOMBSTONES_FILE, what, remedy)
        return
    if tombstones and exam.materialized(IDENTITY_MAP):
        ids = exam.warehouse.select(
            f"SELECT DISTINCT source_customer_id AS id FROM {IDENTITY_MAP.full_name}"
        )["id"]
        if back := tombstones.among(ids).height:
            what = f"holds {back:,} ids of people who were erased"
            yield Issue(settings.warehouse_file.name, what, _again())


def _too_old(exam: Examination) -> Iterator[Issue]:
    """Rows, and customers, that are older than the source keeps them."""
    for past in past_retention(exam.warehouse.con, exam.source):
        what = f"holds {past.rows:,} rows of months before {past.kept_from}, which are not kept"
        yield Issue(f"raw.{past.table}", what, f"run `{command('retain')}`")
    if gone := ended(exam.warehouse.con, exam.source).customers:
        what = (
            f"holds {len(gone):,} customers who have left before {exam.source.customers_kept_from}"
        )
        yield Issue(exam.settings.warehouse_file.name, what, f"run `{command('retain')}`")


def _left_over(settings: Settings) -> list[Path]:
    report = settings.warehouse_dir / REPORT_FILE
    candidates = [temporary_file(settings.portrait_file), temporary_file(report)]
    return [path for path in candidates if path.exists()]


def _unfinished(exam: Examination) -> Iterator[Issue]:
    """Months of which a table was not materialized, or before something that it reads."""
    rows = exam.warehouse.con.execute(STATES_SQL.format("meta.partitions")).fetchall()
    states = states_of(rows)
    tables = [t for t in exam.tables if t.partition_by is not None and t is not CHECK_RESULTS]
    closed = closed_months(exam.warehouse.con, exam.source)
    for month in exam.source.months():
        if month in closed:
            continue  # It has the tables that there were when its rows were removed.
        written = states.get(month, {})
        missing = [table.full_name for table in tables if table.full_name not in written]
        if written and missing:
            yield Issue(month, f"{missing[0]} was not materialized", _run(month))
    for stale in stale_months(states, exam.upstream):
        if stale.month in closed:
            continue
        yield Issue(stale.month, str(stale), _run(stale.month))


def _outdated(settings: Settings, source: Source, months: list[str]) -> Iterator[Issue]:
    """What has changed in the source since these months were materialized.

    That others were never asked for is no issue; `portrait status` tells of it.
    """
    plan = read_plan(Request(settings, source, None, months, fresh=False), wait_seconds=0)
    if not plan.is_empty:
        yield Issue(source.name, plan.reason, _run())


def _published(exam: Examination) -> Iterator[Issue]:
    """Whether the published file can be read and holds what was materialized last."""
    path = exam.settings.portrait_file
    if not path.exists():
        yield Issue(path.name, "is not there", _run())
        return
    with open_published(path) as con:
        yield from _key(exam.settings, noted_key(con))
        published = con.execute(PARTITIONS_SQL.format("mart.table_rows")).fetchall()
        yield from _published_rows(exam, con)
    stored = exam.warehouse.con.execute(PARTITIONS_SQL.format("meta.partitions")).fetchall()
    changed = sorted({row[1] for row in set(stored) ^ set(published) if row[1] != WHOLE})
    if changed:
        span = changed[0] if len(changed) == 1 else f"{changed[0]} to {changed[-1]}"
        yield Issue(
            path.name,
            f"does not hold what was materialized last of {span}",
            _run(changed[0], changed[-1]),
        )
    report = exam.settings.warehouse_dir / REPORT_FILE
    if not report.exists() or report.stat().st_mtime < path.stat().st_mtime:
        yield Issue(f"report/{report.name}", f"is older than {path.name} or missing", _run())


def _register(settings: Settings) -> Iterator[Issue]:
    """Whether every line of the register of what left is as it was written."""
    try:
        Register.of(settings).verify()
    except BrokenRegisterError as error:
        yield Issue(error.subject, error.what, error.remedy)


def _key(settings: Settings, fingerprint: str | None) -> Iterator[Issue]:
    """Whether the next publication will find the key of the file's pseudonyms."""
    if fingerprint is None:
        return
    try:
        is_usable = may_be_published(settings, fingerprint)
    except KeyFileError as error:
        yield Issue("key of pseudonyms", str(error).rstrip("."), "nothing is published before")
        return
    if not is_usable:
        yield Issue(
            "key of pseudonyms",
            f"is not in {key_place(settings, KeyName.PSEUDONYMS)}",
            f"put it back, or have another one with `{command('pseudonyms', 'rotate')}`",
        )


def _published_rows(exam: Examination, con: duckdb.DuckDBPyConnection) -> Iterator[Issue]:
    noted: dict[str, tuple[int, list[str]]] = {
        name: (rows, months)
        for name, rows, months in con.execute(
            "SELECT table_name, sum(row_count)::BIGINT, list(month) FROM mart.table_rows GROUP BY 1"
        ).fetchall()
    }
    for table in exam.tables:
        if table.published and table.full_name in noted:
            file, stored = exam.settings.portrait_file.name, table.stored.full_name
            if not existing_types(con, stored):
                yield Issue(file, f"lacks {stored} of this version", _run())
                continue
            rows = con.execute(f"SELECT count(*) FROM {qualified(stored)}").fetchall()[0][0]
            noted_rows, months = noted[table.full_name]
            noted_rows += count_empty_rows(exam.warehouse.con, table, months)
            if rows != noted_rows:
                what = f"holds {rows:,} rows of {table.full_name}, {noted_rows:,} were materialized"
                remedy = f"remove the file and {_run()}"
                yield Issue(file, what, remedy)


def _of(month: str) -> str:
    return f" of {month}" if month else ""


def _run(first: str = "", last: str = "") -> str:
    span = first if last in ("", first) else f"{first}..{last}"
    option = ["--months", span] if first else []
    return f"run `{command('run', *option)}`"


def _again() -> str:
    return f"make every month again with `{command('run', '--fresh')}`"
