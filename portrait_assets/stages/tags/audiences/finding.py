"""`portrait audience`: an answer or a file of customers, each through the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.months import last_day, parse_month
from portrait_assets.methods.anonymity.anonymise import K
from portrait_assets.methods.expressions.expression import Expression
from portrait_assets.privacy.consent import Use
from portrait_assets.privacy.egress import (
    PLACE,
    Departure,
    Door,
    EgressError,
    Outlet,
    Profile,
    Purpose,
    digest_of,
    digest_of_file,
    purpose_of,
)
from portrait_assets.schema.table import Column, Sensitivity
from portrait_assets.stages.tags.audiences.activation import members_identified
from portrait_assets.stages.tags.audiences.answers import (
    IDENTIFYING,
    MONTH,
    QUESTION,
    check_question,
    check_size,
    given_before,
    without_small_groups,
)
from portrait_assets.stages.tags.audiences.audience import Audience, members, select_audience
from portrait_assets.stages.tags.audiences.condition import matrix_columns, parse_audience
from portrait_assets.stages.tags.audiences.export import export_audience
from portrait_assets.stages.tags.audiences.generic import generic_customers
from portrait_assets.stages.tags.audiences.saved_audiences import load_audiences
from portrait_assets.stages.tags.audiences.shared import (
    CHANNEL,
    check_apart,
    export_shared,
    is_for_others,
    shared_before,
    sharing_of,
)
from portrait_assets.stages.tags.shared_rows import SharedRows, SharingError
from portrait_assets.storage.duckdb.connection import noted_key, open_published

GENERIC = "who refuses profiling"
"""What the register holds of whether such customers are in a file, without tags."""


@dataclass(frozen=True)
class FoundAudience:
    """An audience, how many customers were written to a file, and what was held back.

    `written` is None without a file, which `is_identified` where it has the source's identifiers,
    and `shared` where nobody is found in it; `notes` are sentences; `left_out` counts, by purpose
    and reason, customers who did not allow what the file is for. `generic` customers more were
    written who refuse profiling; None where they were not asked for.
    """

    audience: Audience
    written: int | None
    notes: tuple[str, ...] = ()
    purpose: str = Purpose.PROFILING
    is_identified: bool = False
    left_out: Mapping[tuple[str, str], int] = field(default_factory=dict)
    shared: SharedRows | None = None
    generic: int | None = None


def find_audience(
    database: Path,
    text: str,
    door: Door,
    month: str | None = None,
    saved: Path | None = None,
    out: Path | None = None,
    purpose: str | None = None,
    channel: str | None = None,
    k: int | None = None,
    with_generic: bool = False,
) -> FoundAudience:
    """An audience with its size, share, profile and overlaps, written to `out` if given.

    An answer rests on at least as many customers as the door asks for, also beside the answers
    given before. A file holds the columns, and may be selected by those, that the outlet
    `audience` is cleared for. One for marketing, with which customers are approached, has the
    source's identifiers, looked up with the key of pseudonyms and the warehouse. In one for
    sharing, and for credit where nobody was asked for that, k customers are alike in all that
    others may know of them; it leaves by the outlet `shared`.

    Args:
        database: the published file; only read.
        text: the expression over the portrait matrix.
        door: what the answer or the file passes.
        month: as YYYY-MM; the newest when None.
        saved: the source's audiences.yaml.
        out: a .csv or .parquet file to write the audience's rows to.
        purpose: what the answer or the file is for; by default an answer for profiling, a file,
            which is of single customers, for marketing.
        channel: by which the customers of a file are to be contacted; any that they allow when
            None.
        k: the fewest customers alike in a file for others, 10 when None.
        with_generic: whether a file for marketing is to have those too who refuse profiling and
            may be contacted, without tags.

    Raises:
        SharingError: when a file for others would hide nobody, or k is given for another file;
            nothing is written then.
        TagError: when the expression may not be used or selects too few; nothing is written then.
        EgressError: when the answer or the file may not leave, or `with_generic` is for no file
            for marketing; nothing is written then.
        PseudonymError: when the identifiers of a file cannot be looked up; the same.
        WarehouseError: when they can only be looked up in a warehouse that is busy; the same.
    """
    con = open_published(database)
    try:
        columns = matrix_columns(con)
        loaded = load_audiences(saved, columns) if saved is not None else ()
        others = {each.code: each.where for each in loaded}
        as_of = last_day(parse_month(month)) if month is not None else None
        purpose = purpose or (Purpose.PROFILING if out is None else Purpose.MARKETING)
        asked = _Asked(con, columns, others, as_of, purpose, channel, with_generic)
        is_shared = out is not None and is_for_others(con, asked.use)
        if k is not None and not is_shared:
            raise SharingError(
                f"--k is for files in which nobody is found, with --out and --purpose sharing; "
                f"leave it out for {purpose}."
            )
        if with_generic and (out is None or asked.use.purpose != Purpose.MARKETING):
            raise EgressError(
                "--with-generic is for files by which customers are contacted, with --out and for "
                "marketing; leave it out."
            )
        if out is None:
            return _answer(door, asked, text)
        return (
            _shared_file(door, asked, text, out, k) if is_shared else _file(door, asked, text, out)
        )
    finally:
        con.close()


@dataclass(frozen=True)
class _Asked:
    """What audiences are found in: an open file, its matrix, and the saved audiences by code."""

    con: duckdb.DuckDBPyConnection
    columns: Mapping[str, Column]
    saved: Mapping[str, Expression]
    as_of: date | None
    purpose: str
    channel: str | None = None
    with_generic: bool = False

    @property
    def use(self) -> Use:
        """What customers are asked for."""
        return Use(purpose_of(self.purpose) or Purpose.PROFILING, self.channel)

    def select(self, text: str, smallest: int) -> Audience:
        texts = {code: each.text for code, each in self.saved.items()}
        return select_audience(self.con, text, self.as_of, texts, smallest=smallest)

    def departure(
        self, audience: Audience, columns: Iterable[Column], out: Path | None = None
    ) -> Departure:
        read = [self.columns[name] for name in audience.expression.columns]
        about = {MONTH: f"{audience.as_of:%Y-%m}", QUESTION: audience.expression.text}
        if not set(IDENTIFYING).isdisjoint(audience.expression.columns):
            del about[QUESTION]  # It may name customers, and the register is never rewritten.
        if self.channel is not None:
            about[CHANNEL] = self.channel
        if self.with_generic:
            about[GENERIC] = "included"
        if out is not None:
            about[PLACE] = str(out.resolve())
        return Departure(
            Outlet.AUDIENCE,
            self.purpose,
            tuple(dict.fromkeys([*columns, *read])),
            subject_named=out is not None,
            aggregated=out is None,
            about=about,
        )


def _answer(door: Door, asked: _Asked, text: str) -> FoundAudience:
    smallest = door.smallest_group
    check_question(parse_audience(text, asked.columns))
    found = asked.select(text, smallest)
    departure = asked.departure(found, ())
    with door.one_answer():
        door.open(departure)
        given = given_before(door.earlier(Outlet.AUDIENCE), found.as_of, asked.columns)
        check_size(asked.con, found, given, smallest)
        shown, left_out = without_small_groups(
            asked.con, found, asked.columns, asked.saved, given, smallest
        )
        contents = f"{shown.size} {shown.base} {shown.profile.rows()} {shown.overlaps.rows()}"
        door.record(departure, shown.size, digest_of(contents))
    return FoundAudience(shown, None, _on_lines(left_out, smallest))


def _file(door: Door, asked: _Asked, text: str, out: Path) -> FoundAudience:
    found = _selected_for_file(door, asked, text, Outlet.AUDIENCE)
    cleared, note = door.cleared(Outlet.AUDIENCE, asked.columns.values())
    departure = asked.departure(found, cleared, out)
    door.open(departure)
    key = noted_key(asked.con)
    is_identified = key is None or asked.purpose == Purpose.MARKETING
    identifiers = None
    if key is not None and is_identified:
        who = members(asked.con, found)
        if asked.with_generic:
            generic = generic_customers(asked.con, found.as_of, asked.use)
            who = pl.concat([who, generic]).unique()
        identifiers = members_identified(door.settings, key, who)
    names = {column.name for column in cleared}
    written = export_audience(
        asked.con,
        found,
        out,
        [name for name in asked.columns if name not in names],
        identifiers,
        # Entered before the file has its name: what is not in the register has not left.
        lambda whole, rows: door.record(departure, rows, digest_of_file(whole)),
        asked.use,
        asked.with_generic,
    )
    shown, notes = _as_printed(door, asked, found, note)
    return FoundAudience(
        shown,
        written.customers,
        notes,
        str(asked.use.purpose),
        is_identified,
        written.left_out,
        generic=written.generic if asked.with_generic else None,
    )


def _shared_file(door: Door, asked: _Asked, text: str, out: Path, k: int | None) -> FoundAudience:
    found = _selected_for_file(door, asked, text, Outlet.SHARED)
    sharing = sharing_of(door.settings.source_dir, K if k is None else k)
    cleared, note = door.cleared(Outlet.SHARED, asked.columns.values())

    def departure(rows: SharedRows) -> Departure:
        one = asked.departure(found, rows.columns, out)
        return replace(
            one,
            outlet=Outlet.SHARED,
            profile=Profile.SHARED,
            about={**one.about, **rows.loss(sharing.k)},
        )

    def opens(rows: SharedRows) -> None:
        door.open(departure(rows))

    def records(rows: SharedRows, customers: int, whole: Path) -> None:
        door.record(departure(rows), customers, digest_of_file(whole))

    columns = {column.name: column for column in cleared}
    with door.one_answer():
        if not sharing.is_public:
            before = shared_before(door.earlier(Outlet.SHARED), found.as_of, asked.columns)
            check_apart(asked.con, found, asked.use, before, sharing.k)
        written = export_shared(asked.con, found, out, sharing, columns, asked.use, opens, records)
    shown, notes = _as_printed(door, asked, found, note)
    return FoundAudience(
        shown,
        written.customers,
        notes,
        str(asked.use.purpose),
        left_out=written.left_out,
        shared=written.rows,
    )


def _as_printed(
    door: Door, asked: _Asked, found: Audience, note: str | None
) -> tuple[Audience, tuple[str, ...]]:
    """What is printed beside a file: the audience without small groups, and sentences."""
    shown, left_out = without_small_groups(
        asked.con, found, asked.columns, asked.saved, (), door.smallest_group
    )
    notes = () if note is None else (note,)
    return shown, (*notes, *_on_lines(left_out, door.smallest_group))


def _selected_for_file(door: Door, asked: _Asked, text: str, outlet: Outlet) -> Audience:
    """The audience, by what the readers of the outlet may see.

    Every row of a file tells what its condition states, so that is cleared like a column.
    """
    clearance = Sensitivity(door.clearance(outlet))
    columns = asked.columns
    for name in parse_audience(text, columns).columns:
        if columns[name].sensitivity > clearance:
            raise EgressError(
                f"The file would tell of each customer in it what the condition states of {name}, "
                f"of class {columns[name].sensitivity}, and may hold up to {clearance}; leave it "
                f"out, or set PORTRAIT_CLEARANCE__{outlet.upper()}={columns[name].sensitivity}."
            )
    return asked.select(text, 1)


def _on_lines(left_out: int, smallest: int) -> tuple[str, ...]:
    if not left_out:
        return ()
    lines = "1 telling line is" if left_out == 1 else f"{left_out} telling lines are"
    return (
        f"{lines} left out of the profile, for alone or beside others they tell of fewer than "
        f"{smallest} customers.",
    )
