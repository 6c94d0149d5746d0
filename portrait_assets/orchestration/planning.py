"""What a run must materialize: decided here from what the warehouse has and what there is to read.

`plan` is a pure function of facts; `read_record` takes them from the warehouse without loading
Dagster, so that finding nothing to do is quick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from portrait_assets.core.bounds import in_batches
from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.core.months import span
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.request import Request
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.duckdb.connection import error_message, open_database, open_published
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.migrations import current_format
from portrait_assets.storage.inputs import Inputs
from portrait_assets.storage.staleness import State, stale_months

STAGES = tuple(room.name for room in ROOMS)
"""The stages of a run, in order."""
RAW, MART = STAGES[0], STAGES[-1]
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
    published; None when the published file or the report is older.
    """

    months: Mapping[str, Mapping[str, Materialized]] = field(default_factory=dict)
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    upstream: Mapping[str, Sequence[str]] = field(default_factory=dict)
    past: Sequence[tuple[str, int, int, float]] = ()
    published_at: datetime | None = None

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


@dataclass(frozen=True)
class Plan:
    """What a run materializes, and why.

    `raw` are the months whose rows are read from the source, `months` those of which all later
    tables are made. Where `raw` has other months, what follows is known only when they are read.
    """

    raw: list[str]
    months: list[str]
    publish: bool
    reason: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.raw or self.months or self.publish)

    @property
    def sentence(self) -> str:
        """Why and what, such as `2024-03 has not been materialized: running 2024-03.`"""
        what = []
        if self.raw and self.raw != self.months:
            what.append(f"reading {span(self.raw)}")
        if self.months:
            what.append(f"running {span(self.months)}")
        elif self.raw:
            what.append("running the months whose rows differ")
        elif self.publish:
            what.append("publishing")
        sentence = f"{self.reason}: {', then '.join(what)}." if what else f"{self.reason}."
        return f"{sentence[:1].upper()}{sentence[1:]}"


@dataclass(frozen=True)
class Run:
    """One Dagster run: its stages and months."""

    rooms: frozenset[str]
    months: list[str]


def runs_of(plan: Plan, rows: Mapping[str, int], limit: int) -> list[Run]:
    """The runs that carry out a plan, in order: each is kept when it ends.

    The source is read on its own where it makes several pieces, or where the plan is to read other
    months than it runs; what it makes of the latter is another plan.

    Args:
        plan: what to materialize.
        rows: rows of the source by month.
        limit: rows of a piece, unless it is one month.
    """
    later = frozenset(STAGES[1:])
    pieces = list(in_batches(plan.months, rows, limit))
    if plan.raw == plan.months and len(pieces) == 1:
        return [Run(frozenset(STAGES), plan.months)]
    read = [Run(frozenset({RAW}), plan.raw)] if plan.raw else []
    if len(pieces) == 1:
        return [*read, Run(later, plan.months)]
    publication = [Run(frozenset({MART}), plan.months or list(rows))] if plan.publish else []
    return [*read, *(Run(later - {MART}, piece) for piece in pieces), *publication]


def plan(
    available: Sequence[str], asked: Sequence[str] | None, record: Record, inputs: Inputs
) -> Plan:
    """What a run must materialize.

    Args:
        available: all months that the source covers, in order.
        asked: the months asked for; None for whatever is not up to date.
        record: what the warehouse says of its months.
        inputs: the source's files and definitions as they are now.
    """
    if asked is not None:
        return _plan_asked(available, asked, record, inputs)
    raw = {month: why for month in available if (why := _why_read(month, record, inputs))}
    months = {month: why for month in available if (why := _why_made(month, record, inputs))}
    stale = {
        each.month: f"{each.month} is stale: {each}"
        for each in stale_months(_states(record), record.upstream)
        if each.month in available
    }
    first = min([*months, *stale], default=None)
    reasons = [months[first] if first in months else stale[first]] if first else []
    if raw and (first is None or raw[min(raw)] not in reasons):
        reasons.insert(0, raw[min(raw)])
    if reasons:
        return Plan(_between(available, raw), _from(available, first), True, "; ".join(reasons))
    if record.published_at is None:
        return Plan([], [], True, "what was materialized last is not published")
    since = f"{record.published_at:%Y-%m-%d %H:%M} UTC"
    return Plan([], [], False, f"nothing has changed since it was published, {since}")


def _plan_asked(
    available: Sequence[str], asked: Sequence[str], record: Record, inputs: Inputs
) -> Plan:
    """All months asked for; where only some of them were completed, what is left of them.

    They look back on the months before, so those that lack something, or whose rows are not
    those of the source, come first.
    """
    known = [month for month in available if month <= asked[-1]]
    earlier = [month for month in known if month < asked[0]]
    if missing := [month for month in earlier if _missing_table(month, record)]:
        months = [month for month in known if month >= missing[0]]
        why = f"{asked[0]} looks back on {missing[0]}, which was never completed; starting there"
        return Plan(months, months, True, why)
    if changed := [month for month in earlier if _files_differ(month, record, inputs)]:
        why = f"{asked[0]} looks back on {changed[0]}, and the source's files have changed since"
        return Plan([month for month in known if month >= changed[0]], [*asked], True, why)
    stale = stale_months(_states(record), record.upstream)
    if before := [each for each in stale if each.month < asked[0]]:
        why = f"{asked[0]} looks back on {before[0].month}, which is stale: {before[0]}"
        return Plan([*asked], _from(known, before[0].month), True, why)
    incomplete = [month for month in asked if _missing_table(month, record)]
    if incomplete and len(incomplete) < len(asked):
        return plan(asked, None, record, inputs)
    return Plan([*asked], [*asked], True, "asked for")


def _states(record: Record) -> dict[str, dict[str, State]]:
    return {
        month: {name: each.state for name, each in tables.items()}
        for month, tables in record.months.items()
    }


def _missing_table(month: str, record: Record) -> str:
    """The first table that the month lacks; empty when it has all."""
    materialized = record.months.get(month, {})
    if not record.tables:
        return "every table"
    return next((name for name in record.tables if name not in materialized), "")


def _why_read(month: str, record: Record, inputs: Inputs) -> str:
    """Why the month's rows must be read from the source; empty when they need not."""
    raw = [name for name in record.tables if name.startswith("raw.")]
    return _why(month, raw, record, inputs, with_files=True)


def _files_differ(month: str, record: Record, inputs: Inputs) -> bool:
    """Whether a month's rows were read from other files than there are now, as far as noted."""
    read = [
        each.inputs.files
        for name, each in record.months.get(month, {}).items()
        if name.startswith("raw.") and each.inputs is not None
    ]
    return any(files != inputs.files for files in read)


def _why_made(month: str, record: Record, inputs: Inputs) -> str:
    """Why the month's tables must be made whatever the source's rows are; empty when not."""
    return _why(month, record.tables, record, inputs, with_files=False)


def _why(
    month: str, tables: Iterable[str], record: Record, inputs: Inputs, with_files: bool
) -> str:
    materialized = record.months.get(month, {})
    if not materialized or not record.tables:
        return f"{month} has not been materialized"
    own = {name: materialized[name] for name in tables if name in materialized}
    if missing := [name for name in tables if name not in own]:
        return f"{month} was not completed ({missing[0]} is missing)"
    if failed := sorted(record.failed.get(month, frozenset()) & own.keys()):
        return f"{month} failed a check of {failed[0]}"
    checked_at = materialized[CHECKS].state.made_at if CHECKS in materialized else 0
    if unchecked := [name for name in own if own[name].state.made_at > checked_at]:
        return f"{month} was not completed ({unchecked[0]} was not checked)"
    read = [each.inputs for each in own.values()]
    if any(each is None or each.definitions != inputs.definitions for each in read):
        return f"the definitions or the version have changed since {month} was materialized"
    if with_files and any(each is None or each.files != inputs.files for each in read):
        return "the source's files have changed"
    return ""


def _between(available: Sequence[str], months: Iterable[str]) -> list[str]:
    """All months from the first of these to the last."""
    known = sorted(months)
    return [month for month in available if known and known[0] <= month <= known[-1]]


def _from(available: Sequence[str], first: str | None) -> list[str]:
    """All months from the first on: each looks back on those before it."""
    return [month for month in available if first is not None and month >= first]


def read_plan(
    request: Request,
    wait_seconds: float | None = None,
    on_wait: Callable[[str], None] = lambda sentence: None,
) -> Plan:
    """The plan of a request, from its warehouse as it is; waits for a run that holds it.

    Args:
        request: what is asked for.
        wait_seconds: how long to wait for a run that holds the warehouse; by default as set.
        on_wait: called with a sentence when there is a run to wait for.

    Raises:
        WarehouseError: when the warehouse is busy for longer, or cannot be read.
    """
    settings = request.settings
    record = Record() if request.fresh else read_record(settings, wait_seconds, on_wait)
    return plan(request.available, request.months, record, inputs_of(request.source))


def read_record(
    settings: Settings,
    wait_seconds: float | None = None,
    on_wait: Callable[[str], None] = lambda sentence: None,
) -> Record:
    """What the warehouse says of its months; nothing where there is none, or of other versions.

    Raises:
        WarehouseError: when the warehouse is busy for longer than the wait, or cannot be read.
    """
    if not settings.warehouse_file.exists():
        return Record()
    wait = settings.lock_wait_seconds if wait_seconds is None else wait_seconds
    lock = settings.warehouse_dir / "warehouse.lock"
    with (
        warehouse_lock(lock, "that is being planned", wait, on_wait),
        open_database(settings.warehouse_file, read_only=True) as con,
    ):
        try:
            found = con.execute("SELECT format FROM meta.source").fetchall()
            if found != [(current_format(),)]:
                return Record()
            return _record_of(con, settings)
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
            when = con.execute("SELECT max(published_at) FROM mart.publication").fetchall()[0][0]
    except (duckdb.Error, WarehouseError):
        return None  # It is damaged, so it is published again.
    is_newest = set(map(tuple, versions)) == set(map(tuple, published))
    return when if is_newest and isinstance(when, datetime) else None
