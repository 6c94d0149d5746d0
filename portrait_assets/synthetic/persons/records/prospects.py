"""Prospects: who is listed, who of them is a customer already, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from portrait_assets.stages.raw.tables.persons import KNOWN_OF_PROSPECTS
from portrait_assets.synthetic.common.columns import canonical, codes, dates, prefixed
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.texts import INCOME_BANDS
from portrait_assets.synthetic.common.writing import plain_text
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, People, make_people
from portrait_assets.synthetic.persons.records.customers import (
    Dates,
    attributes,
    names,
    text,
    with_age,
)
from portrait_assets.synthetic.persons.records.duplicates import misspelt
from portrait_assets.synthetic.persons.records.identifiers import scattered
from portrait_assets.synthetic.settings import Prospects, Settings

STRANGERS = 10_000_000
"""Added to a number for a person who is no customer; above every customer's number."""
SOURCES = ("event", "partner", "website", "referral")
VALUED_AFTER = 6
"""Months from joining to the month's end at which a customer's value is taken."""
SHORTEST_WAIT, LONGEST_WAIT = 10, 180
"""Days between being listed and joining."""
BRIGHT = ("bachelor", "postgraduate")
BUSY = ("manager", "self_employed", "civil_servant")


@dataclass(frozen=True)
class Listed:
    """Prospects of a run of customers; `customer` is a row of the people, -1 for none."""

    frame: pl.DataFrame
    """What is known of each."""
    number: Ints
    customer: Ints
    was_customer: Mask
    probability: Floats
    """Of joining, by the attributes; not a number for who is a customer already."""
    changes: list[str]


def join_probability(frame: pl.DataFrame, prospects: Prospects) -> Floats:
    """Probability that a prospect with these attributes, clean ones, joins within half a year."""
    band = pl.col("income_band").replace_strict(
        list(INCOME_BANDS), list(range(len(INCOME_BANDS))), return_dtype=pl.Float64
    )
    age = pl.col("age").clip(18, 90)
    score = (
        0.8 * (band - 1.0)
        + 0.7 * (pl.col("education").is_in(BRIGHT).cast(pl.Float64) - 0.4)
        + 0.6 * (pl.col("occupation").is_in(BUSY).cast(pl.Float64) - 0.3)
        + 0.5 * (0.5 - ((age - 42) / 15) ** 2)
    )
    logit = frame.select(score=score)["score"].to_numpy() * prospects.lookalike
    probability: Floats = 1 / (1 + np.exp(-(prospects.baseline + logit)))
    return probability


def list_prospects(
    people: People,
    lives: Lifecycle,
    records: pl.DataFrame,
    day: Dates,
    calendar: Calendar,
    settings: Settings,
    seed: int,
) -> Listed:
    """List some who are to join, some others who never do, and some who have joined already.

    Who is to join is listed with a probability in proportion to that of joining by his
    attributes, who never does with one in proportion to that of not joining. So the share of
    joiners among the listed of the same attributes is that probability, whatever the bank did.

    Args:
        records: the clean first record of each person, in the order of `people`.
    """
    draws = Draws.of(seed, "prospect", people.number)
    prospects, adult = settings.prospects, ~people.is_minor
    joiners = _joiners(people, lives, records, day, calendar, settings, draws, adult)
    others = adult & ~np.isin(np.arange(len(people)), joiners.customer)
    listed = [
        joiners,
        _customers(people, lives, records, day, calendar, prospects, draws, others),
        _strangers(people.number, draws, calendar, settings, seed),
    ]
    number = np.concatenate([part.number for part in listed])
    frame = pl.concat([part.frame for part in listed])
    misspelling = Draws.of(seed, "prospect spelt", number)
    frame, changes = misspelt(frame, misspelling, number)
    frame = with_age(frame).with_columns(
        text("prospect_id", prefixed("Q", scattered(number * 2 + 1), 8)),
        names("source", misspelling.pick("source", [3, 3, 3, 1]), SOURCES),
    )
    agreed = misspelling.chance("agreed", prospects.agreed)
    frame = frame.with_columns(
        marketing_agreed_on=pl.when(pl.Series(agreed)).then(pl.col("recorded_on"))
    )
    order = frame["prospect_id"].arg_sort().to_numpy()
    customer, was, probability = (
        np.concatenate([getattr(part, name) for part in listed])[order]
        for name in ("customer", "was_customer", "probability")
    )
    changes = [changes[row] for row in order]
    return Listed(frame[order], number[order], customer, was, probability, changes)


def _joiners(
    people: People,
    lives: Lifecycle,
    records: pl.DataFrame,
    day: Dates,
    calendar: Calendar,
    settings: Settings,
    draws: Draws,
    among: Mask,
) -> Listed:
    start = int(calendar.starts[0])
    joins = (lives.join_month >= 0) & (lives.join_month < calendar.count) & (day.joined > start)
    joins &= among & ~people.is_prospect
    share = min(_new_share(settings.prospects) / max(settings.life.joining, 1e-9), 1.0)
    probability = join_probability(records, settings.prospects)
    rows = np.flatnonzero(joins & draws.chance("joins", share * probability))
    wait = draws[rows].whole("waits", SHORTEST_WAIT, LONGEST_WAIT)
    listed_on = np.maximum(day.joined[rows] - wait, start)
    return _listed(records[rows], people.number[rows], listed_on, rows, False, probability[rows])


def _customers(
    people: People,
    lives: Lifecycle,
    records: pl.DataFrame,
    day: Dates,
    calendar: Calendar,
    prospects: Prospects,
    draws: Draws,
    among: Mask,
) -> Listed:
    end = calendar.starts[np.minimum(lives.leave_month, calendar.horizon)]
    since = np.maximum(day.joined, int(calendar.starts[0])) + 30
    listed_on = since + (draws.uniform("known when") * (end - since)).astype(np.int64)
    there = (day.joined >= 0) & (since < end) & among
    chosen = draws.chance("known", prospects.listed * prospects.known) & there
    rows = np.flatnonzero(chosen)
    unknown = np.full(len(rows), np.nan)
    return _listed(records[rows], people.number[rows], listed_on[rows], rows, True, unknown)


def _strangers(
    numbers: Ints, draws: Draws, calendar: Calendar, settings: Settings, seed: int
) -> Listed:
    start, end = int(calendar.starts[0]), int(calendar.starts[calendar.horizon])
    chosen = np.flatnonzero(draws.chance("stranger", _new_share(settings.prospects)))
    draws, number = draws[chosen], numbers[chosen] + STRANGERS
    # No minors, and no young people known before they hold an account: those are in the records.
    life = replace(settings.life, minors=0.0, prospects=0.0)
    people = make_people(seed, number, life, REGION_WEIGHTS)
    birth = start - np.rint(people.age * 365.25).astype(np.int64)
    listed_on = start + (draws.uniform("listed when") * (end - start)).astype(np.int64)
    frame = attributes(people, Dates(birth, listed_on, np.full(len(number), -1)))
    # A customer's address at example.com has seven digits.
    frame = frame.with_columns(
        email=text("email", prefixed("c", number, 8)) + "@example.com",
    )
    probability = join_probability(frame, settings.prospects)
    rows = np.flatnonzero(~draws.chance("joins", probability))
    nobody = np.full(len(rows), -1)
    return _listed(frame[rows], number[rows], listed_on[rows], nobody, False, probability[rows])


def _new_share(prospects: Prospects) -> float:
    return prospects.listed * (1 - prospects.known)


def _listed(
    records: pl.DataFrame,
    number: Ints,
    listed_on: Ints,
    customer: Ints,
    was_customer: bool,
    probability: Floats,
) -> Listed:
    recorded = pl.Series("recorded_on", listed_on.astype(np.int32)).cast(pl.Date)
    frame = records.select(KNOWN_OF_PROSPECTS).with_columns(recorded)
    was = np.full(len(number), was_customer)
    return Listed(frame, number, customer, was, probability, [])


def prospects_table(listed: Listed) -> pa.Table:
    """The canonical `prospects`, ordered by their identifiers, which say nothing of them."""
    given = plain_text(listed.frame.to_arrow())
    columns = {name: given[name] for name in listed.frame.columns}
    return canonical("prospects", columns, len(listed.number))


def prospects_truth(
    listed: Listed,
    lives: Lifecycle,
    day: Dates,
    balances: Sequence[pa.Table],
    customer_ids: pa.Array,
) -> pa.Table:
    """truth/prospects: who each prospect is, whether he joined, and what that was worth.

    Args:
        balances: the canonical `balances` of each month of the bank.
    """
    nobody = listed.customer < 0
    row = np.where(nobody, 0, listed.customer)
    joined = np.where(nobody, -1, day.joined[row])
    due = np.where(nobody | listed.was_customer, -1, lives.join_month[row] + VALUED_AFTER)
    value = np.full(len(row), np.nan)
    for month in np.unique(due[(due >= 0) & (due < len(balances))]):
        those = np.flatnonzero(due == month)
        value[those] = _assets(balances[month], row[those], len(customer_ids))
    return pa.table(
        {
            "prospect_id": listed.frame["prospect_id"].to_arrow().cast(pa.string()),
            "customer_id": codes(row, customer_ids, missing=nobody),
            "was_customer": pa.array(listed.was_customer),
            "changes": pa.array(listed.changes, pa.string()),
            "join_probability": pa.array(listed.probability, from_pandas=True),
            "joined_on": dates(joined, missing=nobody),
            "value_after_six_months": pa.array(value, from_pandas=True),
        }
    )


def _assets(balances: pa.Table, customer: Ints, people: int) -> Floats:
    """What these customers hold, CNY; debts have a credit limit and are left out."""
    holder = balances["customer_id"].combine_chunks().indices.to_numpy()
    wanted = np.zeros(people, dtype=np.bool_)
    wanted[customer] = True
    rows = np.flatnonzero(wanted[holder])
    part = balances.take(pa.array(rows))
    amounts = pc.cast(part["balance"], pa.float64()).to_numpy()
    assets = np.where(part["credit_limit"].is_null().to_numpy(), amounts, 0.0)
    total: Floats = np.bincount(holder[rows], assets, minlength=people).astype(np.float64)
    return total[customer].round(2)
