"""Branches, the regions they lie in, and customers who stay in another region for a while."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.core.months import month_range, next_month
from portrait_assets.synthetic.common.columns import codes
from portrait_assets.synthetic.common.randomness import Draws, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.texts import REGIONS
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import People

REGION_NAMES = tuple(name for name, _ in REGIONS)
PER_REGION = 7
BRANCHES = tuple(f"B{number + 1:04d}" for number in range(len(REGIONS) * PER_REGION))
LONGEST_STAY = 3
"""Months."""


@dataclass(frozen=True)
class Travels:
    """Where a run of customers is, month by month; regions are positions in REGIONS."""

    home: Ints
    home_branch: Ints
    away: Ints
    away_branch: Ints
    first: Ints
    last: Ints
    """First and last month away; the last is before the first for who does not travel."""

    def is_away(self, month: int) -> Mask:
        """Who is in another region than his own."""
        away: Mask = (self.first <= month) & (month <= self.last)
        return away

    def region(self, month: int) -> Ints:
        """Region of each customer in the month."""
        return np.where(self.is_away(month), self.away, self.home)

    def branch(self, month: int) -> Ints:
        """Branch that each customer goes to in the month, a position in BRANCHES."""
        return np.where(self.is_away(month), self.away_branch, self.home_branch)

    def branch_in(self, region: Ints, customer: Ints, month: int, draws: Draws) -> Ints:
        """A branch of the region: the customer's where he is in it, any other else."""
        usual = self.branch(month)[customer]
        other = region * PER_REGION + draws.whole("branch there", 0, PER_REGION - 1)
        return np.where(usual // PER_REGION == region, usual, other)


def make_travels(people: People, lives: Lifecycle, calendar: Calendar, share: float) -> Travels:
    """Stays of one to three months; `share` of the customers have one.

    They do not depend on when a customer leaves, which may change.
    """
    draws = people.draws.child("travel", np.zeros(len(people), dtype=np.int64))
    start, horizon = np.maximum(lives.join_month, 0), calendar.horizon
    travels = draws.chance("travels", share) & (start < horizon)
    first = start + (draws.uniform("from") * (horizon - start)).astype(np.int64)
    last = first + draws.whole("months", 0, LONGEST_STAY - 1)
    away = draws.pick("to", [weight for _, weight in REGIONS])
    away = np.where(away == people.region, (away + 1) % len(REGIONS), away)
    return Travels(
        home=people.region,
        home_branch=people.branch,
        away=away,
        away_branch=away * PER_REGION + draws.whole("branch", 0, PER_REGION - 1),
        first=np.where(travels, first, 0),
        last=np.where(travels, last, -1),
    )


def travels_table(
    travels: Travels, lives: Lifecycle, calendar: Calendar, ids: pa.Array
) -> pa.Table:
    """The truth about where customers are; a stay ends before its last month if they leave."""
    rows = np.flatnonzero((travels.first <= travels.last) & (travels.first <= lives.leave_month))
    names = month_range(
        calendar.first_month, next_month(calendar.first_month, calendar.horizon + LONGEST_STAY)
    )
    return pa.table(
        {
            "customer_id": codes(rows, ids),
            "home_region": codes(travels.home[rows], REGION_NAMES),
            "region": codes(travels.away[rows], REGION_NAMES),
            "first_month": codes(travels.first[rows], names),
            "last_month": codes(travels.last[rows], names),
        }
    )
