"""Contacts and responses as the bank records them, and the truth about every contact."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from portrait_assets.stages.raw.tables.campaigns import DELIVERY_STATUSES
from portrait_assets.synthetic.common.columns import canonical, codes, dates, money, repeated
from portrait_assets.synthetic.common.randomness import Ints
from portrait_assets.synthetic.common.truth import Planted
from portrait_assets.synthetic.holdings.products import POSITION, margin_rate
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.synthetic.marketing.plans import contact_cost
from portrait_assets.synthetic.marketing.reactions import GROUPS
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets.synthetic.settings import Delivery, Dirt

ARMS = ("treatment", "control")


def assignments_table(contact: Contacted, customer_ids: pa.Array) -> pa.Table:
    """The canonical `assignments` of one campaign: who was meant to be contacted, and who not."""
    rows = len(contact.chosen)
    return canonical(
        "assignments",
        {
            "customer_id": codes(contact.chosen, customer_ids),
            "campaign_id": repeated(contact.campaign.id, rows),
            "arm": codes(contact.is_control.astype(np.int32), ARMS),
            "channel": codes(contact.channel, CHANNELS, missing=contact.is_control),
            "assigned_on": dates(contact.day),
        },
        rows,
    )


def contacts_table(contact: Contacted, delivery: Delivery, customer_ids: pa.Array) -> pa.Table:
    """The canonical `contacts` of one campaign.

    The control group was reached by no channel, but for the part of it that was contacted all the
    same where the campaign is contaminated.
    """
    nobody = ~contact.was_contacted
    return canonical(
        "contacts",
        {
            "customer_id": codes(contact.chosen, customer_ids),
            "campaign_id": repeated(contact.campaign.id, len(contact.chosen)),
            "contacted_on": dates(contact.day),
            "channel": codes(contact.channel, CHANNELS, missing=nobody),
            "is_control": pa.array(contact.is_control),
            "cost": money(contact_cost(delivery, CHANNELS)[contact.channel], missing=nobody),
            "delivery_status": codes(contact.status, DELIVERY_STATUSES, missing=nobody),
        },
        len(contact.chosen),
    )


def responses_table(
    contact: Contacted, people: People, dirt: Dirt, customer_ids: pa.Array
) -> tuple[pa.Table, list[Planted]]:
    """The canonical `responses` to one campaign: who answered, with the amount in CNY."""
    rows = np.flatnonzero(contact.answered)
    customer, day = contact.chosen[rows], contact.answer_day[rows]
    draws = people.draws[customer].child("answer", np.full(len(rows), contact.campaign.number))
    early = np.flatnonzero(draws.chance("early", dirt.response_before_contact))
    planted = [
        Planted(
            "responded_on",
            "before_contact",
            early,
            np.datetime_as_string(day[early].astype("datetime64[D]")).tolist(),
        )
    ]
    day = day.copy()
    day[early] = contact.day[rows][early] - 3
    kind = contact.campaign.kind
    product: list[str | None] = [kind.product]
    table = canonical(
        "responses",
        {
            "customer_id": codes(customer, customer_ids),
            "campaign_id": repeated(contact.campaign.id, len(rows)),
            "responded_on": dates(day),
            "response": repeated(kind.answer, len(rows)),
            "product_id": pa.array(product * len(rows), pa.string()).dictionary_encode(),
            "amount": money(contact.amount[rows]),
        },
        len(rows),
    )
    return table, planted


def true_responses(contact: Contacted, customer_ids: pa.Array) -> pa.Table:
    """The truth about each contact: probabilities of answering, and what contact adds to them.

    `margin` is what the answer earns within a year, in CNY; null where it opens no account.
    """
    rows: Ints = contact.chosen
    product = contact.campaign.kind.product
    rate = None if product is None else margin_rate(POSITION[product])
    earned = np.rint(contact.amount * (rate or 0.0) * contact.answered).astype(np.int64)
    return pa.table(
        {
            "customer_id": codes(rows, customer_ids),
            "campaign_id": repeated(contact.campaign.id, len(rows)),
            "is_control": pa.array(contact.is_control),
            "response_probability": pa.array(contact.probability),
            "probability_without_contact": pa.array(contact.without),
            "probability_with_contact": pa.array(contact.contacted),
            "treatment_effect": pa.array(contact.effect),
            "spend_effect": pa.array(contact.spend_effect),
            "responded": pa.array(contact.answered),
            "response_group": codes(contact.group, GROUPS),
            "contacts_before": pa.array(contact.contacts_before),
            "was_contacted": pa.array(contact.was_contacted),
            "margin": money(earned, missing=np.full(len(rows), rate is None)),
        }
    )
