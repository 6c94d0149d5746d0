"""When customers join, fall silent, decline and leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from portrait_assets.synthetic.common.randomness import Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.settings import Life

STAGES = ("none", "prospect", "new", "growing", "mature", "declining", "dormant", "churned")
NONE, PROSPECT, NEW, GROWING, MATURE, DECLINING, DORMANT, CHURNED = range(len(STAGES))
NEVER = 10_000
"""A month position that lies after every bank's last month."""
BEFORE_LEAVING = np.array([0.3, 0.35, 0.45, 0.6, 0.8])
"""Activity in the month of leaving, and one, two, three and four months before it."""
WHILE_NEW = np.array([0.6, 0.8, 0.9])
WHILE_PAUSING = 0.03
SILENT_RATE = 0.6
"""With fewer expected transactions a month than this a customer counts as dormant."""


@dataclass(frozen=True)
class Lifecycle:
    """Month positions count from the bank's first month (0); days count within the month from 1."""

    known_month: Ints
    """Month of the first record; negative for before the first month."""
    join_month: Ints
    """Month of joining; NEVER for prospects who do not join."""
    join_day: Ints
    leaving: npt.NDArray[np.int16]
    """Month of leaving as it stands when each month begins, shape (customers, months)."""
    leave_month: Ints
    """Month of leaving as it stands after the last month; may lie after it."""
    leave_day: Ints
    pause_from: Ints
    pause_until: Ints
    activity: Floats
    """Factor on the customer's rate, shape (customers, months); 0 while not a customer."""
    stage: npt.NDArray[np.int8]
    """Position in STAGES, shape (customers, months)."""
    annoyance: npt.NDArray[np.float32]
    """Points that satisfaction is lower by, shape (customers, months)."""

    def is_customer(self, month: int) -> Mask:
        """Who holds accounts at the end of the month."""
        holding: Mask = (self.join_month <= month) & (month < self.leave_month)
        return holding

    def ahead(self, month: int) -> Ints:
        """Months until leaving, as it stands when the month begins."""
        months: Ints = self.leaving[:, month].astype(np.int64) - month
        return months

    def turned(
        self,
        people: People,
        leaving: npt.NDArray[np.int16],
        leave_month: Ints,
        annoyance: npt.NDArray[np.float32],
    ) -> Lifecycle:
        """The same lives with other months of leaving, each as it stood when a month began."""
        rows = np.flatnonzero((leaving != self.leaving).any(axis=1))
        activity, stage = self.activity.copy(), self.stage.copy()
        activity[rows], stage[rows] = _months(
            self.known_month[rows],
            self.join_month[rows],
            leaving[rows],
            (self.pause_from[rows], self.pause_until[rows]),
            people.rate[rows],
        )
        return replace(
            self,
            leaving=leaving,
            leave_month=leave_month,
            activity=activity,
            stage=stage,
            annoyance=annoyance,
        )


def make_lifecycle(people: People, calendar: Calendar, life: Life) -> Lifecycle:
    """The lives of these people over the bank's months, as long as nothing turns them."""
    draws, horizon = people.draws, calendar.horizon
    old_enough = np.maximum((people.age - 17) * 12, 2)
    tenure = -70 * np.log1p(-draws.uniform("tenure"))
    tenure = np.minimum(np.where(np.isnan(people.tenure), tenure, people.tenure), old_enough)
    before = -1 - tenure.astype(np.int64)
    joins_within = draws.chance("joins", life.joining) & ~people.is_prospect
    within = (draws.uniform("joins when") * horizon).astype(np.int64)
    known = np.where(joins_within, within, before)

    first_known = (draws.uniform("known when") * (horizon + 6)).astype(np.int64) - 6
    converts = draws.chance("converts", 0.45)
    converted = first_known + draws.whole("converts after", 2, 9)
    join = np.where(people.is_prospect, np.where(converts, converted, NEVER), known)
    known = np.where(people.is_prospect, first_known, known)

    stays = np.ceil(np.log1p(-draws.uniform("leaves")) / np.log1p(-np.minimum(people.churn, 0.5)))
    # Nobody leaves in the first two months; the hazard starts with the bank's first month.
    leave = np.maximum(join, 0) + np.clip(stays, 2, NEVER).astype(np.int64)
    leave = np.minimum(leave, NEVER)

    pauses = draws.chance("pauses", life.pausing) & (leave >= horizon)
    pause_from = np.where(
        pauses, 1 + (draws.uniform("pauses when") * (horizon - 1)).astype(np.int64), NEVER
    )
    pause_until = pause_from + draws.whole("pauses for", 3, 7)
    leaving = np.repeat(leave.astype(np.int16)[:, None], calendar.count, axis=1)
    activity, stage = _months(known, join, leaving, (pause_from, pause_until), people.rate)
    return Lifecycle(
        known_month=known,
        join_month=join,
        join_day=draws.whole("join day", 1, 28),
        leaving=leaving,
        leave_month=leave,
        leave_day=draws.whole("leave day", 5, 28),
        pause_from=pause_from,
        pause_until=pause_until,
        activity=activity,
        stage=stage,
        annoyance=np.zeros(leaving.shape, dtype=np.float32),
    )


def _months(
    known: Ints,
    join: Ints,
    leaving: npt.NDArray[np.int16],
    pause: tuple[Ints, Ints],
    rate: Floats,
) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Activity and stage in each month, both of the shape (customers, months)."""
    activity = np.zeros(leaving.shape)
    stage = np.zeros(leaving.shape, dtype=np.int8)
    for month in range(leaving.shape[1]):
        since, ahead = month - join, leaving[:, month].astype(np.int64) - month
        here = (since >= 0) & (ahead >= 0)
        pausing = (month >= pause[0]) & (month < pause[1])
        level = WHILE_NEW[np.clip(since, 0, 2)]
        level = np.where(since > 2, 1.0, level)
        level = level * np.where(ahead <= 4, BEFORE_LEAVING[np.clip(ahead, 0, 4)], 1.0)
        level = np.where(pausing, WHILE_PAUSING, level)
        activity[:, month] = np.where(here, level, 0.0)
        stage[:, month] = np.select(
            [
                month < known,
                month < join,
                ahead < 0,
                ahead <= 3,
                pausing | (rate < SILENT_RATE),
                since < 3,
                since < 12,
            ],
            [NONE, PROSPECT, CHURNED, DECLINING, DORMANT, NEW, GROWING],
            MATURE,
        )
    return activity, stage
