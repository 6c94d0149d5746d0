"""Which campaigns a bank plans, what is wrong with some of them, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import canonical, dates, money
from portrait_assets.synthetic.common.randomness import Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.marketing.offers import KINDS, Kind
from portrait_assets.synthetic.settings import Delivery, Flaws, Settings

AS_PLANNED = "as_planned"
FLAWED = {7: "broken_split", 8: "contaminated", 9: "no_effect", 10: "harmful"}
"""What is wrong with the campaign at a place among PERIOD campaigns; nothing with the others."""
PERIOD = 24


@dataclass(frozen=True)
class Assigned:
    """Customers whom somebody else than the bank has assigned to a campaign, ordered by number."""

    number: Ints
    is_control: Mask
    channel: Ints
    """Position in CHANNELS."""
    day: Ints
    """Days from 1970-01-01."""


@dataclass(frozen=True)
class Campaign:
    """One campaign in one month; `number` is its place in the bank's own plan, from 0.

    `assigned` are its customers where others than the bank have assigned them.
    """

    id: str
    number: int
    month: int
    kind: Kind
    flaw: str = AS_PLANNED
    assigned: Assigned | None = None


def make_campaigns(
    calendar: Calendar, count: int | None = None, flaws: Flaws | None = None
) -> list[Campaign]:
    """The campaigns planned by the bank: `count` over its months, evenly, the kinds in turn.

    By default one a month. Months that continue a bank have as many as its own had.
    """
    flaws = flaws or Flaws()
    total = calendar.horizon if count is None else count
    every = -(-total * calendar.count // calendar.horizon)
    planned = []
    for number in range(every):
        flaw = FLAWED.get(number % PERIOD)
        planned.append(
            Campaign(
                f"CMP{number + 1:03d}",
                number,
                number * calendar.horizon // total,
                KINDS[number % len(KINDS)],
                flaw if flaw and getattr(flaws, flaw) else AS_PLANNED,
            )
        )
    return planned


def _whole(campaigns: Sequence[Campaign]) -> list[list[Campaign]]:
    """The campaigns' months, by campaign, in the order of their first ones."""
    found: dict[str, list[Campaign]] = {}
    for campaign in campaigns:
        found.setdefault(campaign.id, []).append(campaign)
    return list(found.values())


def contact_cost(delivery: Delivery, channels: Sequence[str]) -> Ints:
    """Cost of a contact by channel, in cents."""
    costs = dict(delivery.cost)
    return np.array([round(costs.get(channel, 0.0) * 100) for channel in channels])


def campaigns_table(
    campaigns: Sequence[Campaign],
    calendar: Calendar,
    customers: int,
    settings: Settings,
    spent: dict[str, int],
) -> pa.Table:
    """The canonical `campaigns`.

    Args:
        customers: how many the bank has; budgets are made for that many.
        spent: cost of the contacts in cents, by campaign.
    """
    whole = _whole(campaigns)
    first = [parts[0] for parts in whole]
    delivery, life = settings.delivery, settings.life
    starts = calendar.starts[np.array([parts[0].month for parts in whole], dtype=np.int64)]
    ends = calendar.starts[np.array([parts[-1].month + 1 for parts in whole], dtype=np.int64)] - 1
    fixed = round(delivery.fixed_cost * 100)
    dearest = max((cost for _, cost in delivery.cost), default=0.0)
    share = np.array([_chosen(c, settings) for c in first])
    # A quarter of the contacts by the dearest channel is about what customers' habits bring.
    planned = customers * share * (1 - life.control) * dearest / 4 + delivery.fixed_cost
    budget = np.ceil(planned * delivery.budget_margin / 100).astype(np.int64) * 10_000
    return canonical(
        "campaigns",
        {
            "campaign_id": pa.array([c.id for c in first], pa.string()),
            "campaign_type": pa.array([c.kind.code for c in first], pa.string()),
            "title": pa.array(
                [f"{calendar.names[c.month]} {c.kind.title}" for c in first], pa.string()
            ),
            "started_on": dates(starts),
            "ended_on": dates(ends),
            "product_id": pa.array([c.kind.product for c in first], pa.string()),
            "control_share": pa.array(
                [None if c.assigned else life.control for c in first], pa.float64()
            ),
            "budget": money(budget),
            "cost": money(np.array([fixed + spent.get(c.id, 0) for c in first], dtype=np.int64)),
        },
        len(first),
    )


def _chosen(campaign: Campaign, settings: Settings) -> float:
    harmful = campaign.flaw == "harmful"
    return settings.flaws.harmful_contacted if harmful else settings.life.contacted


def promotions_table(campaigns: Sequence[Campaign], calendar: Calendar) -> pa.Table:
    """The canonical `promotions`: branches show the products of the month's campaigns, all of them.

    A campaign of no product has none to show. Which transactions were made in sight of it is not
    known.
    """
    shown = dict.fromkeys((c.month, c.kind.product) for c in campaigns if c.kind.product)
    months = np.array([month for month, _ in shown], dtype=np.int64)
    return canonical(
        "promotions",
        {
            "product_id": pa.array([product for _, product in shown], pa.string()),
            "started_on": dates(calendar.starts[months]),
            "ended_on": dates(calendar.starts[months + 1] - 1),
            "display_share": pa.array(np.ones(len(shown))),
            "mailer_share": pa.array(np.zeros(len(shown))),
        },
        len(shown),
    )


def true_campaigns(campaigns: Sequence[Campaign], settings: Settings) -> pa.Table:
    """The truth about each campaign: what is wrong with it, and how."""
    first = [parts[0] for parts in _whole(campaigns)]
    flaws, life = settings.flaws, settings.life

    def where(flaw: str, value: float, otherwise: float | None) -> pa.Array:
        return pa.array([value if c.flaw == flaw else otherwise for c in first], pa.float64())

    elder: Floats | pa.Array = where("broken_split", flaws.split_control, life.control)
    return pa.table(
        {
            "campaign_id": pa.array([c.id for c in first], pa.string()),
            "campaign_type": pa.array([c.kind.code for c in first], pa.string()),
            "planted": pa.array([c.flaw for c in first], pa.string()),
            "is_assigned": pa.array([c.assigned is not None for c in first]),
            "control_share_of_younger": pa.array([life.control] * len(first), pa.float64()),
            "control_share_of_elder": elder,
            "elder_from_age": where("broken_split", flaws.split_age, None),
            "contaminated_share": where("contaminated", flaws.contaminated_share, 0.0),
        }
    )
