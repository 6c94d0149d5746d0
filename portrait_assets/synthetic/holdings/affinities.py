"""The truth about affinities: which product a customer will take by himself, and how probably."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import codes, dates
from portrait_assets.synthetic.common.randomness import Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.economy.events import FOLLOWS_SUCCESSOR
from portrait_assets.synthetic.holdings.balances import (
    SLOTS,
    TERM_WEIGHTS,
    Holdings,
    fund_grades,
    mortgage_chance,
    takes_business_loan,
)
from portrait_assets.synthetic.holdings.opened import Openings
from portrait_assets.synthetic.holdings.products import (
    CARDS,
    FUND_OF_GRADE,
    FUNDS,
    LOANS,
    NEWCOMERS,
    PRODUCT_IDS,
    SUCCESSOR,
    TERM,
    WITHDRAWN,
    introduced_month,
    withdrawn_month,
)
from portrait_assets.synthetic.holdings.taking import Window, last_window, taking_probability
from portrait_assets.synthetic.marketing.offers import FUND_OFFERED, TERM_OFFERED
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.settings import Events

BY_OFFER = {"term": TERM_OFFERED, "fund": FUND_OFFERED}
"""The account that an offer opens, by the slot of the same kind."""


@dataclass(frozen=True)
class _Affinity:
    """Customers without a product, one entry each: rows of the chunk, and the truth."""

    product: int
    rows: Ints
    probability: Floats
    is_taken: Mask


def affinities_table(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    openings: Openings,
    calendar: Calendar,
    ids: pa.Array,
) -> pa.Table:
    """One row per customer and product that he may take, by customer.

    `probability` is that of taking the product by himself within `months` months after `as_of`, of
    a customer who has no account of its kind, by himself or by an offer, and stays; `is_taken` is
    whether he did. No rows where the bank has no months to look ahead.
    """
    window, rates = last_window(calendar.horizon), holdings.happenings.rates
    parts = list(_affinities(people, lives, holdings, openings, calendar, window, rates))
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    product = np.concatenate([np.full(len(part.rows), part.product) for part in parts])[order]
    probability = np.concatenate([part.probability for part in parts])[order]
    as_of = int(calendar.starts[window.as_of + 1]) - 1
    return pa.table(
        {
            "customer_id": codes(rows[order], ids),
            "product_id": codes(product, PRODUCT_IDS),
            "as_of": dates(np.full(len(rows), as_of)),
            "months": pa.array(np.full(len(rows), window.months)),
            "probability": pa.array(probability.round(6), pa.float64()),
            "is_taken": pa.array(np.concatenate([part.is_taken for part in parts])[order]),
        }
    )


def _affinities(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    openings: Openings,
    calendar: Calendar,
    window: Window,
    rates: Events,
) -> Iterator[_Affinity]:
    there = lives.is_customer(window.as_of) & (window.months > 0)
    shares = _product_shares(people, holdings, calendar, window, rates)
    for slot, products in shares.items():
        lacks = there & ~_has_by_offer(slot, openings, len(people), window.as_of)
        opened = holdings.opened[:, SLOTS.index(slot)]
        probability = taking_probability(people, lives, slot, calendar.horizon, window, rates)
        ahead = window.as_of + window.months
        taken = (opened > window.as_of) & (opened <= ahead) & (opened < lives.leave_month)
        would_be = holdings.product(slot, np.clip(opened, 0, calendar.count - 1))
        for product, share in products.items():
            rows = np.flatnonzero(lacks & (opened > window.as_of) & (share > 0))
            yield _Affinity(
                product,
                rows,
                (probability * share)[rows],
                (taken & (would_be == product))[rows],
            )


def _has_by_offer(slot: str, openings: Openings, customers: int, month: int) -> Mask:
    """Who has an account of the kind that an offer or a rise of rates opened."""
    has = np.zeros(customers, dtype=np.bool_)
    if slot in BY_OFFER:
        stands = (openings.month <= month) & (month < openings.until)
        has[openings.customer[stands & (openings.account == BY_OFFER[slot])]] = True
    return has


def _product_shares(
    people: People, holdings: Holdings, calendar: Calendar, window: Window, rates: Events
) -> dict[str, dict[int, Floats]]:
    """By slot and product, how probably what a customer opens in the window is that product."""
    count = len(people)
    weights = np.array(TERM_WEIGHTS) / sum(TERM_WEIGHTS)
    owner, mortgage = takes_business_loan(people), mortgage_chance(people)
    funds = _fund_shares(calendar, window, rates)[fund_grades(people) - 1]
    return {
        "term": {p: np.full(count, w) for p, w in zip(TERM, weights.tolist(), strict=True)},
        "fund": {p: funds[:, p] for p in FUNDS},
        "card": {p: (holdings.card == p).astype(np.float64) for p in CARDS},
        "loan": {
            LOANS[0]: np.where(owner, 0.0, 1 - mortgage),
            LOANS[1]: np.where(owner, 0.0, mortgage),
            LOANS[2]: np.where(owner, 1.0, 0.0),
        },
    }


def _fund_shares(calendar: Calendar, window: Window, rates: Events) -> Floats:
    """Share of each product in what customers of each risk grade open, shape (5, products)."""
    months = range(window.as_of + 1, window.as_of + window.months + 1)
    total = np.zeros((len(FUND_OF_GRADE), len(PRODUCT_IDS)))
    for month in months:
        shares = np.zeros_like(total)
        shares[np.arange(len(FUND_OF_GRADE)), list(FUND_OF_GRADE)] = 1.0
        if month >= withdrawn_month(WITHDRAWN, calendar):
            shares[:, SUCCESSOR] += shares[:, WITHDRAWN] * FOLLOWS_SUCCESSOR
            shares[:, WITHDRAWN] = 0.0
        for old, new in NEWCOMERS:
            if month > introduced_month(new, calendar):
                shares[:, new] += shares[:, old] * rates.launch
                shares[:, old] *= 1 - rates.launch
        total += shares / max(len(months), 1)
    return total
