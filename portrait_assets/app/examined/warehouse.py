"""Whether a warehouse holds what its contracts and its notes of months say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from portrait_assets.app.examined.issue import Examination, Issue, make_again, of_month, run_again
from portrait_assets.core.files import written_beside
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.record import closed_months
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.checks import run_checks
from portrait_assets.storage.duckdb.connection import qualified, quote
from portrait_assets.storage.duckdb.partitions import WHOLE
from portrait_assets.storage.duckdb.tables import column_types, existing_types
from portrait_assets.storage.staleness.states import STATES_SQL, stale_months, states_of


def contracts(exam: Examination) -> Iterator[Issue]:
    """Tables that are not there, or whose columns are not those of their contract."""
    con = exam.warehouse.con
    for table in exam.tables:
        if not exam.warehouse.materialized(table):
            continue
        stored = table.stored
        standing = existing_types(con, stored.full_name)
        if not standing:
            yield Issue(table.full_name, "was materialized and is not there", make_again())
            continue
        wanted = column_types(stored)
        newest = max(exam.warehouse.materialized(table))
        for name in wanted.keys() - standing.keys():
            remedy = (
                f"{run_again(newest)}, which adds it"
                if stored.column(name).nullable
                else make_again()
            )
            yield Issue(table.full_name, f"lacks the column {name} of its contract", remedy)
        former = () if stored.keeps_former_columns else standing.keys() - wanted.keys()
        for name in former:
            yield Issue(
                table.full_name,
                f"holds a column {name} that its contract does not have",
                make_again(),
            )
        if table.types_as_received:
            continue
        for name in wanted.keys() & standing.keys():
            if wanted[name] != standing[name]:
                what = f"holds {name} as {standing[name]}, its contract says {wanted[name]}"
                yield Issue(table.full_name, what, make_again())


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


def bookkeeping(exam: Examination) -> Iterator[Issue]:
    """Months whose rows are not as many as were noted when they were materialized."""
    for table in exam.tables:
        noted = exam.warehouse.materialized(table)
        if not noted:
            continue
        counted = _counted(exam, table)
        for month in sorted(counted.keys() | noted.keys()):
            if counted.get(month, 0) != noted.get(month, 0):
                what = (
                    f"holds {counted.get(month, 0):,} rows{of_month(month)}, and "
                    f"{noted.get(month, 0):,} were noted when they were materialized"
                )
                yield Issue(table.full_name, what, run_again(month))


def balances(exam: Examination) -> Iterator[Issue]:
    """Contracts, and sums between tables, that the run checked and that do not hold now."""
    for table, check in exam.checks:
        months = [month for month in exam.materialized(table) if month != WHOLE]
        # A month may be missing upstream of an interrupted run; `unfinished` tells of that.
        months = [month for month in months if is_whole(exam, month)]
        if not months:
            continue
        for row in run_checks([check], exam.warehouse, table, months):
            if not row["passed"]:
                what = f"fails '{check.name}'{of_month(str(row['month']))} ({row['detail']})"
                yield Issue(table.full_name, what, run_again(str(row["month"])))


def is_whole(exam: Examination, month: str) -> bool:
    """Whether all tables of the month have been materialized."""
    return all(
        month in exam.warehouse.materialized(table)
        for table in exam.tables
        if table.partition_by is not None and table is not CHECK_RESULTS
    )


def orphans(exam: Examination) -> Iterator[Issue]:
    """Tables that no contract knows, months that the source does not cover, files left over."""
    known = {table.full_name for table in exam.tables}
    known |= {table.stored.full_name for table in exam.tables}
    rooms = {table.schema for table in exam.tables}
    found = exam.warehouse.con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
    ).fetchall()
    for schema, name in found:
        if schema in rooms and f"{schema}.{name}" not in known:
            yield Issue(f"{schema}.{name}", "belongs to no contract", make_again())
    covered = {*exam.source.months(), WHOLE}
    outside = {m for t in exam.tables for m in exam.warehouse.materialized(t)} - covered
    for month in sorted(outside):
        yield Issue(
            month,
            "was materialized and is no month of the source",
            f"{make_again()}, or widen source.yaml",
        )
    for path in _left_over(exam.settings):
        yield Issue(
            path.name, "was left by a run that was cut off", "remove it, or let the next run do so"
        )


def _left_over(settings: Settings) -> list[Path]:
    report = settings.warehouse_dir / REPORT_FILE
    candidates = [written_beside(settings.portrait_file), written_beside(report)]
    return [path for path in candidates if path.exists()]


def unfinished(exam: Examination) -> Iterator[Issue]:
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
            yield Issue(month, f"{missing[0]} was not materialized", run_again(month))
    for stale in stale_months(states, exam.upstream):
        if stale.month in closed:
            continue
        yield Issue(stale.month, str(stale), run_again(stale.month))
