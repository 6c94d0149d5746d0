"""Whether a warehouse holds people, or rows, that it should not hold any more."""

from __future__ import annotations

from collections.abc import Iterator

from portrait_assets.app.erasure.people.ended import ended
from portrait_assets.app.erasure.rows.too_old import past_retention
from portrait_assets.app.examined.issue import Examination, Issue, make_again
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.invocation import command
from portrait_assets.privacy.erasure import PLAN_FILE, ErasureError, read_unfinished
from portrait_assets.privacy.tombstones import TOMBSTONES_FILE, read_tombstones
from portrait_assets.stages.identity.contract import IDENTITY_MAP


def erased(exam: Examination) -> Iterator[Issue]:
    """An erasure that was stopped, a key that is missing, and people who are back."""
    settings = exam.settings
    try:
        if plan := read_unfinished(settings):
            remedy = f"finish it with `{command('erase', '--resume')}`"
            what = "an erasure" if plan.is_of_people else "a removal of rows that are too old"
            yield Issue(plan.number, f"is {what} that was stopped", remedy)
            return
        tombstones = read_tombstones(settings)
    except PortraitError as error:
        what, _, remedy = str(error).rstrip(".").rpartition("; ")
        subject = PLAN_FILE if isinstance(error, ErasureError) else TOMBSTONES_FILE
        yield Issue(subject, what, remedy)
        return
    if tombstones and exam.materialized(IDENTITY_MAP):
        ids = exam.warehouse.select(
            f"SELECT DISTINCT source_customer_id AS id FROM {IDENTITY_MAP.full_name}"
        )["id"]
        if back := tombstones.among(ids).height:
            what = f"holds {back:,} ids of people who were erased"
            yield Issue(settings.warehouse_file.name, what, make_again())


def too_old(exam: Examination) -> Iterator[Issue]:
    """Rows, and customers, that are older than the source keeps them."""
    for past in past_retention(exam.warehouse.con, exam.source):
        what = f"holds {past.rows:,} rows of months before {past.kept_from}, which are not kept"
        yield Issue(f"raw.{past.table}", what, f"run `{command('retain')}`")
    if gone := ended(exam.warehouse.con, exam.source).customers:
        what = (
            f"holds {len(gone):,} customers who have left before {exam.source.customers_kept_from}"
        )
        yield Issue(exam.settings.warehouse_file.name, what, f"run `{command('retain')}`")
