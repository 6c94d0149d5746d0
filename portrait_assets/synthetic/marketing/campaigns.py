"""One campaign among a run of customers: who is chosen, held out, contacted, and who answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.marketing.delivery import BOUNCED, deliver, reach_of
from portrait_assets.synthetic.marketing.plans import Assigned, Campaign
from portrait_assets.synthetic.marketing.reactions import (
    LOST_CAUSE,
    MOST,
    PERSUADABLE,
    SLEEPING_DOG,
    Reaction,
    likes,
)
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets.synthetic.settings import Settings

CAMPAIGN_CHANNELS = ("app", "phone", "branch")
ABOUT_TO_LEAVE = 3
"""Months before leaving in which a bank sees that a customer declines."""
MORE_OF_DECLINING = 5.0
"""Factor on a declining customer's probability of being chosen for a retention campaign."""
LAST_CONTACT_DAY = 11
LONGEST_WAIT = 15


@dataclass(frozen=True)
class Situation:
    """What a campaign finds, one entry per customer of the chunk."""

    eligible: Mask
    """Whether he is a customer and can have what is offered."""
    ahead: Ints
    """Months until leaving, as it stands."""
    unsubscribed: Mask
    """Shape (customers, CHANNELS)."""
    contact_days: list[Ints]
    """Days of the contacts so far, an array per campaign; a day long ago for none."""
    shift: Floats
    """Added to the logit of answering without contact."""


@dataclass(frozen=True)
class Chosen:
    """The customers of a campaign, as rows of the chunk; days are those from 1970-01-01."""

    rows: Ints
    draws: Draws
    is_control: Mask
    day: Ints
    channel: Ints
    """Position in CHANNELS."""

    def of(self, these: Mask) -> Chosen:
        """Some of them."""
        return Chosen(
            self.rows[these],
            self.draws[these],
            self.is_control[these],
            self.day[these],
            self.channel[these],
        )


@dataclass(frozen=True)
class Contacted:
    """The customers chosen for one campaign, one entry each, and the truth about them.

    `chosen` are rows of the chunk. Probabilities are those of answering within the month.
    """

    campaign: Campaign
    chosen: Ints
    is_control: Mask
    """Whether the customer was assigned to the control group."""
    was_contacted: Mask
    """Whether a contact was tried; in a contaminated campaign also with part of the controls."""
    day: Ints
    """Day of the contact, from 1970-01-01; for the control group the day it would have been."""
    channel: Ints
    status: Ints
    """Position in DELIVERY_STATUSES; of no meaning where no contact was tried."""
    group: Ints
    """Response group in this campaign, position in GROUPS."""
    contacts_before: Ints
    """Contacts in the days before that tire."""
    without: Floats
    """Probability of answering when not contacted."""
    contacted: Floats
    """Probability of answering when a contact is tried, which not every one arrives."""
    reach: Floats
    """Probability that a contact that is tried arrives."""
    answered: Mask
    answer_day: Ints
    amount: Ints
    """Amount of the answer in cents."""

    @property
    def effect(self) -> Floats:
        """What trying a contact adds to the probability of answering."""
        return self.contacted - self.without

    @property
    def probability(self) -> Floats:
        """Probability of answering, contact tried or not, as it was."""
        return np.where(self.was_contacted, self.contacted, self.without)

    @property
    def reached(self) -> Mask:
        """Whom a contact reached."""
        arrived: Mask = self.was_contacted & (self.status != BOUNCED)
        return arrived

    @property
    def spend_effect(self) -> Floats:
        """Expected relative change of the month's spending when a contact is tried."""
        kind = self.campaign.kind
        return kind.spend * self.effect / kind.effect


def run_campaign(
    campaign: Campaign,
    people: People,
    reaction: Reaction,
    found: Situation,
    calendar: Calendar,
    settings: Settings,
) -> Contacted:
    """Choose, hold out and contact customers of a chunk, and let them answer.

    Who is chosen depends on the customer, as it does in a bank; who of the chosen is held out as
    control does not, unless the campaign's split is broken.
    """
    if campaign.assigned is None:
        chosen = _choose(campaign, people, found, calendar, settings)
    else:
        chosen = _assigned(campaign, campaign.assigned, people)
    draws, rows, flaws = chosen.draws, chosen.rows, settings.flaws
    was_contacted = ~chosen.is_control
    if campaign.flaw == "contaminated":
        was_contacted = was_contacted | draws.chance("contaminated", flaws.contaminated_share)
    reaction = _flawed(campaign, reaction, people, settings)
    group, effect = reaction.group[rows], reaction.effect[rows]
    before = _contacts_before(chosen, found, settings)
    effect = np.where(effect > 0, effect * settings.reactions.fatigue**before, effect)
    without = reaction.without(rows, found.shift[rows])
    contacted = np.clip(without + effect, 0.0, MOST)
    contacted = np.where(effect >= 0, np.maximum(contacted, without), contacted)
    able = found.eligible[rows]
    without, contacted = (np.where(able, p, 0.0) for p in (without, contacted))
    group = np.where(able, group, LOST_CAUSE)

    reach = np.where(able, reach_of(settings.delivery, CHANNELS)[chosen.channel], 0.0)
    bounced = ~draws.chance("arrives", reach)
    # What a contact does it does when it arrives; on average over all of them that is `effect`.
    when_reached = without + (contacted - without) / np.where(able, reach, 1.0)
    answered = draws.chance("answers", np.where(was_contacted & ~bounced, when_reached, without))
    wait = np.minimum((-4.0 * np.log1p(-draws.uniform("lag"))).astype(np.int64), LONGEST_WAIT)
    kind = campaign.kind
    amount = (
        kind.amount * (people.wealth[rows] / 30_000) ** 0.4 * np.exp(0.5 * draws.normal("amount"))
    )
    return Contacted(
        campaign=campaign,
        chosen=rows,
        is_control=chosen.is_control,
        was_contacted=was_contacted,
        day=chosen.day,
        channel=chosen.channel,
        status=deliver(
            draws, chosen.channel, bounced, answered, group == SLEEPING_DOG, settings.delivery
        ),
        group=group,
        contacts_before=before,
        without=without,
        contacted=contacted,
        reach=reach,
        answered=answered,
        answer_day=np.minimum(chosen.day + wait, int(calendar.starts[campaign.month + 1]) - 1),
        amount=np.maximum(np.rint(amount), 1).astype(np.int64) * 100,
    )


def _choose(
    campaign: Campaign, people: People, found: Situation, calendar: Calendar, settings: Settings
) -> Chosen:
    draws = people.draws.child("campaign", np.full(len(people), campaign.number))
    wanted = np.clip(0.5 + 0.5 * likes(people, campaign.kind), 0.4, 1.8)
    if campaign.kind.code == "retention":
        declines = (found.ahead >= 0) & (found.ahead <= ABOUT_TO_LEAVE)
        wanted = wanted * np.where(declines, MORE_OF_DECLINING, 1.0)
    harmful = campaign.flaw == "harmful"
    share = settings.flaws.harmful_contacted if harmful else settings.life.contacted
    rows = np.flatnonzero(draws.chance("chosen", share * wanted) & found.eligible)
    draws = draws[rows]
    control: Floats | float = settings.life.control
    if campaign.flaw == "broken_split":
        elder = people.age[rows] >= settings.flaws.split_age
        control = np.where(elder, settings.flaws.split_control, control)
    chosen = Chosen(
        rows=rows,
        draws=draws,
        is_control=draws.chance("control", control),
        day=calendar.starts[campaign.month] + draws.whole("contact day", 0, LAST_CONTACT_DAY),
        channel=_channel(draws, people, rows),
    )
    # Nobody is written to on a channel that he asked not to be; neither arm has such customers.
    return chosen.of(~found.unsubscribed[rows, chosen.channel])


def _assigned(campaign: Campaign, assigned: Assigned, people: People) -> Chosen:
    """Those of the assigned customers who are in this chunk."""
    start, stop = np.searchsorted(assigned.number, [people.number[0], people.number[-1] + 1])
    rows = assigned.number[start:stop] - people.number[0]
    draws = people.draws[rows].child(f"assigned {campaign.id}", np.full(len(rows), campaign.month))
    return Chosen(
        rows=rows,
        draws=draws,
        is_control=assigned.is_control[start:stop],
        day=assigned.day[start:stop],
        channel=assigned.channel[start:stop],
    )


def _flawed(campaign: Campaign, reaction: Reaction, people: People, settings: Settings) -> Reaction:
    """The reaction to a campaign that has no effect, or harms everybody."""
    rates = settings.reactions
    if campaign.flaw == "no_effect":
        moved = (reaction.group == PERSUADABLE) | (reaction.group == SLEEPING_DOG)
        group = np.where(moved, LOST_CAUSE, reaction.group)
        return replace(reaction, group=group, effect=np.zeros(len(group)))
    if campaign.flaw == "harmful":
        share = people.draws.uniform(f"harm of {campaign.id}")
        middle = (rates.least_harm + rates.most_harm) / 2
        harm = middle + (rates.most_harm - middle) * share
        group = np.full(len(people), SLEEPING_DOG)
        return replace(reaction, group=group, effect=-harm * rates.strength)
    return reaction


def _contacts_before(chosen: Chosen, found: Situation, settings: Settings) -> Ints:
    before = np.zeros(len(chosen.rows), dtype=np.int64)
    for days in found.contact_days:
        ago = chosen.day - days[chosen.rows]
        before += (ago > 0) & (ago <= settings.reactions.fatigue_days)
    return before


def _channel(draws: Draws, people: People, chosen: Ints) -> Ints:
    positions = [CHANNELS.index(name) for name in CAMPAIGN_CHANNELS]
    weights = people.channel[chosen][:, positions] + 0.01
    cumulative = np.cumsum(weights, axis=1)
    point = draws.uniform("contact channel")[:, None] * cumulative[:, -1:]
    position: Ints = np.array(positions)[(point >= cumulative).sum(axis=1)]
    return position
