"""Surveys, complaints, interview notes, social posts, and journeys through app, web and branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import polars as pl
import pyarrow as pa

from portrait_assets.synthetic import texts
from portrait_assets.synthetic.borrowing import Borrowing
from portrait_assets.synthetic.columns import canonical, codes
from portrait_assets.synthetic.duplicates import Duplicates
from portrait_assets.synthetic.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.people import HOUR_HABIT, People
from portrait_assets.synthetic.planting import Rule, plant
from portrait_assets.synthetic.randomness import (
    Draws,
    Floats,
    Ints,
    Mask,
)
from portrait_assets.synthetic.seasons import (
    DAY_US,
    MINUTE_SLOTS,
    Calendar,
    minute_tables,
)
from portrait_assets.synthetic.segments import CHANNELS, SEGMENT_CODES
from portrait_assets.synthetic.settings import Dirt
from portrait_assets.synthetic.truth import Planted

KINDS = ("survey", "complaint", "note", "post", "visit")
MONTHLY = {"survey": 0.03, "complaint": 0.004, "note": 0.006, "post": 0.005, "visit": 0.05}
"""Mean number a month of a customer with nothing special about him."""
MORE_NOTES = {"affluent": 4.0, "owner": 3.0, "senior": 2.0}
MORE_POSTS = {"young_digital": 3.0, "senior": 0.1}
VISIT_CHANNELS = ("app", "web", "branch")
GOES_ON = 0.68
"""Probability of taking the next step of a journey."""
AWAY = 0.06
"""Share of interactions outside the region of residence."""
SCORE_SENTINEL = 99.0
OTHER_SYSTEM = 0.4
"""Share of interactions recorded under a person's second id, once there is one."""
DECLINE = 2.5
"""Points by which satisfaction drops in the last months before leaving."""


NOTHING = -1
"""The position that stands for no channel, no step or no text."""
WORDS_CHANNEL = (*VISIT_CHANNELS, "phone", "social")
BRANCH, PHONE = WORDS_CHANNEL.index("branch"), WORDS_CHANNEL.index("phone")
WORDS_STEP = tuple(sorted({step for steps in texts.STEPS.values() for step in steps}))
STEP_AT = np.array(
    [[WORDS_STEP.index(step) for step in texts.STEPS[name]] for name in VISIT_CHANNELS]
)
"""Position in WORDS_STEP by VISIT_CHANNELS and place in the journey."""


@lru_cache(maxsize=1)
def phrases() -> dict[str, tuple[str, ...]]:
    """All texts of each kind, made from the templates."""

    def filled(templates: Sequence[str], **slots: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            template.format(**dict(zip(slots, values, strict=True)))
            for template in templates
            for values in product(*slots.values())
        )

    return {
        "survey good": filled(texts.SURVEY_GOOD, topic=texts.TOPICS),
        "survey poor": filled(texts.SURVEY_POOR, topic=texts.TOPICS),
        "complaint": filled(texts.COMPLAINT, topic=texts.TOPICS, when=texts.WHEN, wish=texts.WISH),
        "note": filled(
            texts.NOTE,
            where=texts.WHERE,
            state=texts.STATE,
            interest=texts.INTEREST,
            advice=texts.ADVICE,
        ),
        "post good": filled(texts.POST_GOOD, topic=texts.TOPICS),
        "post poor": filled(texts.POST_POOR, topic=texts.TOPICS),
    }


@lru_cache(maxsize=1)
def _all_phrases() -> tuple[pa.Array, dict[str, tuple[int, int]]]:
    """All texts in one array, and where those of each kind start and how many they are."""
    spans, texts_so_far = {}, list[str]()
    for kind, options in phrases().items():
        spans[kind] = (len(texts_so_far), len(options))
        texts_so_far += options
    return pa.array(texts_so_far, pa.string()), spans


@dataclass(frozen=True)
class _Events:
    """Interactions of one kind in one month, one entry each.

    `customer` are rows of the chunk; channel, step and phrase are positions in their lists.
    """

    kind: str
    customer: Ints
    draws: Draws
    channel: Ints
    step: Ints
    minutes_after: Ints
    score: Floats
    phrase: Ints

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "customer": self.customer,
                "word": self.draws.words,
                "kind": np.full(len(self.customer), KINDS.index(self.kind)),
                "channel": self.channel,
                "step": self.step,
                "after": self.minutes_after,
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
) -> Iterator[tuple[pa.Table, list[Planted]]]:
    """The canonical `interactions` of each month in turn, ordered by customer and time.

    Args:
        ids: the customers' ids, and the ids that their second records have.
    """
    second_since = np.full(len(people), NEVER)
    second_since[duplicates.rows] = duplicates.since
    for month in calendar.written:
        there = lives.is_customer(month) & (lives.join_month < month)
        looking = (lives.known_month < month) & (month < lives.join_month)
        mood = _satisfaction(people, lives, borrowing, month)
        events = [
            _events(kind, month, people, there, looking & people.is_prospect, mood)
            for kind in KINDS
        ]
        frame = pl.concat([part.frame() for part in events])
        frame = _placed(frame, month, people, calendar)
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
        yield _table(frame), planted


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


def _events(
    kind: str, month: int, people: People, there: Mask, looking: Mask, mood: Floats
) -> _Events:
    draws = people.draws.child(f"{kind} of", np.full(len(people), month))
    mean = _monthly(kind, people, there, looking, mood)
    # One of a kind in a month at most: what is rare need not be counted.
    customer = np.flatnonzero(draws.chance("happens", 1 - np.exp(-mean)))
    draws = draws[customer]
    count = len(customer)
    nothing, at_once = np.full(count, NOTHING), np.zeros(count, dtype=np.int64)
    unscored = np.full(count, np.nan)
    if kind == "visit":
        return _visits(customer, draws, people, looking)
    if kind == "survey":
        score = np.clip(np.rint(mood[customer] + 1.3 * draws.normal("score")), 0, 10)
        phrase = _phrase(draws, score >= 7, "survey good", "survey poor")
        phrase = np.where(draws.chance("comments", 0.2), phrase, NOTHING)
        channel = _usual_channel(draws, people, customer, ("app", "phone", "branch"))
        return _Events(kind, customer, draws, channel, nothing, at_once, score, phrase)
    if kind == "post":
        good = mood[customer] + 1.5 * draws.normal("mood") >= 6.5
        phrase = _phrase(draws, good, "post good", "post poor")
        channel = np.full(count, WORDS_CHANNEL.index("social"))
        return _Events(kind, customer, draws, channel, nothing, at_once, unscored, phrase)
    phrase = _phrase(draws, np.ones(count, dtype=np.bool_), kind, kind)
    options = ("phone", "app", "branch") if kind == "complaint" else ("branch", "phone")
    channel = _usual_channel(draws, people, customer, options)
    return _Events(kind, customer, draws, channel, nothing, at_once, unscored, phrase)


def _phrase(draws: Draws, good: Mask, kind_if_good: str, kind_if_poor: str) -> Ints:
    _, spans = _all_phrases()
    (start_good, good_count), (start_poor, poor_count) = spans[kind_if_good], spans[kind_if_poor]
    start, options = np.where(good, start_good, start_poor), np.where(good, good_count, poor_count)
    chosen: Ints = start + (draws.uniform("phrase") * options).astype(np.int64)
    return chosen


def _usual_channel(draws: Draws, people: People, customer: Ints, options: tuple[str, ...]) -> Ints:
    """Positions in WORDS_CHANNEL, by the customer's habits."""
    weights = people.channel[customer][:, [CHANNELS.index(name) for name in options]] + 0.005
    bounds = np.cumsum(weights, axis=1)
    point = draws.uniform("channel")[:, None] * bounds[:, -1:]
    chosen = np.minimum((point >= bounds).sum(axis=1), len(options) - 1)
    position: Ints = np.array([WORDS_CHANNEL.index(name) for name in options])[chosen]
    return position


def _visits(customer: Ints, draws: Draws, people: People, looking: Mask) -> _Events:
    """Journeys of one to five steps, a few minutes apart; prospects never come to a branch."""
    # VISIT_CHANNELS are the first of WORDS_CHANNEL, so that one position serves both.
    channel = _usual_channel(draws, people, customer, VISIT_CHANNELS)
    channel = np.where(looking[customer] & (channel == BRANCH), 0, channel)
    longest = STEP_AT.shape[1]
    further = np.log1p(-draws.uniform("steps")) / np.log(GOES_ON)
    steps = 1 + np.minimum(further.astype(np.int64), longest - 1)
    row = np.repeat(np.arange(len(customer)), steps)
    place = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    pace = draws.whole("pace", 1, 6)
    return _Events(
        "visit",
        customer[row],
        draws[row],
        channel[row],
        STEP_AT[channel[row], place],
        place * pace[row],
        np.full(len(row), np.nan),
        np.full(len(row), NOTHING),
    )


def _placed(frame: pl.DataFrame, month: int, people: People, calendar: Calendar) -> pl.DataFrame:
    """With time and region; everything of one journey on one day."""
    draws, customer = Draws(frame["word"].to_numpy()), frame["customer"].to_numpy()
    day = calendar.starts[month] + draws.whole("day", 0, int(calendar.lengths[month]) - 1)
    slot = draws.whole("minute", 0, MINUTE_SLOTS - 1)
    minute = minute_tables()[HOUR_HABIT[people.segment[customer]], slot]
    staffed = frame["channel"].is_in([BRANCH, PHONE]).to_numpy()
    minute = np.where(staffed, 540 + minute // 3, np.minimum(minute, 1410))
    minute = minute + frame["after"].to_numpy()
    occurred = day * DAY_US + minute * 60_000_000 + draws.whole("second", 0, 59) * 1_000_000
    other = draws.pick("other region", [weight for _, weight in texts.REGIONS])
    region = np.where(draws.chance("away", AWAY), other, people.region[customer])
    return frame.with_columns(
        pl.Series("occurred_at", occurred).cast(pl.Datetime("us")),
        pl.Series("region", region),
    )


def _table(frame: pl.DataFrame) -> pa.Table:
    regions = [name for name, _ in texts.REGIONS]

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
            "region": words("region", regions),
            "step": words("step", WORDS_STEP),
            "score": frame["score"].to_arrow(),
            "content": words("phrase", _all_phrases()[0]),
        },
        len(frame),
    )
