"""Accounts and their balances at every month's end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import (
    canonical,
    codes,
    dates,
    fixed_text,
    money,
    prefixed,
)
from portrait_assets.synthetic.common.randomness import Floats, Ints, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.common.truth import Planted
from portrait_assets.synthetic.economy.events import FOLLOWS_SUCCESSOR, Happenings, rate_sensitive
from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.holdings.borrowing import CARD, LOAN, Borrowing
from portrait_assets.synthetic.holdings.opened import PRODUCTS_OFFERED, Openings, Standing, standing
from portrait_assets.synthetic.holdings.products import (
    CARDS,
    CURRENT,
    FUND_OF_GRADE,
    INSURANCE,
    LOANS,
    NEWCOMERS,
    PRODUCT_IDS,
    SUCCESSOR,
    TERM,
    WITHDRAWN,
    introduced_month,
    withdrawn_month,
)
from portrait_assets.synthetic.holdings.suitability import suitable_grades
from portrait_assets.synthetic.holdings.taking import OPENS_LATER, SHOWN_BY, month_of_taking
from portrait_assets.synthetic.marketing.offers import INSTALMENTS, OFFERED
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.segment_traits import HOLDINGS
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.settings import Events, Reactions, Settings, Suitability

USUAL = Suitability()
SLOTS = ("current", "term", "fund", "card", "loan")
"""The accounts a customer may hold by himself; the digit at an account_id's end."""
ALL_SLOTS = (*SLOTS, *OFFERED)
"""With those that offers open."""
REDEEMED = -1
LOAN_MONTHS = (36, 240, 60)
"""Term of a consumer loan, a mortgage and a business loan, in months."""
TERM_WEIGHTS = (3, 5, 2)
"""How often each of TERM is chosen."""
QUIET = Happenings(Events())
"""A market in which no rate rises."""
MOST_TAKEN = 0.8
"""Share of an account that moves into new ones at most."""


@dataclass(frozen=True)
class Holdings:
    """Which products a run of customers holds; positions in PRODUCTS."""

    opened: Ints
    """Month in which each of SLOTS was opened, shape (customers, 5); NEVER for not held."""
    term: Ints
    card: Ints
    loan: Ints
    insurance: Ints
    fund: Ints
    """Fund held in each month, shape (customers, months); REDEEMED for none any more."""
    is_unsuitable: Mask
    """Whose fund, if any is held, was sold against what suits."""
    happenings: Happenings
    is_rate_sensitive: Mask

    def term_kept(self, month: int) -> Floats | float:
        """Share of their term deposits that customers leave with the bank in the month."""
        return self.happenings.term_kept(self.is_rate_sensitive, month)

    def product(self, slot: str, month: Ints) -> Ints:
        """Product of an account that each customer would have in a month of his."""
        if slot == "fund":
            return self.fund[np.arange(len(month)), month]
        products: Ints = getattr(self, slot)
        return products


def fund_grades(people: People) -> Ints:
    """Risk grade, 1 to 5, of the funds that each customer holds or would hold."""
    return np.clip(np.rint(people.risk_appetite).astype(np.int64), 1, 5)


def takes_business_loan(people: People) -> Mask:
    """Whose loan is a business loan."""
    is_owner: Mask = people.segment == SEGMENT_CODES.index("owner")
    return is_owner


def mortgage_chance(people: People) -> Floats:
    """Probability that a loan of others is a mortgage."""
    return np.where(people.segment == SEGMENT_CODES.index("family"), 0.7, 0.15)


def make_holdings(
    people: People,
    lives: Lifecycle,
    calendar: Calendar,
    happenings: Happenings = QUIET,
    suitability: Suitability = USUAL,
) -> Holdings:
    """Accounts of these people, and what they do when a fund is withdrawn or introduced."""
    draws, horizon, rates = people.draws, calendar.horizon, happenings.rates
    opened = np.full((len(people), len(SLOTS)), NEVER)
    opened[:, 0] = lives.join_month
    late = np.maximum(lives.join_month, 0)
    for slot, name in enumerate(SLOTS[1:], start=1):
        place = HOLDINGS.index(name)
        holds = people.holds[:, place] & (lives.join_month < calendar.count)
        after = draws.uniform(f"opens {name}") * np.maximum(horizon - late, 1)
        when = late + after.astype(np.int64)
        later = draws.chance(f"opens {name} later", OPENS_LATER)
        when = np.where(later, when, lives.join_month)
        # A card or a loan is taken by nobody else: the taker would have no credit history.
        takes = month_of_taking(people, lives, name, rates) if name in SHOWN_BY else NEVER
        opened[:, slot] = np.where(holds, when, np.where(people.holds[:, place], NEVER, takes))

    grade, is_unsuitable = suitable_grades(people, fund_grades(people), calendar, suitability)
    fund = np.repeat(np.array(FUND_OF_GRADE)[grade - 1][:, None], calendar.count, axis=1)
    gone = withdrawn_month(WITHDRAWN, calendar)
    after = np.where(draws.chance("follows successor", FOLLOWS_SUCCESSOR), SUCCESSOR, REDEEMED)
    fund[:, gone:] = np.where(fund[:, gone:] == WITHDRAWN, after[:, None], fund[:, gone:])
    curious = draws.chance("tries new", rates.launch)[:, None]
    for old, new in NEWCOMERS:
        start = introduced_month(new, calendar) + 1
        fund[:, start:] = np.where((fund[:, start:] == old) & curious, new, fund[:, start:])

    mortgage = draws.chance("mortgage", mortgage_chance(people))
    loan = np.where(takes_business_loan(people), LOANS[2], np.where(mortgage, LOANS[1], LOANS[0]))
    rank = np.searchsorted([90_000, 200_000, 450_000], people.income)
    rank = np.where((people.age < 26) & (rank == 1), 0, np.maximum(rank, (people.age >= 26) * 1))
    return Holdings(
        opened=opened,
        term=np.array(TERM)[draws.pick("term product", TERM_WEIGHTS)],
        card=np.array(CARDS)[rank],
        loan=loan,
        insurance=np.array(INSURANCE)[draws.pick("insurance product", [3, 4, 2])],
        fund=fund,
        happenings=happenings,
        is_rate_sensitive=rate_sensitive(people, rates),
        is_unsuitable=is_unsuitable,
    )


@dataclass(frozen=True)
class _Limits:
    card: Ints
    loan: Ints
    loan_months: Ints
    loan_age: Ints


def _limits(people: People, holdings: Holdings) -> _Limits:
    """Credit limits in cents: card limits follow income, loans the kind of loan."""
    draws = people.draws
    card = np.clip(people.income * 0.3 * np.exp(0.3 * draws.normal("limit")), 3_000, 500_000)
    kind = holdings.loan - LOANS[0]
    size = np.array([0.5, 4.0, 1.5])[kind] * people.income * np.exp(0.3 * draws.normal("loan"))
    months = np.array(LOAN_MONTHS)[kind]
    return _Limits(
        card=np.rint(card / 1000).astype(np.int64) * 100_000,
        loan=np.maximum(np.rint(size / 1000), 5).astype(np.int64) * 100_000,
        loan_months=months,
        loan_age=(draws.uniform("loan age") * months * 0.5).astype(np.int64),
    )


def balance_tables(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    borrowing: Borrowing,
    openings: Openings,
    market: Market,
    settings: Settings,
    customer_ids: pa.Array,
) -> Iterator[tuple[pa.Table, list[Planted]]]:
    """The canonical `balances` of each month in turn, ordered by customer and account.

    Cards, loans and instalments state what is owed as a positive balance with the credit limit
    (for a loan or instalments, the amount granted); deposits and funds have no limit.
    """
    limits = _limits(people, holdings)
    accounts = _account_ids(people)
    for month in market.calendar.written:
        there = lives.is_customer(month)
        is_open = (holdings.opened <= month) & there[:, None]
        is_open[:, 2] &= holdings.fund[:, month] != REDEEMED
        is_open[:, 4] &= _loan_left(holdings, limits, month) > 0
        offered = standing(openings, month, len(people), market)
        is_open = np.hstack([is_open, (offered.balance > 0) & there[:, None]])
        yield _month(
            month,
            people,
            lives,
            holdings,
            borrowing,
            market,
            settings,
            customer_ids,
            limits,
            accounts,
            is_open,
            offered,
        )


def _account_ids(people: People) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    slots = np.arange(len(ALL_SLOTS))
    number = np.repeat(people.number, len(slots)) * 10 + np.tile(slots, len(people))
    return prefixed("A", number, 9)


def _loan_left(holdings: Holdings, limits: _Limits, month: int) -> Ints:
    paid = limits.loan_age + month - np.maximum(holdings.opened[:, LOAN + 1], 0)
    return limits.loan_months - paid


def _amounts(
    month: int,
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    borrowing: Borrowing,
    market: Market,
    limits: _Limits,
    offered: Standing,
    rates: Reactions,
) -> Floats:
    """Balances in CNY, shape (customers, ALL_SLOTS), whether held or not."""
    draws = people.draws.child("balance", np.full(len(people), month))
    trend = np.exp((0.008 * people.draws.normal("saving") + people.flow) * month)
    leaving = np.maximum(lives.activity[:, month], 0.05) ** 0.6
    leaving = np.where(lives.ahead(month) <= 4, leaving, 1.0)
    current = people.deposit * trend * leaving * np.exp(0.25 * draws.normal("current"))
    term = np.rint(people.wealth * holdings.term_kept(month) * trend / 1000) * 1000 + 1000
    funds = np.where(holdings.fund[:, month] == REDEEMED, CURRENT, holdings.fund[:, month])
    fund = people.wealth * people.fund_factor * trend * leaving * market.net_value[month, funds]
    season = 1.1 if int(market.calendar.names[month][5:]) in (1, 11, 12) else 1.0
    used = people.utilisation * season * np.exp(0.2 * draws.normal("card"))
    used = np.clip(used + 0.08 * borrowing.months_behind[:, month], 0.0, 1.05)
    left = np.clip(_loan_left(holdings, limits, month) / limits.loan_months, 0.0, 1.0)
    card, loan = used * limits.card / 100, limits.loan / 100 * left
    # Part of what is in new accounts was in the current one, and a bill paid by instalments is off
    # the card; a fund that was redeemed is in the current account, as far as it stays in the bank.
    invested = offered.paid_in[:, :2].sum(axis=1)
    taken = np.minimum(rates.own_money * invested, MOST_TAKEN * current)
    current = current - taken + rates.keeps_redeemed * _redeemed(month, people, holdings, market)
    card = card - np.minimum(offered.balance[:, 2], MOST_TAKEN * card)
    own = np.stack([current, term, fund, card, loan], axis=1)
    return np.hstack([own, offered.balance])


def _redeemed(month: int, people: People, holdings: Holdings, market: Market) -> Floats:
    """What customers got for a fund that was withdrawn, CNY, as long as they hold no other."""
    gone = withdrawn_month(WITHDRAWN, market.calendar)
    if not 0 < gone <= month:
        return np.zeros(len(people))
    had = (holdings.opened[:, 2] < gone) & (holdings.fund[:, gone - 1] == WITHDRAWN)
    got = had & (holdings.fund[:, month] == REDEEMED)
    return np.where(
        got, people.wealth * people.fund_factor * market.net_value[gone - 1, WITHDRAWN], 0.0
    )


def _month(
    month: int,
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    borrowing: Borrowing,
    market: Market,
    settings: Settings,
    customer_ids: pa.Array,
    limits: _Limits,
    accounts: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    is_open: Mask,
    offered: Standing,
) -> tuple[pa.Table, list[Planted]]:
    amounts = _amounts(
        month, people, lives, holdings, borrowing, market, limits, offered, settings.reactions
    )
    entries = np.flatnonzero(is_open)
    customer, slot = np.divmod(entries, len(ALL_SLOTS))
    product = np.stack(
        [
            np.full(len(people), CURRENT),
            holdings.term,
            holdings.fund[:, month],
            holdings.card,
            holdings.loan,
            *(np.full(len(people), product) for product in PRODUCTS_OFFERED),
        ],
        axis=1,
    )
    limit = np.zeros((len(people), len(ALL_SLOTS)), dtype=np.int64)
    limit[:, CARD + 1], limit[:, LOAN + 1] = limits.card, limits.loan
    limit[:, INSTALMENTS] = np.rint(offered.granted[:, -1] * 100).astype(np.int64)
    owed = np.isin(slot, (CARD + 1, LOAN + 1, INSTALMENTS))
    days = np.where(owed, borrowing.days_past_due[customer, month], 0)
    cents = np.rint(amounts.ravel()[entries] * 100).astype(np.int64)

    draws = people.draws[customer].child(f"balance dirt {month}", slot)
    wrong = owed & draws.chance("dpd", settings.dirt.negative_days_past_due)
    rows = np.flatnonzero(wrong)
    planted = [Planted("days_past_due", "sentinel", rows, [str(days[row]) for row in rows])]
    days = np.where(wrong, -1, days)
    table = canonical(
        "balances",
        {
            "customer_id": codes(customer, customer_ids),
            "account_id": fixed_text(accounts[entries]),
            "product_id": codes(product.ravel()[entries], PRODUCT_IDS),
            "balance_on": dates(np.full(len(entries), market.calendar.starts[month + 1] - 1)),
            "balance": money(cents),
            "credit_limit": money(limit.ravel()[entries], missing=~owed),
            "days_past_due": pa.array(days, pa.int64(), mask=~owed),
            "currency": codes(np.zeros(len(entries), dtype=np.int32), ["CNY"]),
        },
        len(entries),
    )
    return table, planted
