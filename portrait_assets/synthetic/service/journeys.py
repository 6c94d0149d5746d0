"""Journeys through app, web, branch and telephone: how far they go, where they break, and why.

A journey has up to five steps, the last of which completes it. After each of the others it is
abandoned with a probability that a breakpoint raises, for its channel, step, segment and months.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common import texts
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.persons.lifecycle import NEVER
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.settings import Journeys

JOURNEY_CHANNELS = ("app", "web", "branch", "phone")
APP, WEB, BRANCH, PHONE = range(len(JOURNEY_CHANNELS))
GOES_ON = 0.68
"""Probability of taking the next step of a journey where nothing is broken."""
GOES_ON_IN = np.array([[PHONE, BRANCH], [APP, PHONE], [APP, PHONE], [BRANCH, APP]])
"""The two channels in which a journey may go on, by the channel where it began."""
LATEST_HANDOVER = 3
"""Days after which a journey that changes its channel has gone on."""

WORDS_STEP = tuple(sorted({step for steps in texts.STEPS.values() for step in steps}))
STEP_AT = np.array(
    [[WORDS_STEP.index(step) for step in texts.STEPS[name]] for name in JOURNEY_CHANNELS]
)
"""Position in WORDS_STEP by JOURNEY_CHANNELS and place in the journey."""
LAST = STEP_AT.shape[1] - 1
OUTCOMES = ("completed", "abandoned")
COMPLETED, ABANDONED = range(len(OUTCOMES))
NO_JOURNEY, NOT_ENDED, NO_TOPIC = -1, -1, -1


@dataclass(frozen=True)
class Breakpoint:
    """More journeys than elsewhere are abandoned after one step, by one segment, for some months.

    `channel` is a position in JOURNEY_CHANNELS, `place` one in the journey, `segment` one in
    SEGMENT_CODES, `theme` one in TOPICS; months are positions, both included, and the last is NEVER
    for a breakpoint that is not repaired.
    """

    channel: int
    place: int
    segment: int
    theme: int
    first: int
    last: int

    @property
    def step(self) -> str:
        """The step after which journeys are abandoned."""
        return texts.STEPS[JOURNEY_CHANNELS[self.channel]][self.place]


@dataclass(frozen=True)
class Plan:
    """What holds for all journeys of a bank."""

    rates: Journeys
    breakpoints: tuple[Breakpoint, ...]

    def broken(self, month: int, channel: Ints, place: Ints, segment: Ints) -> list[Mask]:
        """For each breakpoint, which steps lie on it in that month."""
        return [
            (channel == each.channel)
            & (place == each.place)
            & (segment == each.segment)
            & (each.first <= month <= each.last)
            for each in self.breakpoints
        ]


UNBROKEN = Plan(Journeys(), ())
"""Journeys without a breakpoint."""


@dataclass(frozen=True)
class _Place:
    """Where a breakpoint may be planted; the span is in shares of the bank's months."""

    channel: str
    steps: tuple[str, ...]
    segments: tuple[str, ...]
    start: float
    end: float | None
    """None for a breakpoint that is not repaired."""


PLACES = (
    _Place("app", ("login", "browse"), ("young_digital", "family"), 0.25, 0.67),
    _Place("branch", ("queue", "counter"), ("senior",), 0.5, None),
    _Place("phone", ("menu", "identify"), ("senior",), 0.4, None),
)
"""One breakpoint each, at steps that many customers come to, or nobody could find it.

The first is repaired; the others last.
"""


def make_plan(rates: Journeys, calendar: Calendar, seed: int) -> Plan:
    """The breakpoints of these months; none where journeys are no more often abandoned there."""
    if rates.excess <= 0:
        return Plan(rates, ())
    draws = Draws.of(seed, "breakpoint", np.arange(len(PLACES)))
    chosen = (draws.uniform(what).tolist() for what in ("step", "segment", "theme"))
    return Plan(
        rates,
        tuple(
            _planted(place, calendar, *points)
            for place, *points in zip(PLACES, *chosen, strict=True)
        ),
    )


def _planted(
    place: _Place, calendar: Calendar, step: float, segment: float, theme: float
) -> Breakpoint:
    """The breakpoint at a place, with points in [0, 1) that choose among its options."""
    steps, first = texts.STEPS[place.channel], int(place.start * calendar.horizon)
    repaired = None if place.end is None else max(first, int(place.end * calendar.horizon) - 1)
    return Breakpoint(
        channel=JOURNEY_CHANNELS.index(place.channel),
        place=steps.index(_one_of(place.steps, step)),
        segment=SEGMENT_CODES.index(_one_of(place.segments, segment)),
        theme=int(theme * len(texts.TOPICS)),
        first=first,
        last=NEVER if repaired is None else repaired,
    )


def _one_of(options: tuple[str, ...], point: float) -> str:
    return options[int(point * len(options))]


def breakpoints_table(plan: Plan, calendar: Calendar) -> pa.Table:
    """The truth about breakpoints; `excess` is what they add to the share of journeys abandoned.

    `theme_share` is the share of their complaints that are about the theme, beside those that are
    by chance. `is_repaired` tells those that end before the bank's last month.
    """
    broken, names = plan.breakpoints, calendar.names

    def text(values: Sequence[str]) -> pa.Array:
        return pa.array(list(values), pa.string())

    return pa.table(
        {
            "channel": text([JOURNEY_CHANNELS[each.channel] for each in broken]),
            "step": text([each.step for each in broken]),
            "segment": text([SEGMENT_CODES[each.segment] for each in broken]),
            "first_month": text([names[each.first] for each in broken]),
            "last_month": text([names[min(each.last, calendar.count - 1)] for each in broken]),
            "excess": pa.array(np.full(len(broken), plan.rates.excess)),
            "theme": text([texts.TOPICS[each.theme] for each in broken]),
            "theme_share": pa.array(np.full(len(broken), plan.rates.theme)),
            "is_repaired": pa.array(
                [each.last < calendar.count - 1 for each in broken], pa.bool_()
            ),
        }
    )


@dataclass(frozen=True)
class Steps:
    """The steps of journeys and the complaints about them, one entry each.

    `row` is the journey; positions as in Breakpoint. `later` are days after the journey's first
    step, `spare` the days that must be left in the month when it begins.
    """

    row: Ints
    channel: Ints
    place: Ints
    minutes_after: Ints
    later: Ints
    spare: Ints
    ended: Ints
    """Position in OUTCOMES in the last step's entry, NOT_ENDED elsewhere."""
    is_complaint: Mask
    topic: Ints
    """What a complaint is about, NO_TOPIC for a step."""


def walk(
    draws: Draws, channel: Ints, segment: Ints, may_visit: Mask, month: int, plan: Plan
) -> Steps:
    """Journeys that begin in these channels, one draw each, with the complaints they lead to.

    Args:
        may_visit: who can be handed over to a branch.
    """
    channels = _channels(draws, channel, may_visit, plan.rates.handover)
    steps = _steps(draws, channels, segment, month, plan)
    row = np.repeat(np.arange(len(channel)), steps)
    place = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    gap = draws.whole("handover after", 1, LATEST_HANDOVER)
    pace = draws.whole("pace", 1, 6)
    here = channels[row, place]
    later = np.where(here != channel[row], gap[row], 0)
    complains, topic = _complaints(draws, channels, segment, steps, month, plan)
    end = np.flatnonzero(place == steps[row] - 1)
    spare = later[end] + complains
    about = np.flatnonzero(complains)
    ended = np.full(len(row), NOT_ENDED)
    ended[end] = np.where(place[end] == LAST, COMPLETED, ABANDONED)
    last = end[about]
    return Steps(
        row=np.concatenate([row, about]),
        channel=np.concatenate([here, here[last]]),
        place=np.concatenate([place, place[last]]),
        minutes_after=np.concatenate([place * pace[row], place[last] * pace[about]]),
        later=np.concatenate([later, later[last] + 1]),
        spare=np.concatenate([spare[row], spare[about]]),
        ended=np.concatenate([ended, np.full(len(about), NOT_ENDED)]),
        is_complaint=np.arange(len(row) + len(about)) >= len(row),
        topic=np.concatenate([np.full(len(row), NO_TOPIC), topic[about]]),
    )


def _channels(draws: Draws, channel: Ints, may_visit: Mask, handover: float) -> Ints:
    """Channel of each step that a journey may take, shape (journeys, 5)."""
    option = GOES_ON_IN[channel, draws.whole("handover to", 0, 1)]
    moves = draws.chance("handover", handover) & ((option != BRANCH) | may_visit)
    after = draws.whole("handover at", 0, LAST - 1)
    moved = moves[:, None] & (np.arange(LAST + 1)[None, :] > after[:, None])
    channels: Ints = np.where(moved, option[:, None], channel[:, None])
    return channels


def _steps(draws: Draws, channels: Ints, segment: Ints, month: int, plan: Plan) -> Ints:
    """Number of steps that each journey takes."""
    goes_on: Floats = np.full((len(channels), LAST), GOES_ON)
    for place in range(LAST):
        everywhere = np.full(len(channels), place)
        for broken in plan.broken(month, channels[:, place], everywhere, segment):
            goes_on[broken, place] -= plan.rates.excess
    reached = np.cumprod(goes_on, axis=1)
    left = 1 - draws.uniform("steps")
    steps: Ints = 1 + (left[:, None] <= reached).sum(axis=1)
    return steps


def _complaints(
    draws: Draws, channels: Ints, segment: Ints, steps: Ints, month: int, plan: Plan
) -> tuple[Mask, Ints]:
    """Which journeys lead to a complaint about their last step, and about what."""
    rates, place = plan.rates, steps - 1
    channel = channels[np.arange(len(steps)), place]
    abandoned = place < LAST
    chance = np.where(abandoned, rates.complaint, 0.0)
    topic = draws.whole("complaint topic", 0, len(texts.TOPICS) - 1)
    on_theme = draws.chance("complaint theme", rates.theme)
    for each, broken in zip(
        plan.breakpoints, plan.broken(month, channel, place, segment), strict=True
    ):
        chance[broken] = rates.complaint_at_breakpoint
        topic = np.where(broken & on_theme, each.theme, topic)
    return draws.chance("journey complaint", chance), topic
