"""An erasure, from its plan to the certificate; it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from portrait_assets.app.erasure.people.own_texts import texts_in_kept_rows
from portrait_assets.app.erasure.people.persons import PROSPECTS, name_ids
from portrait_assets.app.erasure.people.planned import planned
from portrait_assets.app.erasure.preview import Preview
from portrait_assets.app.erasure.proof import certificate_of, digests_of
from portrait_assets.app.erasure.publishing import publish_apart
from portrait_assets.app.erasure.rows.removal import copy_without, put_in_place
from portrait_assets.app.erasure.rows.second_pass import MOST_PASSES, ours, pass_again
from portrait_assets.app.erasure.traces import (
    clean_decisions,
    clean_file,
    files_of,
    remove_accounts,
    remove_unfinished,
)
from portrait_assets.app.erasure.warehouse import (
    digests_noted,
    id_columns,
    new_file,
    opened,
    remove_published,
    removed_of,
    require_ready,
    tables_of,
)
from portrait_assets.app.runs.progress import Progress
from portrait_assets.app.runs.run import machine_failures_in_a_sentence
from portrait_assets.core.invocation import command, commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import Certificate, write_certificate
from portrait_assets.privacy.erasure import (
    ErasureError,
    Phase,
    Plan,
    Rows,
    note_rows,
    one_erasure,
    read_unfinished,
    remove_plan,
    unfinished,
    write_plan,
)
from portrait_assets.privacy.scan.files import scan
from portrait_assets.privacy.scan.wanted import Scan, Wanted
from portrait_assets.privacy.tombstones import (
    append_tombstones,
    digest_of,
    key_of_tombstones,
)
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.duckdb.lock import warehouse_lock

REVIEWED_RECORDS = ("record_1", "record_2")
"""Columns of reviewers' decisions and of linked pairs that name records."""


@dataclass(frozen=True)
class Erased:
    """What an erasure came to: its certificate, and seconds by part."""

    certificate: Certificate
    page: Path
    seconds: dict[str, float]


def erase(settings: Settings, what: Preview, progress: Progress) -> Erased:
    """Erase the people of a preview, from raw to report, and prove it.

    Raises:
        PortraitError: when it cannot be done; what was begun goes on with `resume`.
    """
    return begin(settings, progress, lambda: planned(settings, what, progress))


def begin(settings: Settings, progress: Progress, write: Callable[[], Plan]) -> Erased:
    """Carry out a plan that `write` makes and writes, where there is none yet.

    Raises:
        PortraitError: when it cannot be done; what was begun goes on with `resume`.
    """
    with commands_for(settings), machine_failures_in_a_sentence():
        require_ready(settings)
        with one_erasure(settings, progress.say):
            if stopped := read_unfinished(settings):
                raise ErasureError(unfinished(stopped))
            clock = _Clock()
            plan = write()
            clock.noted("finding their texts")
            return _carry_out(settings, plan, progress, clock)


def resume(settings: Settings, progress: Progress) -> Erased:
    """Finish the erasure that was stopped.

    Raises:
        ErasureError: when none was, or it cannot be finished yet.
    """
    stopped = read_unfinished(settings)
    if stopped is None:
        raise ErasureError(
            f"No erasure of '{settings.source}' was stopped; none is to be finished."
        )
    with (
        commands_for(settings),
        machine_failures_in_a_sentence(),
        one_erasure(settings, progress.say),
    ):
        plan = read_unfinished(settings)
        if plan is None:
            raise ErasureError(f"{stopped.name} was finished by another process in the meantime.")
        return _carry_out(settings, plan, progress, _Clock())


class _Clock:
    def __init__(self) -> None:
        self._since = datetime.now(UTC)
        self.seconds: dict[str, float] = {}

    def noted(self, part: str) -> None:
        now = datetime.now(UTC)
        self.seconds[part] = (now - self._since).total_seconds()
        self._since = now


def wanted_of(plan: Plan, columns: frozenset[str]) -> Wanted:
    """What a scan looks for: the texts of the plan, and its ids in the columns of their kind."""
    named = {*columns, *REVIEWED_RECORDS}
    ids = dict.fromkeys(named, plan.customers) | {PROSPECTS: plan.prospects}
    return Wanted(plan.texts, ids)


def _carry_out(settings: Settings, plan: Plan, progress: Progress, clock: _Clock) -> Erased:
    source = load_source(settings.source_dir)
    tables = tables_of(settings)
    wanted = wanted_of(plan, id_columns(tables))
    if plan.phase is Phase.REMOVING:
        if plan.is_of_people:
            plan = _scanned_before(settings, source, plan, wanted)
            progress.say(f"{sum(plan.found_before.values()):,} values of theirs were found before.")
            clock.noted("scan before")
        plan = _remove(settings, source, plan, tables, wanted)
        clock.noted("removing")
    whose = "of theirs" if plan.is_of_people else "of that age"
    progress.say(f"The warehouse holds no rows {whose}; publishing.")
    publish_apart(settings, source.months(), progress)
    clock.noted("publishing")
    after = None
    if plan.is_of_people:
        plan, after = _searched(settings, source, plan, tables, wanted, progress)
        clock.noted("scan after")
    certificate = certificate_of(settings, source, plan, after)
    page = write_certificate(settings, certificate)
    remove_plan(settings)
    return Erased(certificate, page, clock.seconds)


def _searched(
    settings: Settings,
    source: Source,
    plan: Plan,
    tables: list[Table],
    wanted: Wanted,
    progress: Progress,
) -> tuple[Plan, Scan]:
    """The scan after, and the plan with what was removed where it still found something.

    Raises:
        ErasureError: when something is left in a file that can be cleaned by hand.
    """
    after = _scan(settings, source, wanted, is_written_anew=True)
    for _ in range(MOST_PASSES):
        if not after.found:
            break
        plan = _cleaned(settings, plan, after, wanted)
        if any(each.file in ours(settings) for each in after.hits):
            progress.say("The scan still finds texts of theirs in the warehouse; removing them.")
            pass_again(settings, plan, tables, wanted, after.hits)
            plan = _as_written(settings, plan)
            publish_apart(settings, source.months(), progress)
        after = _scan(settings, source, wanted, is_written_anew=True)
    _require_decoded(settings, after)
    # What is left in the database itself nobody can remove by hand: the certificate names it.
    if elsewhere := [each for each in after.hits if each.file not in ours(settings)]:
        count = sum(each.count for each in elsewhere)
        where = ", ".join(sorted({f"{each.file} ({each.place})" for each in elsewhere}))
        raise ErasureError(
            f"{count:,} values of the people who were erased are still in {where}; remove "
            f"them there, and finish with `{command('erase', '--resume')}`."
        )
    return plan, after


def _scan(
    settings: Settings, source: Source, wanted: Wanted, is_written_anew: bool = False
) -> Scan:
    """Search all files while no run writes them."""
    anew = (settings.warehouse_file, settings.portrait_file) if is_written_anew else ()
    with warehouse_lock(settings.lock_file, "portrait erase", settings.lock_wait_seconds):
        files = files_of(settings, source)
        root = settings.data_dir.resolve()
        return scan(files, wanted, root, settings.memory_limit_gib, anew)


def _require_decoded(settings: Settings, after: Scan) -> None:
    """A database whose values were not read proves nothing: its bytes show few of them."""
    if unread := [name for name in ours(settings) if name in after.unreadable]:
        raise ErasureError(
            f"{' and '.join(unread)} could not be opened to be searched; close what has it open, "
            f"see to memory and disk, and finish with `{command('erase', '--resume')}`."
        )


def _scanned_before(settings: Settings, source: Source, plan: Plan, wanted: Wanted) -> Plan:
    """The plan with what a scan finds before anything is removed; kept where it is there."""
    if plan.found_before:
        return plan
    found = _scan(settings, source, wanted)
    _require_decoded(settings, found)
    facts = {
        "found_before": found.by_file(),
        "files_before": found.files,
        "size_before": found.size,
    }
    plan = plan.model_copy(update=facts)
    write_plan(settings, plan)
    return plan


def _remove(
    settings: Settings, source: Source, plan: Plan, tables: list[Table], wanted: Wanted
) -> Plan:
    """Remove the rows from the warehouse, and the texts of people from what else holds them."""
    if plan.is_of_people:
        plan = _remove_beside(settings, plan, tables, wanted)
    with new_file(settings) as new, opened(settings, tables) as con:
        name_ids(con, list(plan.customers), list(plan.prospects))
        removed = removed_of(settings, source, plan, tables, con)
        rows = copy_without(removed, new, settings.memory_limit_gib, settings.threads)
        if {each.name for each in rows}.isdisjoint(each.name for each in plan.rows):
            plan = plan.model_copy(update={"rows": (*rows, *plan.rows)})
            write_plan(settings, plan)
        con.close()
        put_in_place(new, settings.warehouse_file)
    remove_published(settings)
    if plan.is_of_people:
        plan = _cleaned(settings, plan, None, wanted)
    plan = plan.model_copy(update={"phase": Phase.PUBLISHING})
    write_plan(settings, plan)
    return plan


def _remove_beside(settings: Settings, plan: Plan, tables: list[Table], wanted: Wanted) -> Plan:
    """Have no run read the people again, and remove decisions on them and accounts of them."""
    key = key_of_tombstones(settings)
    digests = digests_of(plan, key)
    with opened(settings, tables) as con:
        kept = texts_in_kept_rows(con, plan.texts)
    of_texts = [digest_of(key, text, column) for column in kept for text in kept[column]]
    # First, so that no run reads them again, whatever becomes of the rest.
    began_on = plan.began_at.date()
    append_tombstones(settings, key, [*digests, *of_texts], plan.number, began_on)
    if not plan.inputs:
        plan = plan.model_copy(update={"inputs": digests_noted(settings)})
        write_plan(settings, plan)
    note = partial(note_rows, settings)
    clean_decisions(settings, wanted, note)
    remove_accounts(settings, plan.ids, note)
    remove_unfinished(settings, note)
    return _as_written(settings, plan)


def _cleaned(settings: Settings, plan: Plan, found: Scan | None, wanted: Wanted) -> Plan:
    """The plan with what was removed from other files that a scan has found to hold it."""
    root = settings.data_dir.resolve()
    names = found.by_file() if found else plan.found_before
    written = {settings.warehouse_file.name, settings.portrait_file.name}

    def note(rows: Rows) -> None:
        what = f"{rows.what} by a second pass" if found else rows.what
        note_rows(settings, rows.model_copy(update={"what": what}))

    for name in names:
        path = root / name
        is_ours = path.name in written or settings.source_dir in path.parents
        if not is_ours and path.is_file():
            clean_file(path, wanted, name, note)
    return _as_written(settings, plan)


def _as_written(settings: Settings, plan: Plan) -> Plan:
    """The plan as it stands on the disk, with what was noted in it since."""
    return read_unfinished(settings) or plan
