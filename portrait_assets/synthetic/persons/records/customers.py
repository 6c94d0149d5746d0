"""Who the customers say they are: the master records, as two systems keep them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.synthetic.common.columns import Bytes, fixed_text, prefixed
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.texts import (
    EDUCATION,
    GIVEN_FEMALE,
    GIVEN_MALE,
    GIVEN_SECOND,
    HOMES,
    HOUSEHOLDS,
    INCOME_BANDS,
    INCOME_EDGES,
    MARITAL,
    REGIONS,
    ROADS,
    SURNAMES,
)
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.records.identifiers import (
    bank_cards,
    national_ids,
    phone_numbers,
)
from portrait_assets.synthetic.persons.segments import SEGMENTS
from portrait_assets.synthetic.settings import Life

OCCUPATIONS = (
    "student",
    "employee",
    "worker",
    "civil_servant",
    "manager",
    "self_employed",
    "retired",
    "other",
)
MOVED = 50_000_000
"""Added to a customer's number for a new telephone number; keeps them apart from the old ones."""


@dataclass(frozen=True)
class Dates:
    """Days from 1970-01-01 of what the master records say."""

    birth: Ints
    known: Ints
    joined: Ints
    """Day of joining, -1 for none within the bank's months."""


def names(kind: str, values: npt.ArrayLike, options: tuple[str, ...]) -> pl.Series:
    """Text given as positions in a list of options."""
    return pl.Series(kind, list(options), dtype=pl.String).gather(pl.Series(np.asarray(values)))


def text(name: str, characters: Bytes) -> pl.Series:
    """Text from rows of ASCII."""
    return pl.Series(name, pl.from_arrow(fixed_text(characters)), dtype=pl.String)


def record_dates(people: People, lives: Lifecycle, calendar: Calendar) -> Dates:
    """Birth, first record and joining of these people.

    Customers from before the first month were taken over into the records a few days before it.
    """
    start = int(calendar.starts[0])
    birth = start - np.rint(people.age * 365.25).astype(np.int64)
    joined = day_of(lives.join_month, lives.join_day, calendar)
    joined = np.where(lives.join_month >= calendar.count, -1, joined)
    born_17 = birth + 17 * 366
    joined = np.where((joined >= 0) & (lives.join_month < 0), np.maximum(joined, born_17), joined)
    joined = np.where((joined >= start) & (lives.join_month < 0), start - 30, joined)
    first = day_of(lives.known_month, people.draws.whole("known day", 1, 28), calendar)
    known = np.maximum(np.where(people.is_prospect, first, joined), start - 5)
    return Dates(birth=birth, known=known, joined=joined)


def day_of(month: Ints, day: Ints, calendar: Calendar) -> Ints:
    """Days from 1970-01-01 of a day in a month at any position, also outside the bank's months."""
    first = calendar.month_start(0)
    whole = (first.year - 1970) * 12 + first.month - 1 + np.minimum(month, NEVER)
    starts = whole.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    days: Ints = starts + day - 1
    return days


def master_records(
    people: People, lives: Lifecycle, calendar: Calendar, life: Life
) -> tuple[pl.DataFrame, Ints]:
    """The clean records of these people, and which row of `people` each belongs to.

    One row each; a second one, later and at the end, for who moves house and for prospects who
    join. Columns as in the canonical `customers`, birth_date as text.
    """
    draws, day = people.draws, record_dates(people, lives, calendar)
    base = attributes(people, day)
    converts = people.is_prospect & (lives.join_month >= 0) & (lives.join_month < calendar.count)
    end = int(calendar.starts[calendar.horizon])
    moved_on = day.known + 20 + (draws.uniform("moves when") * (end - day.known)).astype(np.int64)
    moves = draws.chance("moves", life.moving) & ~people.is_prospect & (moved_on < end)
    left = (lives.leave_month < calendar.horizon) | (day.joined < 0)
    moves &= ~left
    base = base.with_columns(
        joined_on=pl.when(pl.Series(converts)).then(None).otherwise(pl.col("joined_on"))
    )
    again = np.flatnonzero(converts | moves)
    later = base[again].with_columns(
        joined_on=_as_dates("joined_on", day.joined[again]),
        recorded_on=_as_dates(
            "recorded_on", np.where(converts[again], day.joined[again], moved_on[again])
        ),
    )
    moving = pl.Series(moves[again])
    later = later.with_columns(
        phone=pl.when(moving)
        .then(text("new", phone_numbers(people.number[again] + MOVED)))
        .otherwise(pl.col("phone")),
        address=pl.when(moving)
        .then(_addresses(draws[again].child("moved", people.number[again]), people.region[again]))
        .otherwise(pl.col("address")),
    )
    later = with_age(later)
    return pl.concat([base, later]), np.concatenate([np.arange(len(people)), again])


def _as_dates(name: str, days: Ints) -> pl.Series:
    dated = pl.Series(name, days.astype(np.int32)).cast(pl.Date)
    return dated.set(pl.Series(days < 0), None) if (days < 0).any() else dated


def with_age(frame: pl.DataFrame) -> pl.DataFrame:
    """The records with the age on the days that they were recorded on."""
    born = pl.col("birth_date").str.to_date("%Y-%m-%d")
    had_birthday = pl.col("recorded_on").dt.strftime("%m%d") >= born.dt.strftime("%m%d")
    age = pl.col("recorded_on").dt.year() - born.dt.year() - (~had_birthday).cast(pl.Int32)
    return frame.with_columns(age=age.cast(pl.Int64))


def attributes(people: People, day: Dates) -> pl.DataFrame:
    """The first record of each of these people, without what suits them."""
    draws, number = people.draws, people.number
    born = day.birth.astype("datetime64[D]")
    month = born.astype("datetime64[M]")
    year = month.astype("datetime64[Y]").astype(np.int64) + 1970
    month_of_year = month.astype(np.int64) % 12 + 1
    day_of_month = (born - month.astype("datetime64[D]")).astype(np.int64) + 1
    occupation = _occupations(people)
    married = draws.uniform("married") < np.clip((people.age - 22) / 12, 0.02, 0.85)
    married &= ~people.is_minor
    alone = draws.pick("alone", [7, 2, 1])
    marital = np.where(married, 1, np.where(people.age < 30, 0, np.array([0, 2, 3])[alone]))
    children = np.where(married & (people.age > 27), draws.pick("children", [3, 5, 3, 1]), 0)
    income = np.rint(people.income / 100).astype(np.int64) * 100
    with_parents = people.is_minor
    household = np.where(married, np.where(children > 0, 2, 1), np.where(with_parents, 2, 0))
    frame = pl.DataFrame(
        [
            text("customer_id", prefixed("C", number, 7)),
            _as_dates("recorded_on", day.known),
            _as_dates("joined_on", day.joined),
            _full_names(people),
            text(
                "national_id",
                national_ids(
                    number, year * 10_000 + month_of_year * 100 + day_of_month, people.is_female
                ),
            ),
            text("phone", phone_numbers(number)),
            (text("email", prefixed("c", number, 7)) + "@example.com").alias("email"),
            _addresses(draws, people.region),
            text("bank_card", bank_cards(number)),
            text("postcode", prefixed("99", draws.whole("postcode", 0, 9999), 4)),
            pl.Series("birth_date", day.birth.astype(np.int32)).cast(pl.Date).cast(pl.String),
            names("gender", people.is_female.astype(np.int64), ("M", "F")),
            names("occupation", occupation, OCCUPATIONS),
            names("education", _education(people), EDUCATION),
            names("marital_status", marital, MARITAL),
            pl.Series("income", income).cast(pl.Decimal(18, 2)),
            names("income_band", np.searchsorted(INCOME_EDGES, income, side="right"), INCOME_BANDS),
            pl.Series("household_size", 1 + married + children + 2 * with_parents).cast(pl.String),
            names("household_type", household, HOUSEHOLDS),
            pl.Series("children", children).cast(pl.String),
            names("home_ownership", _homes(people), HOMES),
            names("region", people.region, tuple(name for name, _ in REGIONS)),
        ]
    )
    return with_age(frame)


def _occupations(people: People) -> Ints:
    weights = np.array([[s.occupations.get(o, 0.0) for o in OCCUPATIONS] for s in SEGMENTS])
    bounds = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[people.segment]
    passed = people.draws.uniform("occupation")[:, None] >= bounds[:, :-1]
    position: Ints = passed.sum(axis=1)
    return np.where(people.is_minor, OCCUPATIONS.index("student"), position)


def _education(people: People) -> Ints:
    level = 2.2 + 0.8 * np.log(np.maximum(people.income, 1) / 90_000) - 0.02 * (people.age - 40)
    level = np.clip(np.rint(level + people.draws.normal("education")), 0, 4)
    return np.where(people.is_minor, people.age >= 12, level).astype(np.int64)


def _homes(people: People) -> Ints:
    owns: Floats = np.clip((people.age - 24) / 30, 0.05, 0.85) * ~people.is_minor
    other = people.draws.chance("with family", 0.35) | people.is_minor
    return np.where(people.draws.chance("owns home", owns), 0, np.where(other, 2, 1))


def _full_names(people: People) -> pl.Series:
    draws = people.draws
    rank = np.arange(len(SURNAMES))
    surname = names("full_name", draws.pick("surname", 1 / (rank + 6)), tuple(SURNAMES))
    female = names("f", draws.whole("female name", 0, len(GIVEN_FEMALE) - 1), tuple(GIVEN_FEMALE))
    male = names("m", draws.whole("male name", 0, len(GIVEN_MALE) - 1), tuple(GIVEN_MALE))
    last = female.zip_with(pl.Series(people.is_female), male)
    options = ("", *GIVEN_SECOND)
    weights = np.array([0.2 * len(GIVEN_SECOND) / 0.8, *np.ones(len(GIVEN_SECOND))])
    middle = names("s", draws.pick("middle name", weights), options)
    return (surname + middle + last).alias("full_name")


def _addresses(draws: Draws, region: Ints) -> pl.Series:
    parts = pl.DataFrame(
        [
            names("region", region, tuple(name for name, _ in REGIONS)),
            names("road", draws.whole("road", 0, len(ROADS) - 1), ROADS),
            pl.Series("house", draws.whole("house", 1, 399)),
            pl.Series("room", draws.whole("room", 1, 30) * 100 + draws.whole("door", 1, 6)),
        ]
    )
    return parts.select(
        pl.format("{}示例市{}{}号{}室", "region", "road", "house", "room").alias("address")
    ).to_series()
