"""What a warehouse notes of its months, read without loading Dagster, so that it is quick."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import KeyName, is_rotated
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.connection import error_message, open_database, open_published
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.migrations import current_format
from portrait_assets.storage.duckdb.tables import existing_types
from portrait_assets.storage.staleness.inputs import Inputs
from portrait_assets.storage.staleness.states import State

# Named here because their own modules load much; a test holds them to be the same.
CHECKS = "validation.check_results"
RECEIPTS = "raw.receipts"
REPORT = "report/index.html"
_MADE_SQL = (
    "SELECT month, table_name, epoch_us(made_at), epoch_us(changed_at), row_count, "
    "files, definitions, upstream FROM meta.partitions LEFT JOIN {runs} USING (run_id) "
    "WHERE month <> ''"
)
# A warehouse of a version that noted no inputs has no such table yet.
_NO_RUNS = (
    "(SELECT NULL::VARCHAR AS run_id, NULL::VARCHAR AS files, NULL::VARCHAR AS definitions, "
    "NULL::VARCHAR AS upstream, NULL::TIMESTAMPTZ AS started_at)"
)
_FAILED_SQL = (
    "SELECT DISTINCT month, table_name FROM validation.check_results "
    "WHERE is_blocking AND severity = 'ERROR' AND NOT passed "
    "UNION SELECT month, 'raw.receipts' FROM raw.receipts WHERE problem IS NOT NULL"
)
# How long each stage of a run took that wrote months which stand: from the end of the one before.
_PAST_SQL = """
WITH written AS (
    SELECT run_id, month, split_part(table_name, '.', 1) AS room, max(made_at) AS ended_at
    FROM meta.partitions
    WHERE month <> '' AND table_name <> 'validation.check_results' GROUP BY ALL
), raw_rows AS (
    SELECT month, sum(row_count) AS source_rows
    FROM meta.partitions WHERE table_name LIKE 'raw.%' GROUP BY month
), ended AS (
    SELECT run_id, room, max(ended_at) AS ended_at, count(*) AS months,
        sum(source_rows)::BIGINT AS source_rows
    FROM written JOIN raw_rows USING (month) GROUP BY ALL
)
SELECT room, months, source_rows, epoch(ended_at) - epoch(coalesce(
    lag(ended_at) OVER (PARTITION BY run_id ORDER BY ended_at), started_at))
FROM ended JOIN {runs} USING (run_id)
"""
_PUBLICATION_SQL = "SELECT max(published_at), any_value(pseudonym_key) FROM mart.publication"
_VERSIONS_SQL = "SELECT table_name, month, row_count, run_id, epoch_us(made_at) FROM {}"


@dataclass(frozen=True)
class Materialized:
    """A month of a table: when it was written and last changed, from what, and its rows."""

    state: State
    inputs: Inputs | None = None
    rows: int = 0


@dataclass(frozen=True)
class Record:
    """What a warehouse says of its months.

    `months` has each by table, `failed` the tables of each month whose blocking checks failed or
    whose files could not be read, `upstream` what each table is made from, `past` the stages of
    past runs (name, months, rows of the source, seconds), and `published_at` when all of that was
    published; None when the published file or the report is older. `closed` has by month a table
    whose rows were removed for their age, so that the month cannot be made again.
    """

    months: Mapping[str, Mapping[str, Materialized]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    upstream: Mapping[str, Sequence[str]] = field(default_factory=dict)
    past: Sequence[tuple[str, int, int, float]] = ()
    published_at: datetime | None = None
    closed: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> list[str]:
        """The tables that every month has, in the order of the flow."""
        if self.upstream:
            return [name for name in self.upstream if not name.startswith("mart.")]
        return sorted({name for tables in self.months.values() for name in tables} - {CHECKS})

    @property
    def version(self) -> int:
        """When anything was last written, in µs since 1970; a plan is of one version."""
        return max(
            (each.state.changed_at for tables in self.months.values() for each in tables.values()),
            default=0,
        )

    def source_rows(self, available: Sequence[str], in_files: int) -> dict[str, int]:
        """Rows of the source by month: those that were read, and an even share for other months.

        Args:
            available: all months of the source.
            in_files: about how many rows its files have.
        """
        read = {
            month: sum(each.rows for name, each in tables.items() if name.startswith("raw."))
            for month, tables in self.months.items()
            if RECEIPTS in tables
        }
        unread = [month for month in available if month not in read]
        share = max(0, in_files - sum(read.values())) // max(1, len(unread))
        return {month: read.get(month, share) for month in available}


def read_record(
    settings: Settings,
    wait_seconds: float | None = None,
    on_wait: Callable[[str], None] = lambda sentence: None,
    source: Source | None = None,
) -> Record:
    """What the warehouse says of its months; nothing where there is none, or of other versions.

    Raises:
        WarehouseError: when the warehouse is busy for longer than the wait, or cannot be read.
    """
    if not settings.warehouse_file.exists():
        return Record()
    wait = settings.lock_wait_seconds if wait_seconds is None else wait_seconds
    with (
        warehouse_lock(settings.lock_file, "that is being planned", wait, on_wait),
        open_database(settings.warehouse_file, read_only=True) as con,
    ):
        try:
            found = con.execute("SELECT format FROM meta.source").fetchall()
            if found != [(current_format(),)]:
                return Record()
            record = _record_of(con, settings)
            return replace(record, closed=closed_months(con, source) if source else {})
        except (duckdb.CatalogException, duckdb.BinderException):
            return Record()  # Of another version, about which the run itself has more to say.
        except duckdb.Error as error:
            raise WarehouseError(
                f"{settings.warehouse_file.name} cannot be read "
                f"({error_message(error)}); rebuild it with `{command('run', '--fresh')}`."
            ) from None


def _record_of(con: duckdb.DuckDBPyConnection, settings: Settings) -> Record:
    there = {
        f"{schema}.{name}"
        for schema, name in con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables()"
        ).fetchall()
    }
    runs = "meta.runs" if "meta.runs" in there else _NO_RUNS
    rows_found = con.execute(_MADE_SQL.format(runs=runs)).fetchall()
    past = con.execute(_PAST_SQL.format(runs=runs)).fetchall()
    has_checks = {CHECKS, RECEIPTS} <= there
    failures = con.execute(_FAILED_SQL).fetchall() if has_checks else []
    versions = con.execute(_VERSIONS_SQL.format("meta.partitions")).fetchall()
    months: dict[str, dict[str, Materialized]] = {}
    upstream: dict[str, list[str]] = {}
    newest = 0
    for month, table, made_at, changed_at, rows, files, definitions, read in rows_found:
        inputs = Inputs(files, definitions) if files is not None else None
        state = State(made_at, changed_at)
        months.setdefault(month, {})[table] = Materialized(state, inputs, rows)
        if read is not None and made_at >= newest:
            newest, upstream = made_at, json.loads(read)
    failed: dict[str, frozenset[str]] = {}
    for month, table in failures:
        failed[month] = failed.get(month, frozenset()) | {table}
    return Record(months, failed, upstream, past, _published_at(settings, versions))


def closed_months(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """By completed month a table whose rows were there, and were removed for their age."""
    found: dict[str, str] = {}
    for name, first in source.kept_from.items():
        canonical = CANONICAL_BY_NAME[name]
        table = canonical.raw_table().full_name
        types = existing_types(con, table)
        if not types or not existing_types(con, RECEIPTS):
            continue
        rows = con.execute(
            f"SELECT month FROM {RECEIPTS} WHERE table_name = ? AND rows_erased > 0 AND month < ? "
            f"AND month NOT IN (SELECT month FROM {table} "
            f"WHERE {source.is_past(canonical, first, types)}) "
            "AND month IN (SELECT month FROM meta.partitions WHERE table_name = ?)",
            [name, first, CHECKS],
        ).fetchall()
        found |= {month: name for (month,) in rows}
    return found


def _published_at(settings: Settings, versions: Iterable[tuple[object, ...]]) -> datetime | None:
    """When what the warehouse has now was published; None when it is not."""
    report = settings.warehouse_dir / REPORT
    if not settings.portrait_file.exists() or not report.exists():
        return None
    if report.stat().st_mtime < settings.portrait_file.stat().st_mtime:
        return None
    try:
        with open_published(settings.portrait_file) as con:
            published = con.execute(_VERSIONS_SQL.format("mart.table_rows")).fetchall()
            [(when, key)] = con.execute(_PUBLICATION_SQL).fetchall()
    except (duckdb.Error, WarehouseError):
        # It is damaged, or of a version that knew no pseudonyms, so it is published again.
        return None
    if key is not None and is_rotated(settings, KeyName.PSEUDONYMS, key):
        return None
    is_newest = set(map(tuple, versions)) == set(map(tuple, published))
    return when if is_newest and isinstance(when, datetime) else None
