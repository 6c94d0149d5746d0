"""What a run must materialize: decided here from what the warehouse has and what there is to read.

`plan` is a pure function of facts, which `record` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.machine.bounds import in_batches
from portrait_assets.core.months import span
from portrait_assets.orchestration.record import CHECKS, Record, read_record
from portrait_assets.orchestration.request import Request
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.storage.staleness.inputs import Inputs
from portrait_assets.storage.staleness.states import State, stale_months

STAGES = tuple(room.name for room in ROOMS)
"""The stages of a run, in order."""
RAW, MART = STAGES[0], STAGES[-1]


@dataclass(frozen=True)
class Plan:
    """What a run materializes, and why.

    `raw` are the months whose rows are read from the source, `months` those of which later tables
    are made: those of the stages from `first_stages` on, by month, or else all. Where `raw` has
    other months, what follows is known only when they are read.
    """

    raw: list[str]
    months: list[str]
    publish: bool
    reason: str
    first_stages: Mapping[str, str] = field(default_factory=dict)

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
            first = STAGES[self.first(self.months)]
            of = f" from {first} on" if first not in STAGES[:2] else ""
            what.append(f"running {span(self.months)}{of}")
        elif self.raw:
            what.append("running the months whose rows differ")
        elif self.publish:
            what.append("publishing")
        sentence = f"{self.reason}: {', then '.join(what)}." if what else f"{self.reason}."
        return f"{sentence[:1].upper()}{sentence[1:]}"

    def first(self, months: Iterable[str]) -> int:
        """The place of the first stage that one of the months needs."""
        return min(STAGES.index(self.first_stages.get(month, RAW)) for month in months)


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

    def later(months: Sequence[str]) -> frozenset[str]:
        return frozenset(STAGES[max(1, plan.first(months)) :])

    pieces = list(in_batches(plan.months, rows, limit))
    if plan.raw == plan.months and len(pieces) == 1:
        return [Run(frozenset(STAGES), plan.months)]
    read = [Run(frozenset({RAW}), plan.raw)] if plan.raw else []
    if len(pieces) == 1:
        return [*read, Run(later(plan.months), plan.months)]
    publication = [Run(frozenset({MART}), plan.months or list(rows))] if plan.publish else []
    return [*read, *(Run(later(piece) - {MART}, piece) for piece in pieces), *publication]


def plan(
    available: Sequence[str], asked: Sequence[str] | None, record: Record, inputs: Inputs
) -> Plan:
    """What a run must materialize.

    Args:
        available: all months that the source covers, in order.
        asked: the months asked for; None for whatever is not up to date.
        record: what the warehouse says of its months.
        inputs: the source's files and definitions as they are now.

    Raises:
        PortraitError: when a month is asked for whose rows are no longer kept.
    """
    if gone := [month for month in asked or () if month in record.closed]:
        raise PortraitError(
            f"{gone[0]} cannot be made again, for its {record.closed[gone[0]]} are no longer kept "
            f"(keep_months in source.yaml); leave it out."
        )
    available = [month for month in available if month not in record.closed]
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
        of_source, after = _between(available, raw), _from(available, first)
        stages = _first_stages(after, record, inputs)
        return Plan(of_source, after, True, "; ".join(reasons), stages)
    if record.published_at is None:
        return Plan([], [], True, "what was materialized last is not published")
    since = f"{record.published_at:%Y-%m-%d %H:%M} UTC"
    return Plan([], [], False, f"nothing has changed since it was published, {since}")


def _plan_asked(
    available: Sequence[str], asked: Sequence[str], record: Record, inputs: Inputs
) -> Plan:
    """All months asked for; where they were begun and not completed, what is left of them.

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
    if before := [each for each in stale if each.month in earlier]:
        why = f"{asked[0]} looks back on {before[0].month}, which is stale: {before[0]}"
        return Plan([*asked], _from(known, before[0].month), True, why)
    is_begun = any(record.months.get(month) for month in asked)
    if is_begun and any(_missing_table(month, record) for month in asked):
        return plan(asked, None, record, inputs)
    return Plan([*asked], [*asked], True, "asked for")


def _first_stages(months: Sequence[str], record: Record, inputs: Inputs) -> dict[str, str]:
    """By month the stage before the first that lacks anything, as its checks may lack too.

    A month looks back on those before it, so what they run it runs as well.
    """
    stale = {each.month: each.table for each in stale_months(_states(record), record.upstream)}
    found, first = {}, len(STAGES)
    for month in months:
        lacking = (
            place
            for place, stage in enumerate(STAGES)
            if stale.get(month, "").startswith(f"{stage}.")
            or _why(month, _tables_of(stage, record), record, inputs, with_files=stage == RAW)
        )
        first = min(first, max(0, next(lacking, len(STAGES)) - 1))
        found[month] = STAGES[first]
    return found


def _tables_of(stage: str, record: Record) -> list[str]:
    return [name for name in record.tables if name.startswith(f"{stage}.")]


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
    return _why(month, _tables_of(RAW, record), record, inputs, with_files=True)


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
    record = Record()
    if not request.fresh:
        record = read_record(settings, wait_seconds, on_wait, request.source)
    return plan(request.available, request.months, record, inputs_of(request.source))
