"""Surveys, complaints, interview notes, social posts, and journeys through app, web and branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from portrait_assets.synthetic.common import texts
from portrait_assets.synthetic.common.columns import canonical, codes, fixed_text, prefixed
from portrait_assets.synthetic.common.planting import Rule, plant
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import DAY_US, MINUTE_SLOTS, Calendar, minute_tables
from portrait_assets.synthetic.common.truth import Planted
from portrait_assets.synthetic.holdings.borrowing import Borrowing
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import HOUR_HABIT, People
from portrait_assets.synthetic.persons.records.duplicates import Duplicates
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.service.journeys import (
    APP,
    BRANCH,
    JOURNEY_CHANNELS,
    NO_JOURNEY,
    OUTCOMES,
    PHONE,
    STEP_AT,
    UNBROKEN,
    WORDS_STEP,
    Plan,
    Steps,
    walk,
)
from portrait_assets.synthetic.service.phrases import all_phrases, any_phrase, complaint_about
from portrait_assets.synthetic.service.travel import BRANCHES, REGION_NAMES, Travels, make_travels
from portrait_assets.synthetic.settings import Dirt

KINDS = ("survey", "complaint", "note", "post", "visit")
MONTHLY = {"survey": 0.03, "complaint": 0.004, "note": 0.006, "post": 0.005, "visit": 0.05}
"""Mean number a month of a customer with nothing special about him."""
MORE_NOTES = {"affluent": 4.0, "owner": 3.0, "senior": 2.0}
MORE_POSTS = {"young_digital": 3.0, "senior": 0.1}
VISIT_CHANNELS = ("app", "web", "branch")
USUAL_CALLS = 0.03
"""Share of the telephone in what customers do, of one who calls as often as most."""
AWAY = 0.06
"""Share of interactions outside the region of residence."""
SCORE_SENTINEL = 99.0
OTHER_SYSTEM = 0.4
"""Share of interactions recorded under a person's second id, once there is one."""
DECLINE = 2.5
"""Points by which satisfaction drops in the last months before leaving."""


NOTHING = -1
"""The position that stands for no channel, no step or no text."""
WORDS_CHANNEL = (*JOURNEY_CHANNELS, "social")
VISIT, CALL = 1, 2
"""Last digit of a journey_id: a customer begins at most one of each in a month."""


@dataclass(frozen=True)
class _Events:
    """Interactions of one kind in one month, one entry each.

    `customer` are rows of the chunk; channel, step and phrase are positions in their lists. For
    the entries of journeys `steps` has the rest.
    """

    kind: str
    customer: Ints
    draws: Draws
    channel: Ints
    step: Ints
    score: Floats
    phrase: Ints
    steps: Steps | None = None
    journey: int = NO_JOURNEY

    def frame(self) -> pl.DataFrame:
        count, steps = len(self.customer), self.steps
        kind = np.full(count, KINDS.index(self.kind))
        at_once, nothing = np.zeros(count, dtype=np.int64), np.full(count, NOTHING)
        if steps is not None:
            kind = np.where(steps.is_complaint, KINDS.index("complaint"), kind)
        return pl.DataFrame(
            {
                "customer": self.customer,
                "word": self.draws.words,
                "kind": kind,
                "channel": self.channel,
                "step": self.step,
                "after": at_once if steps is None else steps.minutes_after,
                "later": at_once if steps is None else steps.later,
                "spare": at_once if steps is None else steps.spare,
                "journey": np.full(count, self.journey),
                "ended": nothing if steps is None else steps.ended,
                "score": pl.Series(self.score).fill_nan(None),
                "phrase": self.phrase,
            }
        )


def interaction_tables(
    people: People,
    lives: Lifecycle,
    borrowing: Borrowing,
    duplicates: Duplicates,
    calendar: Calendar,
    dirt: Dirt,
    ids: tuple[pl.Series, pl.Series],
    plan: Plan = UNBROKEN,
    travels: Travels | None = None,
) -> Iterator[tuple[pa.Table, list[Planted]]]:
    """The canonical `interactions` of each month in turn, ordered by customer and time.

    Args:
        ids: the customers' ids, and the ids that their second records have.
        travels: where customers are; at home where not given.
    """
    travels = travels or make_travels(people, lives, calendar, 0.0)
    weight = people.channel[:, CHANNELS.index("phone")] / people.channel.sum(axis=1)
    calls = 1 - np.exp(-plan.rates.calls * np.clip(weight / USUAL_CALLS, 0.3, 4.0))
    second_since = np.full(len(people), NEVER)
    second_since[duplicates.rows] = duplicates.since
    for month in calendar.written:
        there = lives.is_customer(month) & (lives.join_month < month)
        looking = (lives.known_month < month) & (month < lives.join_month)
        mood = _satisfaction(people, lives, borrowing, month)
        looking &= people.is_prospect
        events = [_events(kind, month, people, there, looking, mood) for kind in KINDS[:-1]]
        events += [
            _visits(month, people, there, looking, mood, plan),
            _calls(month, people, np.where(there, calls, 0.0), plan),
        ]
        frame = pl.concat([part.frame() for part in events])
        frame = _placed(frame, month, people, travels, calendar)
        use_second = (second_since < month)[frame["customer"].to_numpy()]
        use_second &= Draws(frame["word"].to_numpy()).chance("second id", OTHER_SYSTEM)
        own, second = (series.gather(frame["customer"]) for series in ids)
        frame = frame.with_columns(
            second.zip_with(pl.Series(use_second), own).alias("customer_id")
        ).sort("customer", "occurred_at", "after", "word")
        frame, planted = plant(
            frame,
            Draws(frame["word"].to_numpy()),
            [Rule("score", "sentinel", dirt.score_sentinel, pl.lit(SCORE_SENTINEL))],
        )
        yield _table(frame, month, people), planted


def _satisfaction(people: People, lives: Lifecycle, borrowing: Borrowing, month: int) -> Floats:
    mood = people.satisfaction.copy()
    mood -= np.where(lives.ahead(month) <= 4, DECLINE, 0.0)
    mood -= lives.annoyance[:, month]
    mood -= 0.5 * np.minimum(borrowing.months_behind[:, month], 3)
    return mood


def _monthly(kind: str, people: People, there: Mask, looking: Mask, mood: Floats) -> Floats:
    """Expected number of interactions of the kind, per customer."""
    mean = np.where(there, MONTHLY[kind], 0.0)
    if kind == "complaint":
        mean = mean * np.exp(0.5 * (7.0 - mood))
    elif kind == "note":
        mean = mean * np.array([MORE_NOTES.get(c, 1.0) for c in SEGMENT_CODES])[people.segment]
    elif kind == "post":
        mean = mean * np.array([MORE_POSTS.get(c, 1.0) for c in SEGMENT_CODES])[people.segment]
    elif kind == "visit":
        mean = mean * np.clip(people.rate / 4, 0.2, 2.0) + np.where(looking, 0.25, 0.0)
    return mean


def _those(
    kind: str, month: int, people: People, there: Mask, looking: Mask, mood: Floats
) -> tuple[Ints, Draws]:
    """Rows of the customers to whom the kind happens in the month, with their draws."""
    draws = people.draws.child(f"{kind} of", np.full(len(people), month))
    mean = _monthly(kind, people, there, looking, mood)
    # One of a kind in a month at most: what is rare need not be counted.
    customer = np.flatnonzero(draws.chance("happens", 1 - np.exp(-mean)))
    return customer, draws[customer]


def _events(
    kind: str, month: int, people: People, there: Mask, looking: Mask, mood: Floats
) -> _Events:
    customer, draws = _those(kind, month, people, there, looking, mood)
    count = len(customer)
    nothing, unscored = np.full(count, NOTHING), np.full(count, np.nan)
    if kind == "survey":
        score = np.clip(np.rint(mood[customer] + 1.3 * draws.normal("score")), 0, 10)
        phrase = any_phrase(draws, score >= 7, "survey good", "survey poor")
        phrase = np.where(draws.chance("comments", 0.2), phrase, NOTHING)
        channel = _usual_channel(draws, people, customer, ("app", "phone", "branch"))
        return _Events(kind, customer, draws, channel, nothing, score, phrase)
    if kind == "post":
        good = mood[customer] + 1.5 * draws.normal("mood") >= 6.5
        phrase = any_phrase(draws, good, "post good", "post poor")
        channel = np.full(count, WORDS_CHANNEL.index("social"))
        return _Events(kind, customer, draws, channel, nothing, unscored, phrase)
    phrase = any_phrase(draws, np.ones(count, dtype=np.bool_), kind, kind)
    options = ("phone", "app", "branch") if kind == "complaint" else ("branch", "phone")
    channel = _usual_channel(draws, people, customer, options)
    return _Events(kind, customer, draws, channel, nothing, unscored, phrase)


def _usual_channel(draws: Draws, people: People, customer: Ints, options: tuple[str, ...]) -> Ints:
    """Positions in WORDS_CHANNEL, by the customer's habits."""
    weights = people.channel[customer][:, [CHANNELS.index(name) for name in options]] + 0.005
    bounds = np.cumsum(weights, axis=1)
    point = draws.uniform("channel")[:, None] * bounds[:, -1:]
    chosen = np.minimum((point >= bounds).sum(axis=1), len(options) - 1)
    position: Ints = np.array([WORDS_CHANNEL.index(name) for name in options])[chosen]
    return position


def _visits(
    month: int, people: People, there: Mask, looking: Mask, mood: Floats, plan: Plan
) -> _Events:
    """Journeys that begin in app, web or branch; prospects never come to a branch."""
    customer, draws = _those("visit", month, people, there, looking, mood)
    # VISIT_CHANNELS are the first of WORDS_CHANNEL, so that one position serves both.
    channel = _usual_channel(draws, people, customer, VISIT_CHANNELS)
    channel = np.where(looking[customer] & (channel == BRANCH), APP, channel)
    return _journeys(customer, draws, channel, ~looking[customer], VISIT, month, people, plan)


def _calls(month: int, people: People, chance: Floats, plan: Plan) -> _Events:
    """Journeys that begin on the telephone, by the chance of each customer to begin one."""
    draws = people.draws.child("call of", np.full(len(people), month))
    customer = np.flatnonzero(draws.chance("happens", chance))
    channel, everyone = np.full(len(customer), PHONE), np.ones(len(customer), dtype=np.bool_)
    return _journeys(customer, draws[customer], channel, everyone, CALL, month, people, plan)


def _journeys(
    customer: Ints,
    draws: Draws,
    channel: Ints,
    may_visit: Mask,
    journey: int,
    month: int,
    people: People,
    plan: Plan,
) -> _Events:
    steps = walk(draws, channel, people.segment[customer], may_visit, month, plan)
    row, draws = steps.row, draws[steps.row]
    return _Events(
        "visit",
        customer[row],
        draws,
        steps.channel,
        STEP_AT[steps.channel, steps.place],
        np.full(len(row), np.nan),
        np.where(steps.is_complaint, complaint_about(draws, steps.topic), NOTHING),
        steps,
        journey,
    )


def _placed(
    frame: pl.DataFrame, month: int, people: People, travels: Travels, calendar: Calendar
) -> pl.DataFrame:
    """With time, region and branch; what is not handed over of one journey is on one day."""
    draws, customer = Draws(frame["word"].to_numpy()), frame["customer"].to_numpy()
    length = int(calendar.lengths[month])
    day = np.minimum(draws.whole("day", 0, length - 1), length - 1 - frame["spare"].to_numpy())
    day = calendar.starts[month] + day + frame["later"].to_numpy()
    slot = draws.whole("minute", 0, MINUTE_SLOTS - 1)
    minute = minute_tables()[HOUR_HABIT[people.segment[customer]], slot]
    channel = frame["channel"].to_numpy()
    staffed = (channel == BRANCH) | (channel == PHONE)
    minute = np.where(staffed, 540 + minute // 3, np.minimum(minute, 1410))
    minute = minute + frame["after"].to_numpy()
    occurred = day * DAY_US + minute * 60_000_000 + draws.whole("second", 0, 59) * 1_000_000
    other = draws.pick("other region", [weight for _, weight in texts.REGIONS])
    region = np.where(draws.chance("away", AWAY), other, travels.region(month)[customer])
    branch = np.where(channel == BRANCH, travels.branch_in(region, customer, month, draws), NOTHING)
    return frame.with_columns(
        pl.Series("occurred_at", occurred).cast(pl.Datetime("us")),
        pl.Series("region", region),
        pl.Series("branch", branch),
    )


def _table(frame: pl.DataFrame, month: int, people: People) -> pa.Table:
    journey = frame["journey"].to_numpy()
    number = people.number[frame["customer"].to_numpy()] * 10_000 + (month + 1) * 10 + journey

    def words(column: str, options: Sequence[str] | pa.Array) -> pa.Array:
        position = frame[column].to_numpy()
        # A dictionary of all texts in every row group would outweigh the rows.
        return codes(position, options, missing=position == NOTHING).dictionary_decode()

    return canonical(
        "interactions",
        {
            "customer_id": frame["customer_id"].to_arrow().cast(pa.string()),
            "occurred_at": frame["occurred_at"].to_arrow(),
            "kind": words("kind", KINDS),
            "channel": words("channel", WORDS_CHANNEL),
            "region": words("region", REGION_NAMES),
            "store_id": words("branch", BRANCHES),
            "journey_id": fixed_text(prefixed("J", number, 11), missing=journey == NO_JOURNEY),
            "outcome": words("ended", OUTCOMES),
            "step": words("step", WORDS_STEP),
            "score": frame["score"].to_arrow(),
            "content": words("phrase", all_phrases()[0]),
        },
        len(frame),
    )
