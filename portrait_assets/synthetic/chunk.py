"""Everything about one run of customers, as pieces for the bank's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from portrait_assets.synthetic.common.columns import (
    canonical,
    codes,
    dates,
    fixed_text,
    prefixed,
)
from portrait_assets.synthetic.common.planting import Rule, plant
from portrait_assets.synthetic.common.randomness import Ints
from portrait_assets.synthetic.common.seasons import Calendar
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
from portrait_assets.synthetic.holdings.balances import balance_tables, make_holdings
from portrait_assets.synthetic.holdings.borrowing import Borrowing, make_borrowing
from portrait_assets.synthetic.marketing.answers import (
    assignments_table,
    contacts_table,
    responses_table,
    true_responses,
)
from portrait_assets.synthetic.marketing.course import leaving_table, run_course
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
from portrait_assets.synthetic.persons.customers import master_records, record_dates
from portrait_assets.synthetic.persons.duplicates import Duplicates, make_duplicates
from portrait_assets.synthetic.persons.kinds import kind_columns, latent_variables, people_of
from portrait_assets.synthetic.persons.lifecycle import (
    NONE,
    STAGES,
    Lifecycle,
    make_lifecycle,
)
from portrait_assets.synthetic.persons.people import NEAR, REGION_WEIGHTS, People
from portrait_assets.synthetic.persons.prospects import (
    list_prospects,
    prospects_table,
    prospects_truth,
)
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES, SEGMENTS
from portrait_assets.synthetic.service.interactions import interaction_tables
from portrait_assets.synthetic.service.journeys import Plan, make_plan
from portrait_assets.synthetic.service.travel import make_travels, travels_table
from portrait_assets.synthetic.settings import Dirt, Settings

EXCEL_EPOCH_DAYS = 25_569
"""Days from Excel's day 0 to 1970-01-01."""


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
    calendar, settings = world.calendar, world.settings
    people = people_of(world.seed, number, settings.life, REGION_WEIGHTS, settings.kinds)
    undisturbed = make_lifecycle(people, calendar, settings.life)
    holdings = make_holdings(people, undisturbed, calendar, world.happenings, settings.suitability)
    course = run_course(people, undisturbed, holdings, world.market, world.campaigns, settings)
    lives, contacts = course.lives, course.contacts
    borrowing = make_borrowing(people, lives)
    travels = make_travels(people, lives, calendar, settings.journeys.travelling)
    ids = fixed_text(prefixed("C", number, 7))
    records, rows = master_records(people, lives, calendar, settings.life)
    day = record_dates(people, lives, calendar)
    funds = course.openings.account == FUND_OFFERED
    assessments = make_assessments(
        people,
        lives,
        holdings,
        day,
        calendar,
        settings.suitability,
        (course.openings.customer[funds], course.openings.month[funds]),
    )
    first = records.head(len(people))
    duplicates = make_duplicates(people, lives, calendar, first, settings.dirt.duplicate_person)
    second_ids = pl.Series("second", pl.from_arrow(fixed_text(prefixed("K", number, 7))))
    own_ids = pl.Series("own", pl.from_arrow(ids))

    assessed = with_suitability(records, rows, people, lives, assessments, day, calendar)
    pieces = [_customers(people, *assessed, duplicates, settings.dirt)]
    # Also those of months that are not written, which prospects who joined are valued by.
    market = replace(world.market, calendar=replace(calendar, since=0))
    balances = list(
        balance_tables(people, lives, holdings, borrowing, course.openings, market, settings, ids)
    )
    months = {
        "transactions": transaction_tables(
            people,
            lives,
            holdings,
            travels,
            world.happenings,
            world.market,
            contacts,
            settings,
            ids,
        ),
        "balances": balances[calendar.since :],
        "interactions": interaction_tables(
            people,
            lives,
            borrowing,
            duplicates,
            calendar,
            settings.dirt,
            (own_ids, second_ids),
            world.journeys,
            travels,
        ),
    }
    for table, tables in months.items():
        pieces += [
            Piece(f"{table}/{month}.parquet", rows_of_month, planted)
            for month, (rows_of_month, planted) in zip(
                calendar.names[calendar.since :], tables, strict=True
            )
        ]
    for contact in contacts:
        month = calendar.names[contact.campaign.month]
        answered, planted = responses_table(contact, people, settings.dirt, ids)
        pieces += [
            Piece(f"assignments/{month}.parquet", assignments_table(contact, ids)),
            Piece(f"contacts/{month}.parquet", contacts_table(contact, settings.delivery, ids)),
            Piece(f"responses/{month}.parquet", answered, planted),
            Piece("truth/responses.parquet", true_responses(contact, ids)),
        ]
    outcomes = outcomes_table(people, lives, borrowing, contacts, calendar, ids)
    pieces.append(Piece("outcomes.parquet", outcomes))
    pieces += _truth(people, lives, borrowing, duplicates, world, ids)
    affinities = affinities_table(people, lives, holdings, course.openings, calendar, ids)
    pieces += [
        Piece("truth/travels.parquet", travels_table(travels, lives, calendar, ids)),
        Piece("truth/affinities.parquet", affinities),
    ]
    pieces.append(Piece("truth/leaving.parquet", leaving_table(course, calendar, ids)))
    requests = make_requests(people, lives, calendar, settings.privacy)
    consents = make_consents(people, borrowing, day, calendar, settings.privacy, requests)
    gone = who_unsubscribed(contacts)
    consents = unsubscribed(consents, gone.customer, gone.channel, gone.day)
    agreed = consents_table(consents, people, duplicates, calendar, ids)
    pieces += [
        Piece("consents.parquet", agreed),
        Piece("requests.parquet", requests_table(requests, ids)),
        Piece("truth/minors.parquet", minors_table(people, day, settings.privacy, ids)),
    ]
    listed = list_prospects(people, lives, first, day, calendar, settings, world.seed)
    fates = prospects_truth(listed, lives, day, [table for table, _ in balances], ids)
    pieces += [
        Piece("prospects.parquet", prospects_table(listed)),
        Piece("truth/prospects.parquet", fates),
    ]
    unsuitable = unsuitable_table(people, lives, holdings, calendar, ids)
    pieces.append(Piece("truth/unsuitable.parquet", unsuitable))
    return pieces


def _customers(
    people: People,
    records: pl.DataFrame,
    rows: Ints,
    record: Ints,
    duplicates: Duplicates,
    dirt: Dirt,
) -> Piece:
    # The other system knows nothing of what suits.
    frame = pl.concat([records, duplicates.frame], how="diagonal")
    owner = np.concatenate([rows, duplicates.rows])
    record = np.concatenate([record, np.full(len(duplicates.rows), 2)])
    draws = people.draws[owner].child("record", record)
    frame, planted = plant(frame, draws, _rules(dirt))
    given = plain_text(frame.to_arrow())
    columns = {name: given[name] for name in frame.columns}
    columns["income"] = columns["income"].cast(pa.decimal128(18, 2))
    return Piece("customers.parquet", canonical("customers", columns, len(frame)), planted)


def _rules(dirt: Dirt) -> list[Rule]:
    nothing = pl.lit(None, dtype=pl.String)
    born = pl.col("birth_date")
    excel = born.str.to_date("%Y-%m-%d").to_physical() + EXCEL_EPOCH_DAYS
    forms = {
        "slashes": born.str.to_date("%Y-%m-%d").dt.strftime("%Y/%-m/%-d"),
        "digits only": born.str.replace_all("-", ""),
        "excel serial": excel.cast(pl.String),
    }
    amount = pl.col("income").cast(pl.Float64)
    in_words = pl.format("{}万", (amount / 10_000).round(1))
    with_sign = pl.format("¥{}", amount.round(0).cast(pl.Int64))
    identity, phone = pl.col("national_id"), pl.col("phone")
    last = identity.str.slice(17, 1)
    full_width = phone.str.replace_many(list("0123456789"), list("0123456789"))
    in_groups = pl.concat_str(
        phone.str.slice(0, 3), phone.str.slice(3, 4), phone.str.slice(7), separator="-"
    )
    spaced_name = pl.concat_str(
        pl.col("full_name").str.slice(0, 1), pl.lit("\u3000"), pl.col("full_name").str.slice(1)
    )
    optional = ("email", "occupation", "education", "marital_status", "income", "household_type")
    return [
        Rule(
            "birth_date",
            "impossible date",
            dirt.impossible_date / 2,
            pl.concat_str(born.str.slice(0, 5), pl.lit("02-30")),
        ),
        Rule("birth_date", "sentinel", dirt.impossible_date / 2, pl.lit("1900-01-01")),
        *(
            Rule("birth_date", f"unusual form: {form}", dirt.unusual_date_form / len(forms), bad)
            for form, bad in forms.items()
        ),
        Rule("gender", "sentinel", dirt.sentinel, pl.lit("?")),
        Rule("age", "sentinel", dirt.sentinel, pl.lit(999, dtype=pl.Int64)),
        Rule("occupation", "sentinel", dirt.sentinel, pl.lit("unknown")),
        Rule("marital_status", "sentinel", dirt.sentinel, pl.lit("?")),
        Rule("income", "sentinel", dirt.sentinel, pl.lit("-1").cast(pl.Decimal(18, 2))),
        Rule("income_band", "money in words", dirt.money_in_words / 2, in_words),
        Rule("income_band", "money in words", dirt.money_in_words / 2, with_sign),
        Rule(
            "national_id",
            "wrong check digit",
            dirt.wrong_check_digit,
            pl.concat_str(
                identity.str.slice(0, 17),
                pl.when(last == "5").then(pl.lit("6")).otherwise(pl.lit("5")),
            ),
        ),
        Rule("phone", "full width", dirt.unusual_characters / 2, full_width),
        Rule("phone", "in groups", dirt.unusual_characters / 2, in_groups),
        Rule("full_name", "full-width space", dirt.unusual_characters, spaced_name),
        *(
            Rule(
                column,
                "missing",
                dirt.missing_attribute,
                nothing if column != "income" else pl.lit(None, dtype=pl.Decimal(18, 2)),
            )
            for column in optional
        ),
    ]


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
