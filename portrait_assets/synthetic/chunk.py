"""Everything about one run of customers, as pieces for the bank's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from portrait_assets.synthetic.common.columns import canonical, codes, dates, fixed_text, prefixed
from portrait_assets.synthetic.common.planting import plant
from portrait_assets.synthetic.common.randomness import Ints
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.truth import Planted
from portrait_assets.synthetic.common.writing import Piece, plain_text
from portrait_assets.synthetic.economy.events import Happenings, make_happenings, rate_sensitive
from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.economy.outcomes import outcomes_table
from portrait_assets.synthetic.economy.transactions import transaction_tables
from portrait_assets.synthetic.holdings.affinities import affinities_table
from portrait_assets.synthetic.holdings.assessments import (
    make_assessments,
    unsuitable_table,
    with_suitability,
)
from portrait_assets.synthetic.holdings.balances import Holdings, balance_tables, make_holdings
from portrait_assets.synthetic.holdings.borrowing import Borrowing, make_borrowing
from portrait_assets.synthetic.marketing.answers import (
    assignments_table,
    contacts_table,
    responses_table,
    true_responses,
)
from portrait_assets.synthetic.marketing.course import Course, leaving_table, run_course
from portrait_assets.synthetic.marketing.delivery import unsubscribed as who_unsubscribed
from portrait_assets.synthetic.marketing.offers import FUND_OFFERED
from portrait_assets.synthetic.marketing.plans import Campaign
from portrait_assets.synthetic.persons.consents import (
    consents_table,
    make_consents,
    make_requests,
    minors_table,
    requests_table,
    unsubscribed,
)
from portrait_assets.synthetic.persons.kinds import kind_columns, latent_variables, people_of
from portrait_assets.synthetic.persons.lifecycle import NONE, STAGES, Lifecycle, make_lifecycle
from portrait_assets.synthetic.persons.people import NEAR, REGION_WEIGHTS, People
from portrait_assets.synthetic.persons.records.bad_records import bad_records
from portrait_assets.synthetic.persons.records.customers import Dates, master_records, record_dates
from portrait_assets.synthetic.persons.records.duplicates import Duplicates, make_duplicates
from portrait_assets.synthetic.persons.records.prospects import (
    list_prospects,
    prospects_table,
    prospects_truth,
)
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES, SEGMENTS
from portrait_assets.synthetic.service.interactions import interaction_tables
from portrait_assets.synthetic.service.journeys import Plan, make_plan
from portrait_assets.synthetic.service.travel import Travels, make_travels, travels_table
from portrait_assets.synthetic.settings import Settings


@dataclass(frozen=True)
class World:
    """What all customers of a bank share."""

    seed: int
    calendar: Calendar
    market: Market
    campaigns: tuple[Campaign, ...]
    settings: Settings

    @cached_property
    def journeys(self) -> Plan:
        """What holds for all journeys."""
        return make_plan(self.settings.journeys, self.calendar, self.seed)

    @cached_property
    def happenings(self) -> Happenings:
        """What happens in the market."""
        return make_happenings(self.settings.events, self.calendar, self.seed)


def make_chunk(world: World, number: Ints) -> list[Piece]:
    """The customers with these numbers and all that they do; a pure function of both."""
    chunk = _lived(world, number)
    balances = _balances(world, chunk)
    return [
        _customers(world, chunk),
        *_monthly(world, chunk, balances),
        *_of_campaigns(world, chunk),
        *_outcomes_and_truth(world, chunk),
        *_privacy(world, chunk),
        *_prospects(world, chunk, balances),
    ]


@dataclass(frozen=True)
class _Chunk:
    """A run of customers and what they do, of which all tables are made."""

    people: People
    ids: pa.Array
    holdings: Holdings
    course: Course
    borrowing: Borrowing
    travels: Travels
    days: Dates
    records: pl.DataFrame
    """Their master records, the first one of each before all later ones."""
    owner: Ints
    """Row of `people` that each record belongs to."""
    duplicates: Duplicates

    @property
    def lives(self) -> Lifecycle:
        """With what contacts and events have changed."""
        return self.course.lives

    @property
    def first_records(self) -> pl.DataFrame:
        """One record per customer, in their order."""
        return self.records.head(len(self.people))


def _lived(world: World, number: Ints) -> _Chunk:
    calendar, settings = world.calendar, world.settings
    people = people_of(world.seed, number, settings.life, REGION_WEIGHTS, settings.kinds)
    undisturbed = make_lifecycle(people, calendar, settings.life)
    holdings = make_holdings(people, undisturbed, calendar, world.happenings, settings.suitability)
    course = run_course(people, undisturbed, holdings, world.market, world.campaigns, settings)
    records, owner = master_records(people, course.lives, calendar, settings.life)
    first, share = records.head(len(people)), settings.dirt.duplicate_person
    return _Chunk(
        people=people,
        ids=fixed_text(prefixed("C", number, 7)),
        holdings=holdings,
        course=course,
        borrowing=make_borrowing(people, course.lives),
        travels=make_travels(people, course.lives, calendar, settings.journeys.travelling),
        days=record_dates(people, course.lives, calendar),
        records=records,
        owner=owner,
        duplicates=make_duplicates(people, course.lives, calendar, first, share),
    )


Planting = tuple[pa.Table, list[Planted]]
"""The rows of a table, and the bad values among them."""


def _balances(world: World, chunk: _Chunk) -> list[Planting]:
    """By month, also those that are not written, which prospects who joined are valued by."""
    market = replace(world.market, calendar=replace(world.calendar, since=0))
    return list(
        balance_tables(
            chunk.people,
            chunk.lives,
            chunk.holdings,
            chunk.borrowing,
            chunk.course.openings,
            market,
            world.settings,
            chunk.ids,
        )
    )


def _monthly(world: World, chunk: _Chunk, balances: list[Planting]) -> Iterator[Piece]:
    calendar, people, lives = world.calendar, chunk.people, chunk.lives
    second_ids = pl.Series("second", pl.from_arrow(fixed_text(prefixed("K", people.number, 7))))
    own_ids = pl.Series("own", pl.from_arrow(chunk.ids))
    months: dict[str, Iterable[Planting]] = {
        "transactions": transaction_tables(
            people,
            lives,
            chunk.holdings,
            chunk.travels,
            world.happenings,
            world.market,
            chunk.course.contacts,
            world.settings,
            chunk.ids,
        ),
        "balances": balances[calendar.since :],
        "interactions": interaction_tables(
            people,
            lives,
            chunk.borrowing,
            chunk.duplicates,
            calendar,
            world.settings.dirt,
            (own_ids, second_ids),
            world.journeys,
            chunk.travels,
        ),
    }
    for table, tables in months.items():
        for month, (rows, planted) in zip(calendar.names[calendar.since :], tables, strict=True):
            yield Piece(f"{table}/{month}.parquet", rows, planted)


def _of_campaigns(world: World, chunk: _Chunk) -> Iterator[Piece]:
    for contact in chunk.course.contacts:
        month = world.calendar.names[contact.campaign.month]
        answered, planted = responses_table(contact, chunk.people, world.settings.dirt, chunk.ids)
        sent = contacts_table(contact, world.settings.delivery, chunk.ids)
        yield Piece(f"assignments/{month}.parquet", assignments_table(contact, chunk.ids))
        yield Piece(f"contacts/{month}.parquet", sent)
        yield Piece(f"responses/{month}.parquet", answered, planted)
        yield Piece("truth/responses.parquet", true_responses(contact, chunk.ids))


def _outcomes_and_truth(world: World, chunk: _Chunk) -> Iterator[Piece]:
    calendar, course, ids = world.calendar, chunk.course, chunk.ids
    people, lives, holdings = chunk.people, chunk.lives, chunk.holdings
    outcomes = outcomes_table(people, lives, chunk.borrowing, course.contacts, calendar, ids)
    yield Piece("outcomes.parquet", outcomes)
    yield from _truth(people, lives, chunk.borrowing, chunk.duplicates, world, ids)
    yield Piece("truth/travels.parquet", travels_table(chunk.travels, lives, calendar, ids))
    affinities = affinities_table(people, lives, holdings, course.openings, calendar, ids)
    yield Piece("truth/affinities.parquet", affinities)
    yield Piece("truth/leaving.parquet", leaving_table(course, calendar, ids))
    unsuitable = unsuitable_table(people, lives, holdings, calendar, ids)
    yield Piece("truth/unsuitable.parquet", unsuitable)


def _privacy(world: World, chunk: _Chunk) -> Iterator[Piece]:
    calendar, privacy = world.calendar, world.settings.privacy
    requests = make_requests(chunk.people, chunk.lives, calendar, privacy)
    agreed = make_consents(chunk.people, chunk.borrowing, chunk.days, calendar, privacy, requests)
    gone = who_unsubscribed(chunk.course.contacts)
    consents = unsubscribed(agreed, gone.customer, gone.channel, gone.day)
    rows = consents_table(consents, chunk.people, chunk.duplicates, calendar, chunk.ids)
    yield Piece("consents.parquet", rows)
    yield Piece("requests.parquet", requests_table(requests, chunk.ids))
    minors = minors_table(chunk.people, chunk.days, privacy, chunk.ids)
    yield Piece("truth/minors.parquet", minors)


def _prospects(world: World, chunk: _Chunk, balances: list[Planting]) -> Iterator[Piece]:
    listed = list_prospects(
        chunk.people,
        chunk.lives,
        chunk.first_records,
        chunk.days,
        world.calendar,
        world.settings,
        world.seed,
    )
    balance_rows = [table for table, _ in balances]
    yield Piece("prospects.parquet", prospects_table(listed))
    fates = prospects_truth(listed, chunk.lives, chunk.days, balance_rows, chunk.ids)
    yield Piece("truth/prospects.parquet", fates)


def _customers(world: World, chunk: _Chunk) -> Piece:
    calendar, settings, openings = world.calendar, world.settings, chunk.course.openings
    funds = openings.account == FUND_OFFERED
    assessments = make_assessments(
        chunk.people,
        chunk.lives,
        chunk.holdings,
        chunk.days,
        calendar,
        settings.suitability,
        (openings.customer[funds], openings.month[funds]),
    )
    records, rows, record = with_suitability(
        chunk.records, chunk.owner, chunk.people, chunk.lives, assessments, chunk.days, calendar
    )
    duplicates = chunk.duplicates
    # The other system knows nothing of what suits.
    frame = pl.concat([records, duplicates.frame], how="diagonal")
    owner = np.concatenate([rows, duplicates.rows])
    record = np.concatenate([record, np.full(len(duplicates.rows), 2)])
    draws = chunk.people.draws[owner].child("record", record)
    frame, planted = plant(frame, draws, bad_records(settings.dirt))
    given = plain_text(frame.to_arrow())
    columns = {name: given[name] for name in frame.columns}
    columns["income"] = columns["income"].cast(pa.decimal128(18, 2))
    return Piece("customers.parquet", canonical("customers", columns, len(frame)), planted)


def _truth(
    people: People,
    lives: Lifecycle,
    borrowing: Borrowing,
    duplicates: Duplicates,
    world: World,
    ids: pa.Array,
) -> Iterator[Piece]:
    calendar = world.calendar
    count, ends = calendar.count, calendar.starts[1:] - 1
    left = lives.leave_month < count
    leave_month = np.where(left, lives.leave_month, 0)
    left_on = calendar.starts[leave_month] + lives.leave_day - 1
    yield Piece(
        "truth/segments.parquet",
        pa.table(
            {
                "customer_id": ids,
                "segment": codes(people.segment, SEGMENT_CODES),
                "segment_zh": codes(people.segment, [segment.zh for segment in SEGMENTS]),
                "is_blended": pa.array(people.is_blended),
                "leans_to": codes(NEAR[people.segment], SEGMENT_CODES, missing=~people.is_blended),
                "is_prospect": pa.array(people.is_prospect),
                "never_transacts": pa.array(people.rate == 0),
                "is_rate_sensitive": pa.array(rate_sensitive(people, world.settings.events)),
                **kind_columns(people, world.settings.kinds),
                "left_on": dates(left_on, missing=~left),
            }
        ),
    )
    if world.settings.kinds.number is not None:
        yield Piece("truth/latents.parquet", latent_variables(people, ids))
    for month in range(count):
        known = np.flatnonzero(lives.stage[:, month] != NONE)
        yield Piece(
            "truth/lifecycle.parquet",
            pa.table(
                {
                    "customer_id": codes(known, ids),
                    "as_of": dates(np.full(len(known), ends[month])),
                    "stage": codes(lives.stage[known, month], STAGES),
                }
            ),
        )
    persons = pa.array(ids).take(pa.array(duplicates.rows))
    second = duplicates.frame["customer_id"].to_arrow().cast(pa.string())
    yield Piece(
        "truth/duplicates.parquet",
        pa.table(
            {
                "duplicate_id": second,
                "customer_id": persons,
                "known_from": duplicates.frame["recorded_on"].to_arrow(),
                "changes": pa.array(duplicates.changes, pa.string()),
            }
        ),
    )
    borrowers = np.flatnonzero(borrowing.is_borrower & (lives.join_month < count))
    default = borrowing.default_month[borrowers]
    yield Piece(
        "truth/defaults.parquet",
        pa.table(
            {
                "customer_id": codes(borrowers, ids),
                "monthly_delinquency_probability": pa.array(borrowing.hazard[borrowers]),
                "default_probability_12m": pa.array(borrowing.default_probability[borrowers]),
                "defaulted_on": dates(
                    ends[np.minimum(default, count - 1)], missing=default >= count
                ),
            }
        ),
    )
