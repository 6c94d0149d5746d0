"""Campaigns with a random control group, how customers answer, and why they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.columns import canonical, dates
from portrait_assets.synthetic.lifecycle import Lifecycle
from portrait_assets.synthetic.market import Market
from portrait_assets.synthetic.people import People
from portrait_assets.synthetic.randomness import (
    Draws,
    Floats,
    Ints,
    Mask,
)
from portrait_assets.synthetic.seasons import Calendar
from portrait_assets.synthetic.segments import CHANNELS, SEGMENT_CODES
from portrait_assets.synthetic.settings import Life


@dataclass(frozen=True)
class Kind:
    """A kind of campaign; `effect` is what contact adds to the probability of an answer."""

    code: str
    title: str
    product: str | None
    answer: str
    baseline: float
    """Logit of answering without contact."""
    effect: float
    """Mean added probability of answering, by contact, before the customer's own factor."""
    likes: dict[str, float]
    """Factor on the effect by segment; 1 where not named."""
    amount: float
    """Median amount of an answer, CNY, for a customer of median wealth."""
    spend: float = 0.0
    """Relative change of spending in the campaign's month by contact."""


KINDS: tuple[Kind, ...] = (
    Kind(
        "term_deposit",
        "定期存款优利",
        "P103",
        "subscribed",
        -3.2,
        0.07,
        {"senior": 2.2, "affluent": 1.2, "young_digital": 0.2, "revolver": 0.1, "dormant": 0.3},
        50_000,
    ),
    Kind(
        "cashback",
        "消费返现",
        None,
        "redeemed",
        -2.6,
        0.14,
        {"young_digital": 1.6, "family": 1.4, "affluent": 0.3, "senior": 0.5, "dormant": 0.2},
        120,
        spend=0.25,
    ),
    Kind(
        "fund",
        "基金定投",
        "P402",
        "purchased",
        -3.6,
        0.05,
        {"affluent": 3.0, "owner": 1.4, "senior": 0.2, "revolver": 0.1, "dormant": 0.1},
        10_000,
    ),
    Kind(
        "instalment",
        "账单分期",
        "P202",
        "converted",
        -3.0,
        0.08,
        {"revolver": 2.4, "young_digital": 1.2, "affluent": 0.1, "senior": 0.0, "dormant": 0.1},
        4_000,
    ),
)
"""Taken in turn, one campaign a month."""

CAMPAIGN_CHANNELS = ("app", "phone", "branch")
BAND = 0.95
"""No probability of answering exceeds this."""


@dataclass(frozen=True)
class Campaign:
    """One campaign: it runs through one month."""

    id: str
    month: int
    kind: Kind


@dataclass(frozen=True)
class Contacted:
    """The customers chosen for one campaign, one entry each, and the truth about them.

    `chosen` are rows of the chunk. Probabilities are those of answering within the month.
    """

    campaign: Campaign
    chosen: Ints
    is_control: Mask
    day: Ints
    """Day of the contact, from 1970-01-01; for the control group the day it would have been."""
    channel: Ints
    without: Floats
    """Probability of answering when not contacted."""
    contacted: Floats
    """Probability of answering when contacted."""
    answered: Mask
    answer_day: Ints
    amount: Ints
    """Amount of the answer in cents."""
    spend_effect: Floats
    """Relative change of the month's expected spending that contact brings about."""

    @property
    def probability(self) -> Floats:
        """Probability of answering in the arm that the customer was in."""
        return np.where(self.is_control, self.without, self.contacted)


def make_campaigns(calendar: Calendar) -> list[Campaign]:
    """One campaign for every month, the kinds in turn."""
    return [
        Campaign(f"CMP{month + 1:03d}", month, KINDS[month % len(KINDS)])
        for month in range(calendar.count)
    ]


def run_campaign(
    campaign: Campaign, people: People, lives: Lifecycle, market: Market, life: Life
) -> Contacted:
    """Choose, hold out and contact customers of a chunk, and let them answer.

    Who is chosen depends on the customer, as it does in a bank; who of the chosen is held out as
    control does not.
    """
    kind, calendar = campaign.kind, market.calendar
    draws = people.draws.child("campaign", np.full(len(people), campaign.month))
    likes = np.array([kind.likes.get(code, 1.0) for code in SEGMENT_CODES])[people.segment]
    wanted = life.contacted * np.clip(0.5 + 0.5 * likes, 0.4, 1.8)
    there = lives.is_customer(campaign.month) & (lives.join_month < campaign.month)
    chosen = np.flatnonzero(draws.chance("chosen", wanted) & there)
    draws = draws[chosen]

    rate_gap = market.deposit_rate[campaign.month] - market.deposit_rate[0]
    logit = kind.baseline + people.response[chosen]
    if kind.code == "term_deposit":
        logit = logit + 1.5 * rate_gap
    without = 1 / (1 + np.exp(-logit))
    effect = kind.effect * likes[chosen] * people.persuadable[chosen]
    contacted = np.clip(without + effect, 0.0, BAND)
    contacted = np.maximum(contacted, without)
    is_control = draws.chance("control", life.control)
    answered = draws.chance("answers", np.where(is_control, without, contacted))
    day = calendar.starts[campaign.month] + draws.whole("contact day", 0, 11)
    wait = np.minimum((-4.0 * np.log1p(-draws.uniform("lag"))).astype(np.int64), 15)
    amount = (
        kind.amount * (people.wealth[chosen] / 30_000) ** 0.4 * np.exp(0.5 * draws.normal("amount"))
    )
    return Contacted(
        campaign=campaign,
        chosen=chosen,
        is_control=is_control,
        day=day,
        channel=_channel(draws, people, chosen),
        without=without,
        contacted=contacted,
        answered=answered,
        answer_day=day + wait,
        amount=np.maximum(np.rint(amount), 1).astype(np.int64) * 100,
        spend_effect=kind.spend * np.minimum(likes * people.persuadable, 2.0)[chosen],
    )


def _channel(draws: Draws, people: People, chosen: Ints) -> Ints:
    positions = [CHANNELS.index(name) for name in CAMPAIGN_CHANNELS]
    weights = people.channel[chosen][:, positions] + 0.01
    cumulative = np.cumsum(weights, axis=1)
    point = draws.uniform("contact channel")[:, None] * cumulative[:, -1:]
    position: Ints = np.array(positions)[(point >= cumulative).sum(axis=1)]
    return position


def campaigns_table(campaigns: list[Campaign], calendar: Calendar) -> pa.Table:
    """The canonical `campaigns`."""
    months = np.array([campaign.month for campaign in campaigns])
    return canonical(
        "campaigns",
        {
            "campaign_id": pa.array([c.id for c in campaigns], pa.string()),
            "campaign_type": pa.array([c.kind.code for c in campaigns], pa.string()),
            "title": pa.array(
                [f"{calendar.names[c.month]} {c.kind.title}" for c in campaigns], pa.string()
            ),
            "started_on": dates(calendar.starts[months]),
            "ended_on": dates(calendar.starts[months + 1] - 1),
            "product_id": pa.array([c.kind.product for c in campaigns], pa.string()),
        },
        len(campaigns),
    )


def promotions_table(campaigns: list[Campaign], calendar: Calendar) -> pa.Table:
    """The canonical `promotions`: branches show the product of the month's campaign, all of them.

    Which transactions were made in sight of it is not known.
    """
    months = np.array([campaign.month for campaign in campaigns])
    return canonical(
        "promotions",
        {
            "product_id": pa.array([c.kind.product for c in campaigns], pa.string()),
            "started_on": dates(calendar.starts[months]),
            "ended_on": dates(calendar.starts[months + 1] - 1),
            "display_share": pa.array(np.ones(len(campaigns))),
            "mailer_share": pa.array(np.zeros(len(campaigns))),
        },
        len(campaigns),
    )
