"""Services of the tag commands: the effect of drafts, and approvals of versions.

A customer's card is in `tags.card`, which does not import the frame libraries; audiences are found
by `audiences.finding`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.invocation import command
from portrait_assets.core.months import last_day, next_month
from portrait_assets.privacy.egress import Departure, Door, Outlet, Purpose, digest_of
from portrait_assets.stages.consent.contract import CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import PROFILING_ALLOWED
from portrait_assets.stages.features.given import SOURCE_EVIDENCE, given_by_month
from portrait_assets.stages.tags.catalogue.governance import (
    Action,
    Approval,
    approve,
    version_change,
)
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Status, TagError
from portrait_assets.stages.tags.evaluation.diff import catalogue_diff, with_drafts_active
from portrait_assets.stages.tags.evaluation.inputs import marketing_allowed, named_segment
from portrait_assets.storage.duckdb.connection import open_published
from portrait_assets.storage.duckdb.tables import existing_types
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import THE_MONTH, Scope


@dataclass(frozen=True)
class DraftVersion:
    """A version that would replace another, and how its rules differ, as text."""

    code: str
    version: int
    change: str


@dataclass(frozen=True)
class DraftDiff:
    """The effect of drafts on the month that ends on `as_of`, with so many customers.

    `moved` are customers entering and leaving each value, as `catalogue_diff` gives them; its
    counts are null where they tell of few customers.
    """

    as_of: date
    customers: int
    drafts: tuple[DraftVersion, ...]
    moved: pl.DataFrame


def diff_drafts(
    catalogue: Catalogue, database: Path, codes: Collection[str] | None = None
) -> DraftDiff:
    """The effect of the drafts on the newest month.

    Args:
        catalogue: the catalogue with its drafts.
        database: the warehouse or the published file; only read.
        codes: the tags whose drafts count; all when None.

    Raises:
        TagError: when there is no draft, or the feature matrix has no month yet.
    """
    after = with_drafts_active(catalogue, codes)
    con = open_published(database)
    try:
        newest: date | None = con.execute(
            "SELECT max(as_of) FROM features.feature_matrix"
        ).fetchall()[0][0]
        if newest is None:
            raise TagError(f"The feature matrix has no month yet; run `{command('run')}` first.")
        before_that = last_day(next_month(f"{newest:%Y-%m}", -1))
        features = _frame(con, "features.feature_matrix", newest)
        if PROFILING_ALLOWED.name in features.columns:
            features = features.filter(pl.col(PROFILING_ALLOWED.name).ne_missing(False))
        previous = _frame(con, "tags.tag_table", before_that)
        given = _given(con, newest)
        scope = Scope(f"{newest:%Y-%m}")
        segments = Engine(con).frame(named_segment(THE_MONTH), scope)
        permissions = None
        if existing_types(con, CUSTOMER_CONSENT.full_name):
            permissions = Engine(con).frame(marketing_allowed(THE_MONTH), scope)
        predicted = {
            table: _frame(con, table.full_name, newest)
            for table in dict.fromkeys(each.table for each in after.predicted.values())
            if existing_types(con, table.full_name)
        }
    finally:
        con.close()
    moved = catalogue_diff(
        catalogue, after, features, segments, previous, newest, given, permissions, predicted
    )
    return DraftDiff(newest, features.height, _replacing(catalogue, after, newest), moved)


def pass_diff(diff: DraftDiff, door: Door) -> DraftDiff:
    """The diff as it leaves: without the counts of a value that few customers enter or leave.

    Raises:
        EgressError: when it may not leave.
    """
    counts = pl.col("before", "after", "entering", "leaving")
    few = pl.any_horizontal((counts > 0) & (counts < door.smallest_group))
    shown = diff.moved.with_columns(pl.when(~few).then(counts))
    about = {"month": f"{diff.as_of:%Y-%m}"}
    departure = Departure(Outlet.TAGS, Purpose.PROFILING, (), about=about)
    door.open(departure)
    door.record(departure, diff.customers, digest_of(str(shown.rows())))
    return replace(diff, moved=shown)


def _frame(con: duckdb.DuckDBPyConnection, table: str, as_of: date) -> pl.DataFrame:
    frame: pl.DataFrame = con.sql(f"SELECT * FROM {table} WHERE as_of = DATE '{as_of}'").pl()
    return frame


def _given(con: duckdb.DuckDBPyConnection, as_of: date) -> frozenset[str] | None:
    """What the source had given by then; None in files of versions that did not note it."""
    if not existing_types(con, SOURCE_EVIDENCE.full_name):
        return None
    rows = _frame(con, SOURCE_EVIDENCE.full_name, as_of)
    return given_by_month(rows).get(f"{as_of:%Y-%m}")


def _replacing(before: Catalogue, after: Catalogue, as_of: date) -> tuple[DraftVersion, ...]:
    month = f"{as_of:%Y-%m}"
    active = {tag.code: tag for tag in before.active(month)}
    drafts = []
    for tag in after.active(month):
        old = active.get(tag.code)
        if old is None or old.version != tag.version:
            drafts.append(DraftVersion(tag.code, tag.version, version_change(old, tag)))
    return tuple(drafts)


@dataclass(frozen=True)
class Decision:
    """What is to be done with a tag from `effective_from` (YYYY-MM) on, by whom and why."""

    code: str
    by: str
    reason: str
    effective_from: str
    action: Action = Action.ACTIVATE


def decide(
    catalogue: Catalogue, approvals: Path, decision: Decision, latest_materialized: str | None
) -> Approval:
    """Approve the tag's draft, or retire the tag, today; see `governance.approve`."""
    return approve(
        catalogue,
        approvals,
        decision.code,
        decision.by,
        decision.reason,
        decision.effective_from,
        date.today(),
        latest_materialized,
        decision.action,
    )


def latest_published(database: Path) -> str | None:
    """The newest month (YYYY-MM) of the published portrait matrix; None when there is none."""
    if not database.exists():
        return None
    con = open_published(database)
    try:
        newest = con.execute("SELECT max(as_of) FROM tags.portrait_matrix").fetchall()[0][0]
    finally:
        con.close()
    return None if newest is None else f"{newest:%Y-%m}"


def parse_status(text: str | None) -> Status | None:
    """The status of that name.

    Raises:
        TagError: when no status has that name.
    """
    if text is None or text in set(Status):
        return None if text is None else Status(text)
    raise TagError(f"'{text}' is not a status of a tag; choose one of {', '.join(Status)}.")
