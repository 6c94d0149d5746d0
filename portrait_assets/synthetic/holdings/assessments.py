"""What is recorded of what suits customers: risk tolerance, extra care and insurance needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from portrait_assets.stages.raw.tables.canonical import TOLERANCES
from portrait_assets.synthetic.common.columns import codes, dates
from portrait_assets.synthetic.common.randomness import Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.balances import REDEEMED, Holdings
from portrait_assets.synthetic.holdings.products import GRADE, PRODUCT_IDS
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.records.customers import Dates, names, with_age
from portrait_assets.synthetic.persons.segment_traits import HOLDINGS
from portrait_assets.synthetic.settings import Suitability

NO_DAY = np.int64(2**31 - 1)
"""A day after every bank's last one."""
FUND_SLOT = 2
FURTHER_GRADE = 2
NO_PURCHASES = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
LARGE_MEANS = 150_000.0
"""CNY in funds or term deposits from which a customer may be a professional investor."""
FRAIL_AGE = 70


@dataclass(frozen=True)
class Assessments:
    """What is recorded of these people, and since when; days are NO_DAY where it never is."""

    tolerance: Ints
    """Tolerance by assessment, 1 to 5, shape (assessments, customers)."""
    assessed: Ints
    """Day of each assessment in the order of time, shape (assessments, customers)."""
    valid_days: int
    is_professional: Mask
    care: Ints
    insurance: Ints

    def updates(self, day: Dates, until: Ints) -> tuple[Ints, Ints]:
        """Rows of the people and days on which something new is recorded, once each.

        Args:
            day: days of the first records.
            until: last day on which the customer's record changes.
        """
        days = np.vstack([self.assessed, self.care, self.insurance])
        rows = np.broadcast_to(np.arange(days.shape[1]), days.shape)
        new = (days > day.known) & (days <= until)
        found = np.unique(rows[new] * NO_DAY + days[new])
        return found // NO_DAY, found % NO_DAY

    def columns(self, rows: Ints, recorded: Ints) -> list[pl.Series]:
        """The columns of records of these people, as known on the days of the records."""
        tolerance, assessed = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), NO_DAY)
        for level, since in zip(self.tolerance, self.assessed, strict=True):
            known = since[rows] <= recorded
            tolerance = np.where(known, level[rows], tolerance)
            assessed = np.where(known, since[rows], assessed)
        none = pl.Series(tolerance == 0)
        professional = self.is_professional[rows] & (tolerance > 0)
        care, insurance = (
            np.where(days[rows] <= recorded, days[rows], NO_DAY)
            for days in (self.care, self.insurance)
        )
        level_name = names("risk_tolerance", np.maximum(tolerance, 1) - 1, TOLERANCES)
        return [
            level_name.set(none, None),
            _days("risk_assessed_on", assessed),
            _days(
                "risk_tolerance_expires_on",
                np.where(tolerance > 0, assessed + self.valid_days, NO_DAY),
            ),
            pl.Series("is_professional_investor", professional),
            _days("extra_care_recorded_on", care),
            _days("insurance_need_assessed_on", insurance),
        ]


def _days(name: str, days: Ints) -> pl.Series:
    missing = pl.Series(days >= NO_DAY)
    return pl.Series(name, days.astype(np.int32)).cast(pl.Date).set(missing, None)


def make_assessments(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    day: Dates,
    calendar: Calendar,
    settings: Suitability,
    bought: tuple[Ints, Ints] = NO_PURCHASES,
) -> Assessments:
    """Assess these people: holders of a fund before it was sold to them, and some of the others.

    Args:
        bought: rows of the people, and months, of further purchases of a fund of the grade R2,
            such as those by an offer.
    """
    draws = people.draws.child("suitability", people.number)
    start, end = int(calendar.starts[0]), int(calendar.starts[-1])
    horizon = int(calendar.starts[calendar.horizon])
    opened = holdings.opened[:, FUND_SLOT]
    grade = np.where(opened < calendar.count, GRADE[holdings.fund].max(axis=1), 0)
    holds = opened < calendar.count
    joined = (day.joined >= 0) & ~people.is_minor
    chosen = (holds | draws.chance("assessed", settings.assessed)) & joined
    # Whoever was there before was assessed within the year before; a later fund on its month's
    # first day.
    before = start - 5 - (draws.uniform("assessed when") * (settings.valid_days - 10))
    first = np.maximum(before.astype(np.int64), day.joined)
    later = holds & (opened > np.maximum(lives.join_month, 0))
    first = np.where(later, calendar.starts[np.clip(opened, 0, calendar.count)], first)
    first = np.where(chosen, first, NO_DAY)
    appetite = np.rint(people.risk_appetite + 0.5 * draws.normal("tolerance")).astype(np.int64)
    lowest = np.where(holdings.is_unsuitable, 1, np.maximum(grade, 1))
    highest = np.where(holdings.is_unsuitable, 2, 5)
    levels, days = [np.clip(appetite, lowest, highest)], [first]
    for renewal in range(1, (end - start) // settings.valid_days + 2):
        again = draws.chance(f"renewal {renewal}", settings.renewing) & (days[-1] < end)
        when = np.where(again, days[-1] + settings.valid_days, NO_DAY)
        step = 1 - 2 * draws.whole(f"direction {renewal}", 0, 1)
        step = np.where(draws.chance(f"changed {renewal}", settings.changed), step, 0)
        days.append(when)
        levels.append(np.clip(levels[-1] + step, lowest, highest))

    suits = np.clip(appetite, np.minimum(np.maximum(lowest, FURTHER_GRADE), highest), highest)
    tolerance, assessed = _with_purchases(
        np.stack(levels), np.stack(days), suits, bought, calendar, settings.valid_days
    )
    care_share = settings.extra_care * np.where(people.age >= FRAIL_AGE, 5.0, 1.0)
    cared = draws.chance("extra care", care_share) & joined
    care = (
        start - 365 + (draws.uniform("extra care when") * (horizon - start + 365)).astype(np.int64)
    )
    insured = people.holds[:, HOLDINGS.index("insurance")] & joined
    advised = (insured | draws.chance("insurance need", settings.insurance_assessed)) & joined
    advice = draws.uniform("insurance need when") * np.where(insured, 365, horizon - start)
    advice_on = np.where(
        insured, day.known - advice.astype(np.int64), start + advice.astype(np.int64)
    )
    advice_on = np.maximum(advice_on, day.joined)
    means: Floats = people.wealth
    professional = draws.chance("professional", settings.professional)
    return Assessments(
        tolerance=tolerance,
        assessed=assessed,
        valid_days=settings.valid_days,
        is_professional=professional & holds & (means >= LARGE_MEANS) & ~holdings.is_unsuitable,
        care=np.where(cared, np.maximum(np.maximum(care, day.known), day.joined), NO_DAY),
        insurance=np.where(advised, advice_on, NO_DAY),
    )


def _with_purchases(
    levels: Ints,
    days: Ints,
    suits: Ints,
    bought: tuple[Ints, Ints],
    calendar: Calendar,
    valid: int,
) -> tuple[Ints, Ints]:
    """The assessments with those that further purchases ask for, in the order of time.

    Who has no valid assessment that the purchase suits is assessed on the first day of its month,
    and nobody is found too low for it afterwards.
    """
    month = np.full(levels.shape[1], NEVER)
    np.minimum.at(month, *bought)
    on = np.where(
        month < calendar.count, calendar.starts[np.minimum(month, calendar.count)], NO_DAY
    )
    counts = (days <= on) & (days + valid > on) & (levels >= FURTHER_GRADE)
    needed = (on < NO_DAY) & ~counts.any(axis=0)
    levels = np.vstack([levels, suits])
    days = np.vstack([days, np.where(needed, on, NO_DAY)])
    levels = np.where(days >= on, np.maximum(levels, FURTHER_GRADE), levels)
    order = np.argsort(days, axis=0, kind="stable")
    return np.take_along_axis(levels, order, axis=0), np.take_along_axis(days, order, axis=0)


def with_suitability(
    records: pl.DataFrame,
    rows: Ints,
    people: People,
    lives: Lifecycle,
    assessments: Assessments,
    day: Dates,
    calendar: Calendar,
) -> tuple[pl.DataFrame, Ints, Ints]:
    """The records with what suits, then a further record for each day that something new came.

    Returns:
        The frame, the row of `people` that each record belongs to, and a number that tells the
        records of one customer apart.
    """
    count = calendar.count
    left = np.minimum(lives.leave_month, count)
    last = np.where(
        left < count, calendar.starts[left] + lives.leave_day - 2, calendar.starts[-1] - 1
    )
    again, when = assessments.updates(day, last)
    recorded = records["recorded_on"].to_physical().to_numpy().astype(np.int64)
    # The latest record before that day: the second one, at the end, once it holds.
    second = np.full(len(people), -1)
    second[rows[len(people) :]] = np.arange(len(people), len(rows))
    has_second = second[again] >= 0
    fresh = ~has_second | (recorded[second[again]] != when)
    again, when, has_second = again[fresh], when[fresh], has_second[fresh]
    is_later = has_second & (recorded[second[again]] < when)
    before = np.where(is_later, second[again], again)
    further = records[before].with_columns(
        pl.Series("recorded_on", when.astype(np.int32)).cast(pl.Date)
    )
    frame = pl.concat([records, with_age(further)])
    owner = np.concatenate([rows, again])
    stated = np.concatenate([recorded, when])
    record = np.concatenate([np.arange(len(rows)) >= len(people), when])
    return frame.with_columns(assessments.columns(owner, stated)), owner, record.astype(np.int64)


def unsuitable_table(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    calendar: Calendar,
    customer_ids: pa.Array,
) -> pa.Table:
    """truth/unsuitable: who is over 65 and holds a fund of the grade R4, and at which months' ends.

    One row per customer and fund; a fund may be followed by another one of its grade.
    """
    parts: list[tuple[Ints, Ints, Ints]] = []
    for month in range(calendar.count):
        fund = holdings.fund[:, month]
        is_holder = holdings.is_unsuitable & (holdings.opened[:, FUND_SLOT] <= month)
        is_holder &= lives.is_customer(month) & (fund != REDEEMED)
        rows = np.flatnonzero(is_holder)
        parts.append((rows, fund[rows], np.full(len(rows), calendar.starts[month + 1] - 1)))
    customer, product, day = (np.concatenate([part[i] for part in parts]) for i in range(3))
    pairs, first = np.unique(customer * len(PRODUCT_IDS) + product, return_index=True)
    reverse = np.unique((customer * len(PRODUCT_IDS) + product)[::-1], return_index=True)[1]
    rows, products = np.divmod(pairs, len(PRODUCT_IDS))
    return pa.table(
        {
            "customer_id": codes(rows, customer_ids),
            "product_id": codes(products, PRODUCT_IDS),
            "first_held_on": dates(day[first]),
            "last_held_on": dates(day[::-1][reverse]),
            "age_at_start": pa.array(np.floor(people.age[rows]).astype(np.int64)),
        }
    )
