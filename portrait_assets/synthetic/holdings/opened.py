"""Accounts that customers open by an offer or at a rise of rates, and the money in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints
from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.holdings.products import POSITION
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.synthetic.marketing.offers import (
    FUND_OFFERED,
    INSTALMENTS,
    OFFERED,
    TERM_OFFERED,
)
from portrait_assets.synthetic.persons.people import People

MONTHS = 12
"""Term of a deposit, and number of instalments."""
RENEWS = 0.5
"""Probability that a deposit is renewed once, for a term."""
FUND_MONTHS = (12, 48)
"""A fund is kept for so many months, at least and at most."""
ACCOUNTS = tuple(OFFERED)
PRODUCTS_OFFERED = tuple(POSITION[OFFERED[account]] for account in ACCOUNTS)


@dataclass(frozen=True)
class Openings:
    """Amounts that went into new accounts, one entry each."""

    customer: Ints
    """Rows of the chunk."""
    month: Ints
    account: Ints
    """One of ACCOUNTS."""
    amount: Floats
    """CNY."""
    until: Ints
    """Month in which nothing of it is left."""

    def __len__(self) -> int:
        """Number of openings."""
        return len(self.customer)

    @classmethod
    def together(cls, parts: Iterable[Openings]) -> Openings:
        """All of them."""
        listed = list(parts)

        def column(give: Callable[[Openings], Ints]) -> Ints:
            return np.concatenate([np.zeros(0, dtype=np.int64), *map(give, listed)])

        return cls(
            customer=column(lambda part: part.customer),
            month=column(lambda part: part.month),
            account=column(lambda part: part.account),
            amount=np.concatenate([np.zeros(0), *(part.amount for part in listed)]),
            until=column(lambda part: part.until),
        )


def opened_by(contact: Contacted, people: People, share: float) -> Openings:
    """What this share of the answers to a campaign opens, from its month on."""
    account = contact.campaign.kind.account
    if account is None:
        return Openings.together([])
    rows = np.flatnonzero(contact.answered)
    label = f"opened by {contact.campaign.id}"
    draws = people.draws[contact.chosen[rows]].child(label, np.zeros_like(rows))
    opens = draws.chance("opens", share)
    rows, draws = rows[opens], draws[opens]
    customer = contact.chosen[rows]
    return _open(draws, customer, contact.campaign.month, account, contact.amount[rows] / 100)


def opened_at_rise(people: People, rows: Ints, month: int, amount: Floats) -> Openings:
    """Deposits that these customers open by themselves."""
    draws = people.draws[rows].child("opened at a rise", np.full(len(rows), month))
    return _open(draws, rows, month, TERM_OFFERED, np.rint(amount))


def _open(draws: Draws, customer: Ints, month: int, account: int, amount: Floats) -> Openings:
    term = np.full(len(customer), MONTHS)
    if account == TERM_OFFERED:
        term = np.where(draws.chance("renews", RENEWS), 2 * MONTHS, term)
    elif account == FUND_OFFERED:
        term = draws.whole("keeps", *FUND_MONTHS)
    return Openings(
        customer=customer,
        month=np.full(len(customer), month),
        account=np.full(len(customer), account),
        amount=amount,
        until=month + term,
    )


@dataclass(frozen=True)
class Standing:
    """What is in the accounts of OFFERED in one month, shape (customers, 3), CNY."""

    balance: Floats
    granted: Floats
    """What instalments were agreed on for, in the account of INSTALMENTS; 0 in the others."""
    paid_in: Floats
    """What was paid into accounts that are open, without what it has gained since."""


def standing(openings: Openings, month: int, customers: int, market: Market) -> Standing:
    """What is in the accounts at the end of a month."""
    rows = np.flatnonzero((openings.month <= month) & (month < openings.until))
    since, account = openings.month[rows], openings.account[rows]
    paid_in = openings.amount[rows]
    fund = POSITION[OFFERED[FUND_OFFERED]]
    gained = market.net_value[month, fund] / market.net_value[since, fund]
    left = (openings.until[rows] - month) / MONTHS
    worth = np.select([account == FUND_OFFERED, account == INSTALMENTS], [gained, left], 1.0)
    place = openings.customer[rows] * len(ACCOUNTS) + (account - ACCOUNTS[0])

    def spread(values: Floats) -> Floats:
        summed = np.bincount(place, weights=values, minlength=customers * len(ACCOUNTS))
        table: Floats = summed.astype(np.float64).reshape(customers, len(ACCOUNTS))
        return table

    owed = account == INSTALMENTS
    return Standing(spread(paid_in * worth), spread(paid_in * owed), spread(paid_in))
