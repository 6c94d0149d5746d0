"""What becomes of a contact, and who asks not to be contacted any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from portrait_assets.stages.raw.tables.campaigns import DELIVERY_STATUSES
from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets.synthetic.settings import Delivery

if TYPE_CHECKING:
    from portrait_assets.synthetic.marketing.campaigns import Contacted

DELIVERED, OPENED, BOUNCED, REFUSED, UNSUBSCRIBED = range(len(DELIVERY_STATUSES))
LEAST_REACH = 0.5


@dataclass(frozen=True)
class Unsubscribed:
    """Customers who asked on a day not to be contacted on a channel any more, ordered by day.

    `customer` are rows of the chunk, `channel` positions in CHANNELS, days count from 1970-01-01.
    """

    customer: Ints
    channel: Ints
    day: Ints


def _by_channel(rates: Sequence[tuple[str, float]]) -> Floats:
    given = dict(rates)
    return np.array([given.get(channel, 0.0) for channel in CHANNELS])


def reach_of(delivery: Delivery, channels: Sequence[str]) -> Floats:
    """Probability that a contact arrives, by channel."""
    bounced = dict(delivery.bounced)
    return np.array([max(1 - bounced.get(channel, 0.0), LEAST_REACH) for channel in channels])


def deliver(
    draws: Draws, channel: Ints, bounced: Mask, answered: Mask, is_dog: Mask, rates: Delivery
) -> Ints:
    """What becomes of each contact, as a position in DELIVERY_STATUSES.

    Who answers has opened it; of the others, sleeping dogs refuse and unsubscribe more often.
    """
    more = np.where(is_dog, rates.more_of_sleeping_dogs, 1.0)
    refused = np.minimum(_by_channel(rates.refused)[channel] * more, 0.6)
    unsubscribes = np.minimum(rates.unsubscribed * more, 0.3)
    point = draws.uniform("delivery")
    opened = refused + unsubscribes + (1 - refused - unsubscribes) * rates.opened
    status = np.select(
        [bounced, answered, point < refused, point < refused + unsubscribes, point < opened],
        [BOUNCED, OPENED, REFUSED, UNSUBSCRIBED, OPENED],
        DELIVERED,
    )
    positions: Ints = status.astype(np.int64)
    return positions


def unsubscribed(contacts: Iterable[Contacted]) -> Unsubscribed:
    """Who of a chunk unsubscribed in these campaigns: what becomes a withdrawn consent."""
    parts = [
        (contact.chosen[rows], contact.channel[rows], contact.day[rows])
        for contact in contacts
        for rows in [np.flatnonzero(contact.was_contacted & (contact.status == UNSUBSCRIBED))]
    ]
    nobody = np.zeros(0, dtype=np.int64)
    customer, channel, day = (
        np.concatenate([nobody, *(part[i] for part in parts)]) for i in range(3)
    )
    order = np.lexsort((channel, customer, day))
    return Unsubscribed(customer[order], channel[order], day[order])
