"""The months of a run of customers, one after the other: what contact and events turn.

A contact changes what happens afterwards and nothing before it, so that months that are written
already stay as they are when a bank is continued.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import codes, dates
from portrait_assets.synthetic.common.randomness import Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.holdings.balances import REDEEMED, Holdings
from portrait_assets.synthetic.holdings.borrowing import CARD
from portrait_assets.synthetic.holdings.opened import Openings, opened_at_rise, opened_by
from portrait_assets.synthetic.holdings.products import WITHDRAWN, withdrawn_month
from portrait_assets.synthetic.marketing.campaigns import (
    ABOUT_TO_LEAVE,
    Contacted,
    Situation,
    run_campaign,
)
from portrait_assets.synthetic.marketing.delivery import UNSUBSCRIBED
from portrait_assets.synthetic.marketing.offers import INSTALMENTS, KINDS
from portrait_assets.synthetic.marketing.plans import Campaign
from portrait_assets.synthetic.marketing.reactions import PERSUADABLE, SLEEPING_DOG, react
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.records.customers import day_of
from portrait_assets.synthetic.persons.segment_traits import CHANNELS, HOLDINGS
from portrait_assets.synthetic.settings import Settings

LONG_AGO = -1_000_000
LEAST_RISE = 0.05
"""Rise of the deposit rate in a month, in points, from which on customers react."""
RATE_PULL = 0.5
"""Added to the logit of opening a deposit, per point of the deposit rate over the first month's."""
ONCE_BURNT = -1.0
"""Added to the logit of buying a fund after one's own was withdrawn and redeemed."""
PUT_OFF_LEAST = 6
"""Months by which leaving is put off at least."""


@dataclass(frozen=True)
class Turned:
    """Months of leaving that an event turned, one entry each; NEVER or later for not at all."""

    customer: Ints
    """Rows of the chunk."""
    month: Ints
    """Month of the event."""
    cause: list[str]
    """The campaign's id, or `withdrawn product`."""
    leave_without: Ints
    leave_with: Ints


@dataclass(frozen=True)
class Course:
    """What the months brought a run of customers."""

    contacts: list[Contacted]
    lives: Lifecycle
    openings: Openings
    turned: Turned


class _State:
    """What changes from month to month, one entry per customer."""

    def __init__(self, people: People, lives: Lifecycle) -> None:
        self.people = people
        self.leave = lives.leave_month.copy()
        self.leaving = lives.leaving.copy()
        self.annoyance = lives.annoyance.copy()
        self.unsubscribed: Mask = np.zeros((len(people), len(CHANNELS)), dtype=np.bool_)
        self.contact_days: list[tuple[int, Ints]] = []
        self.turned: list[tuple[Ints, int, str, Ints, Ints]] = []

    def turn(self, rows: Ints, month: int, cause: str, leave: Ints) -> None:
        """Let customers leave in other months, from the next month on."""
        self.turned.append((rows, month, cause, self.leave[rows], leave))
        self.leave[rows] = leave
        self.leaving[rows, month + 1 :] = leave[:, None]

    def drive_away(self, rows: Ints, month: int, cause: str, chance: float) -> None:
        """Let a share of these customers leave within three months, unless they do so anyway."""
        draws = self.people.draws[rows].child(f"driven away by {cause}", np.full(len(rows), month))
        leave = month + draws.whole("leaves in", 1, ABOUT_TO_LEAVE)
        goes = draws.chance("goes", chance) & (self.leave[rows] > month + ABOUT_TO_LEAVE)
        self.turn(rows[goes], month, cause, leave[goes])

    def tired_of(self, month: int, days: int) -> list[Ints]:
        """Days of the contacts that may still tire."""
        reach = -(-days // 28) + 1
        self.contact_days = [(m, d) for m, d in self.contact_days if m >= month - reach]
        return [d for _, d in self.contact_days]


def run_course(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    market: Market,
    campaigns: Sequence[Campaign],
    settings: Settings,
) -> Course:
    """Run the campaigns month by month, and let them and the market turn the customers' lives."""
    reactions = {kind.code: react(people, kind, settings.reactions) for kind in KINDS}
    state, rates, calendar = _State(people, lives), settings.reactions, market.calendar
    contacts: list[Contacted] = []
    openings: list[Openings] = []
    gone = withdrawn_month(WITHDRAWN, calendar)
    burnt = _redeemers(holdings, lives, gone, calendar.count)
    for month in range(calendar.count):
        if month == gone:
            state.drive_away(
                np.flatnonzero(burnt & (state.leave > month)),
                month,
                "withdrawn product",
                rates.withdrawal_drives_away,
            )
        there = (lives.join_month < month) & (month < state.leave) & ~people.is_minor
        rise = market.deposit_rate[month] - market.deposit_rate[max(month - 1, 0)]
        if rise >= LEAST_RISE:
            openings.append(_react_to_rise(people, there, month, rise, rates.moves_at_rise))
        for campaign in (c for c in campaigns if c.month == month):
            kind = campaign.kind
            shift = np.zeros(len(people))
            if kind.code == "term_deposit":
                shift += RATE_PULL * (market.deposit_rate[month] - market.deposit_rate[0])
            if kind.code == "fund" and month >= gone:
                shift += np.where(burnt, ONCE_BURNT, 0.0)
            has_card = holdings.opened[:, CARD + 1] <= month
            found = Situation(
                eligible=there & has_card if kind.account == INSTALMENTS else there,
                ahead=state.leave - month,
                unsubscribed=state.unsubscribed,
                contact_days=state.tired_of(month, rates.fatigue_days),
                shift=shift,
            )
            contact = run_campaign(
                campaign, people, reactions[kind.code], found, calendar, settings
            )
            contacts.append(contact)
            openings.append(opened_by(contact, people, rates.opens))
            _turn(state, contact, settings)
    return Course(
        contacts=contacts,
        lives=lives.turned(people, state.leaving, state.leave, state.annoyance),
        openings=Openings.together(openings),
        turned=_turned(state),
    )


def _turn(state: _State, contact: Contacted, settings: Settings) -> None:
    """What a campaign's contacts change of the months after it."""
    rates, month, reached = settings.reactions, contact.campaign.month, contact.reached
    days = np.full(len(state.people), LONG_AGO)
    days[contact.chosen[contact.was_contacted]] = contact.day[contact.was_contacted]
    state.contact_days.append((month, days))
    stops = contact.was_contacted & (contact.status == UNSUBSCRIBED)
    state.unsubscribed[contact.chosen[stops], contact.channel[stops]] = True
    dogs = contact.chosen[reached & (contact.group == SLEEPING_DOG) & (contact.effect < 0)]
    state.annoyance[dogs, month : month + 2] = rates.annoyance
    state.drive_away(dogs, month, contact.campaign.id, rates.drives_away)
    if contact.campaign.kind.code == "retention":
        ahead = state.leave[contact.chosen] - month
        may_stay = reached & (contact.group == PERSUADABLE) & (contact.effect > 0)
        may_stay &= (ahead > 0) & (ahead <= ABOUT_TO_LEAVE)
        rows = contact.chosen[may_stay]
        draws = state.people.draws[rows].child("retained", np.full(len(rows), month))
        stays = draws.chance("stays", rates.stays)
        later = state.leave[rows] + draws.whole("later", PUT_OFF_LEAST, rates.stays_months)
        state.turn(rows[stays], month, contact.campaign.id, later[stays])


def _redeemers(holdings: Holdings, lives: Lifecycle, gone: int, count: int) -> Mask:
    """Who redeemed his fund when it was withdrawn."""
    if not 0 < gone < count:
        return np.zeros(len(lives.join_month), dtype=np.bool_)
    had = (holdings.opened[:, HOLDINGS.index("fund") + 1] < gone) & (lives.join_month < gone)
    redeemed = holdings.fund[:, gone] == REDEEMED
    found: Mask = had & redeemed & (holdings.fund[:, gone - 1] == WITHDRAWN)
    return found


def _react_to_rise(people: People, there: Mask, month: int, rise: float, rate: float) -> Openings:
    """Deposits opened unasked when the rate rises; savers open twice as many."""
    draws = people.draws.child("rise", np.full(len(people), month))
    saver = people.holds[:, HOLDINGS.index("term")]
    moves = draws.chance("moves", np.minimum(rate * rise * np.where(saver, 2.0, 1.0), 0.9))
    rows = np.flatnonzero(moves & there)
    amount = np.maximum(people.deposit[rows] * 0.5, 1_000.0)
    return opened_at_rise(people, rows, month, amount)


def _turned(state: _State) -> Turned:
    parts = [part for part in state.turned if len(part[0])]
    nobody = np.zeros(0, dtype=np.int64)
    return Turned(
        customer=np.concatenate([nobody, *(part[0] for part in parts)]),
        month=np.concatenate([nobody, *(np.full(len(part[0]), part[1]) for part in parts)]),
        cause=[part[2] for part in parts for _ in part[0]],
        leave_without=np.minimum(np.concatenate([nobody, *(part[3] for part in parts)]), NEVER),
        leave_with=np.concatenate([nobody, *(part[4] for part in parts)]),
    )


def leaving_table(course: Course, calendar: Calendar, customer_ids: pa.Array) -> pa.Table:
    """The truth about who leaves later or earlier than he would have; null for never."""
    turned = course.turned
    day = course.lives.leave_day[turned.customer]

    def leaves(month: Ints) -> pa.Array:
        return dates(day_of(month, day, calendar), missing=month >= NEVER)

    return pa.table(
        {
            "customer_id": codes(turned.customer, customer_ids),
            "cause": pa.array(turned.cause, pa.string()),
            "turned_in": dates(calendar.starts[turned.month]),
            "leaves_without": leaves(turned.leave_without),
            "leaves_with": leaves(turned.leave_with),
        }
    )
