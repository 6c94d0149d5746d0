"""Why a run of the job failed, as one sentence with month, table and remedy; each reported once."""

from __future__ import annotations

import builtins
import fcntl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from portrait_assets.core.invocation import command, commands_for
from portrait_assets.core.months import month_range, span
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.notifier import Failure, send
from portrait_assets.storage.duckdb.connection import with_remedy, without_values
from portrait_assets.storage.place import read_place

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

NOTIFIED_TAG = "portrait/notified"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"
MACHINE_REMEDY = (
    "free room on the disk or allow the folder to be written to, and run again; "
    "what was published stands as it was"
)


def failed_checks(events: Iterable[dg.DagsterEvent]) -> dict[str, str]:
    """By month, a line on the first blocking check that it failed."""
    failed: dict[str, str] = {}
    for event in events:
        found = event.event_specific_data
        if not isinstance(found, dg.AssetCheckEvaluation):
            continue
        stops = found.blocking and found.severity is dg.AssetCheckSeverity.ERROR
        if stops and not found.passed and found.partition not in failed:
            table = ".".join(found.asset_key.path)
            failed[str(found.partition)] = (
                f"{table} failed the check '{found.check_name}': {found.description}"
            )
    return failed


def run_failure(source: str, run: dg.DagsterRun, events: Sequence[dg.DagsterEvent]) -> Failure:
    """The failure that the events of the run tell of."""
    months = _months_of(run)
    option = ["--months", "..".join(dict.fromkeys((months[0], months[-1])))] if months else []
    again = f"run it again with `{command('run', *option)}`"

    def failure(step: str, sentence: str) -> Failure:
        return Failure(source, sentence, run.run_id, months, step)

    if failed := failed_checks(events):
        first = min(failed)
        what = failed[first].rstrip(". ")
        remedy = f"correct what it names in the source and {again}"
        return failure(what.split(" ", 1)[0], f"{first}: {what}; {remedy}.")
    for event in events:
        error: SerializableErrorInfo | None = getattr(event.event_specific_data, "error", None)
        if error is None:
            continue
        error = _raised(error)
        lines = str(error.message).strip().splitlines() or [""]
        place = read_place(lines) or _place_of_step(event.step_key, months)
        return failure(place.split(" ", 1)[0], f"{place}: {_sentence(error, lines[0], again)}.")
    step = next((event.step_key for event in reversed(events) if event.step_key), None)
    place = _place_of_step(step, months)
    return failure(
        place.split(" ", 1)[0], f"{place}: its process ended before the run did; {again}."
    )


def _place_of_step(step: str | None, months: Sequence[str]) -> str:
    # Dagster writes a key of several parts as one name.
    return f"{(step or 'run').replace('__', '.')} of {span(months)}"


def _months_of(run: dg.DagsterRun) -> list[str]:
    one = run.tags.get(PARTITION)
    first, last = run.tags.get(RANGE_START, one), run.tags.get(RANGE_END, one)
    return month_range(first, last) if first and last else []


def _raised(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """What a step raised, without what Dagster puts around it."""
    while error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return error


def _sentence(error: SerializableErrorInfo, line: str, again: str) -> str:
    """What the error says and what helps; `line` begins with the name of its class."""
    name = error.cls_name or ""
    qualified, _, text = line.partition(": ")
    text = text.rstrip(". ")
    if name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt") or (
        text == "Query interrupted"
    ):
        return f"stopped by a signal; what was published stands as it was; {again}"
    if qualified.startswith("portrait_assets."):
        return text
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, OSError):
        return f"{text}; {MACHINE_REMEDY}"
    if name == "MemoryError":
        return (
            f"not enough memory; run fewer months at once, or on a machine that has more; {again}"
        )
    helped = with_remedy(name, without_values(text))
    if helped != text or qualified.startswith(("duckdb.", "_duckdb.")):
        return helped
    return f"{name} {helped}; its traceback is in the log of the run, `{command('ui')}`"


def notify_failed_run(
    settings: Settings,
    instance: dg.DagsterInstance,
    run_id: str,
    on_problem: Callable[[str], None],
    events: Sequence[dg.DagsterEvent] | None = None,
) -> None:
    """Report a failed run to the notifier of the settings, unless that was done; never raises.

    The run is tagged first, so that of the command line and Dagster's daemon, whoever comes
    second does not report it again.

    Args:
        settings: whose notifier to use.
        instance: Dagster's records, with the run.
        run_id: the run.
        on_problem: called with a sentence when the notifier itself fails.
        events: of the run, where they are known; else they are read from the records.
    """
    if not settings.has_notifier:
        return
    try:
        run = instance.get_run_by_id(run_id)
        if run is None or not _claim(settings, instance, run_id):
            return
        with commands_for(settings):
            failure = run_failure(settings.source, run, events or events_of(instance, run_id))
    except Exception as error:  # The records may be what failed, such as on a full disk.
        sentence = f"Run {run_id} failed and its records cannot be read ({type(error).__name__})"
        failure = Failure(settings.source, f"{sentence}; {MACHINE_REMEDY}.", run_id)
    for problem in send(settings, failure):
        on_problem(problem)


def events_of(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    """The run's events that tell of a failure, in the order in which they happened."""
    return [
        entry.dagster_event
        for entry in instance.all_logs(run_id)
        if entry.dagster_event is not None
    ]


def _claim(settings: Settings, instance: dg.DagsterInstance, run_id: str) -> bool:
    """Tag the run as reported; False when it is so already."""
    with _one_at_a_time(settings):
        run = instance.get_run_by_id(run_id)
        if run is None or NOTIFIED_TAG in run.tags:
            return False
        instance.add_run_tags(run_id, {NOTIFIED_TAG: datetime.now(UTC).isoformat()})
    return True


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    with open(settings.dagster_home / "notified.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
