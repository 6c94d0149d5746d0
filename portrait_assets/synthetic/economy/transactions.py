"""The transactions of a run of customers, month by month, a few array operations per column.

One transaction is a function of customer, month and its number within the month: two hashed
words of 64 bits, whose bits choose category, channel, day, minute, amount and the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from portrait_assets.synthetic.common.columns import (
    canonical,
    codes,
    fixed_text,
    money,
    prefixed,
    three_digits,
    timestamps,
)
from portrait_assets.synthetic.common.randomness import (
    GOLDEN,
    Floats,
    Ints,
    Words,
    label_word,
    lookup_by_weight,
    mix,
    normal_quantiles,
)
from portrait_assets.synthetic.common.seasons import DAY_SLOTS, DAY_US, SALARY_DAYS, minute_tables
from portrait_assets.synthetic.common.truth import WHOLE_ROW, Planted
from portrait_assets.synthetic.economy.bad_values import CHANNEL_NAMES, plant
from portrait_assets.synthetic.economy.events import Happenings
from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.holdings.balances import REDEEMED, Holdings
from portrait_assets.synthetic.holdings.borrowing import CARD
from portrait_assets.synthetic.holdings.products import CURRENT, PRODUCT_IDS
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import HOUR_HABIT, People
from portrait_assets.synthetic.persons.segment_traits import (
    CATEGORIES,
    CHANNELS,
    HOLDINGS,
    TICKET_MEDIAN,
    TICKET_SPREAD,
)
from portrait_assets.synthetic.service.travel import BRANCHES, REGION_NAMES, Travels
from portrait_assets.synthetic.settings import Settings

SLOTS = 256
MOST_PER_MONTH = 999
"""A transaction_id has three digits for the number within the month."""
CASH, WEALTH, INSURED = (CATEGORIES.index(name) for name in ("cash", "wealth", "insurance"))
ATM, BRANCH, PHONE, POS = (CHANNELS.index(name) for name in ("atm", "branch", "phone", "pos"))
MINUTE_US = 60_000_000


def _channel_rules() -> Ints:
    """Channel by category and wished channel: cash is drawn at machines and branches only."""
    rules = np.tile(np.arange(len(CHANNELS)), (len(CATEGORIES), 1))
    rules[CASH] = [ATM, ATM, ATM, ATM, BRANCH, BRANCH]
    for name in ("wealth", "insurance", "transfer", "education", "utilities"):
        rules[CATEGORIES.index(name), CHANNELS.index("pos")] = CHANNELS.index("app")
    for name in ("dining", "grocery", "transport"):
        category = CATEGORIES.index(name)
        rules[category, ATM] = CHANNELS.index("pos")
        rules[category, BRANCH] = CHANNELS.index("pos")
    return rules


@dataclass(frozen=True)
class Habits:
    """What a run of customers looks up for every transaction."""

    words: Words
    category: npt.NDArray[np.uint8]
    """Category by customer and slot, flat, shape (customers * SLOTS,)."""
    channel: npt.NDArray[np.uint8]
    log_ticket: Floats
    """Shape (customers,)."""
    product: Ints
    """Product by customer: current account, card (or current account), fund, insurance."""
    discount: Ints
    """Discounted share of purchases in 1/256."""
    credit: Ints
    """Share of payments by credit card in 1/256."""
    day_row: Ints
    """Row of the calendar's day tables."""
    hour_row: Ints
    id_start: npt.NDArray[np.uint8]
    """The customer's part of a transaction_id, as ASCII."""


def make_habits(people: People, holdings: Holdings) -> Habits:
    """The lookup tables of these customers."""
    card = people.holds[:, HOLDINGS.index("card")]
    insured = people.holds[:, HOLDINGS.index("insurance")]
    return Habits(
        words=people.draws.word("transactions"),
        category=lookup_by_weight(people.category, SLOTS).ravel(),
        channel=lookup_by_weight(people.channel, SLOTS).ravel(),
        log_ticket=np.log(people.ticket),
        product=np.stack(
            [
                np.full(len(people), CURRENT),
                np.where(card, holdings.card, CURRENT),
                np.full(len(people), CURRENT),
                np.where(insured, holdings.insurance, CURRENT),
            ],
            axis=1,
        ),
        discount=np.rint(people.discount * 256).astype(np.int64),
        credit=np.where(card, 40 + np.rint(people.utilisation * 180), 0).astype(np.int64),
        day_row=people.segment * len(SALARY_DAYS) + people.salary_day,
        hour_row=HOUR_HABIT[people.segment],
        id_start=prefixed("T", people.number, 8),
    )


def expected_counts(
    people: People, lives: Lifecycle, market: Market, contacts: Sequence[Contacted]
) -> Floats:
    """Expected number of transactions, shape (customers, months)."""
    expected = people.rate[:, None] * lives.activity * market.calendar.activity
    # Both ends of a broken month: joined or left on a day within it.
    for month in range(market.calendar.count):
        length = float(market.calendar.lengths[month])
        joins, leaves = lives.join_month == month, lives.leave_month == month
        expected[joins, month] *= (length - lives.join_day[joins] + 1) / length
        expected[leaves, month] *= lives.leave_day[leaves] / length
    expected *= np.clip(1 + people.market[:, None] * market.return_before, 0.3, 3.0)
    for contact in contacts:
        reached = contact.reached
        rows, month = contact.chosen[reached], contact.campaign.month
        expected[rows, month] *= 1 + contact.spend_effect[reached] / contact.reach[reached]
    return expected


def transaction_tables(
    people: People,
    lives: Lifecycle,
    holdings: Holdings,
    travels: Travels,
    happenings: Happenings,
    market: Market,
    contacts: Sequence[Contacted],
    settings: Settings,
    customer_ids: pa.Array,
) -> Iterator[tuple[pa.Table, list[Planted]]]:
    """The canonical `transactions` of each month in turn, ordered by customer.

    Repeated rows stand at the end of the run of customers. Amounts in CNY, positive for what the
    customer spent; time stamps are local.
    """
    habits = make_habits(people, holdings)
    expected = expected_counts(people, lives, market, contacts)
    for month in market.calendar.written:
        draws = people.draws.child("transactions of", np.full(len(people), month))
        count = np.minimum(draws.poisson("count", expected[:, month]), MOST_PER_MONTH)
        yield _month(
            month,
            count,
            people.segment,
            lives,
            holdings,
            travels,
            happenings,
            habits,
            market,
            settings,
            customer_ids,
        )


def _month(
    month: int,
    count: Ints,
    segment: Ints,
    lives: Lifecycle,
    holdings: Holdings,
    travels: Travels,
    happenings: Happenings,
    habits: Habits,
    market: Market,
    settings: Settings,
    customer_ids: pa.Array,
) -> tuple[pa.Table, list[Planted]]:
    customer = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(customer)) - np.repeat(np.cumsum(count) - count, count)
    start = habits.words + label_word(f"month {month}")
    first = mix(start[customer] + number.astype(np.uint64) * GOLDEN)
    second = mix(first + GOLDEN)

    twice = np.flatnonzero(
        (second >> np.uint64(32)) % np.uint64(1_000_003)
        < np.uint64(round(settings.dirt.repeated_transaction * 1_000_003))
    )
    planted = [Planted.nulls(WHOLE_ROW, "repeated", len(customer) + np.arange(len(twice)))]
    customer = np.concatenate([customer, customer[twice]])
    number = np.concatenate([number, number[twice]])
    first, second = (np.concatenate([w, w[twice]]) for w in (first, second))

    category = habits.category[customer * SLOTS + _bits(first, 0, 8)].astype(np.int64)
    category = happenings.shifted(category, segment[customer], first, month)
    wished = habits.channel[customer * SLOTS + _bits(first, 8, 8)]
    channel = _CHANNEL_RULES[category, wished]
    occurred = _times(month, customer, channel, lives, habits, market, first, second)
    cents = _cents(customer, category, habits, settings, first, second)
    discount = _discounts(customer, category, cents, habits, first, second)
    products = _products(month, habits, holdings)
    place = np.where(_bits(first, 54, 8) < habits.credit[customer], 1, 0)
    place = np.where(category == WEALTH, 2, np.where(category == INSURED, 3, place))
    product = products[customer, place]
    characters = np.empty((len(customer), 15), dtype=np.uint8)
    characters[:, :9] = habits.id_start[customer]
    characters[:, 9:12] = three_digits(np.array([month + 1]))
    characters[:, 12:] = three_digits(number)

    bad = plant(second, cents, category, channel, occurred, settings.dirt)
    planted += bad.planted
    here, branch = (of(month).astype(np.int32) for of in (travels.region, travels.branch))
    in_branch = (channel == BRANCH) | (channel == ATM)
    in_person = in_branch | (channel == POS)
    table = canonical(
        "transactions",
        {
            "transaction_id": fixed_text(characters),
            "customer_id": codes(customer, customer_ids),
            "occurred_at": timestamps(occurred, missing=bad.time_missing),
            "amount": money(cents, missing=bad.amount_missing),
            "currency": codes(np.zeros(len(cents), dtype=np.int32), ["CNY"]),
            "discount_amount": money(discount),
            "product_id": codes(product, _PRODUCT_NAMES),
            "category": codes(category, _CATEGORY_NAMES, missing=bad.category_missing),
            "store_id": codes(branch[customer], _BRANCH_NAMES, missing=~in_branch),
            "channel": codes(channel, _CHANNEL_NAMES),
            "region": codes(here[customer], _REGION_NAMES, missing=~in_person),
        },
        len(customer),
    )
    return table, planted


def _products(month: int, habits: Habits, holdings: Holdings) -> Ints:
    """What `Habits.product` is in the month: nobody pays with a card before it is issued."""
    products = habits.product.copy()
    has_card = holdings.opened[:, CARD + 1] <= month
    products[:, 1] = np.where(has_card, products[:, 1], CURRENT)
    fund = holdings.fund[:, month]
    products[:, 2] = np.where(fund == REDEEMED, CURRENT, fund)
    return products


def _bits(words: Words, start: int, count: int) -> Ints:
    bits: Ints = ((words >> np.uint64(start)) & np.uint64((1 << count) - 1)).astype(np.int64)
    return bits


def _times(
    month: int,
    customer: Ints,
    channel: Ints,
    lives: Lifecycle,
    habits: Habits,
    market: Market,
    first: Words,
    second: Words,
) -> Ints:
    """Microseconds since 1970-01-01, local time."""
    length = int(market.calendar.lengths[month])
    table = market.calendar.day_tables[month].ravel()
    day = table[habits.day_row[customer] * DAY_SLOTS + _bits(first, 32, 10)]
    earliest = np.where(lives.join_month == month, lives.join_day, 1)
    latest = np.where(lives.leave_month == month, lives.leave_day, length)
    latest = np.maximum(latest, earliest)
    broken = np.flatnonzero(((earliest > 1) | (latest < length))[customer])
    start, end = earliest[customer[broken]], latest[customer[broken]]
    day[broken] = start + (day[broken] - 1) * (end - start + 1) // length

    minute = _MINUTES[habits.hour_row[customer] * 4096 + _bits(first, 42, 12)]
    # Branches and the telephone service are open from nine to five.
    minute = np.where((channel == BRANCH) | (channel == PHONE), 540 + minute // 3, minute)
    second_of_minute = _bits(second, 24, 8) * 60 >> 8
    begin = (int(market.calendar.starts[month]) - 1) * DAY_US
    occurred: Ints = begin + day * DAY_US + minute * MINUTE_US + second_of_minute * 1_000_000
    return occurred


def _cents(
    customer: Ints,
    category: Ints,
    habits: Habits,
    settings: Settings,
    first: Words,
    second: Words,
) -> Ints:
    """Lognormal tickets, some with a Pareto factor, whole hundreds for cash, some refunded."""
    life = settings.life
    log = normal_quantiles()[_bits(first, 16, 16)]
    log *= _TICKET_SPREAD[category]
    log += _LOG_TICKET[category]
    log += habits.log_ticket[customer]
    tail = _bits(second, 8, 16)
    far = np.flatnonzero(tail < life.pareto_tail * 65_536)
    rank = (tail[far] + 0.5) / (life.pareto_tail * 65_536)
    log[far] -= np.log(rank) / life.pareto_exponent
    cents: Ints = np.rint(np.exp(log) * 100).astype(np.int64)
    np.maximum(cents, 100, out=cents)
    cash = np.flatnonzero(category == CASH)
    cents[cash] = np.maximum((cents[cash] + 5_000) // 10_000, 1) * 10_000
    refunded = np.flatnonzero(
        (tail >= (1 - life.refund) * 65_536) & (category != CASH) & (category < WEALTH)
    )
    cents[refunded] = -cents[refunded]
    return cents


def _discounts(
    customer: Ints, category: Ints, cents: Ints, habits: Habits, first: Words, second: Words
) -> Ints:
    """Discounts of 5 to 36 per cent of the price, on purchases only, in cents."""
    given = (_bits(second, 0, 8) < habits.discount[customer]) & _CAN_BE_DISCOUNTED[category]
    rows = np.flatnonzero(given & (cents > 0))
    discount = np.zeros(len(cents), dtype=np.int64)
    per_cent = 5 + _bits(first[rows], 59, 5)
    discount[rows] = cents[rows] * per_cent // (100 - per_cent)
    return discount


_CHANNEL_RULES = _channel_rules()
_MINUTES = minute_tables().ravel()
_LOG_TICKET = np.log(np.array(TICKET_MEDIAN, dtype=np.float64))
_TICKET_SPREAD = np.array(TICKET_SPREAD)
_CAN_BE_DISCOUNTED = np.arange(len(CATEGORIES)) < CASH
_PRODUCT_NAMES = pa.array(list(PRODUCT_IDS), pa.string())
_CATEGORY_NAMES = pa.array(list(CATEGORIES), pa.string())
_BRANCH_NAMES = pa.array(list(BRANCHES), pa.string())
_REGION_NAMES = pa.array(list(REGION_NAMES), pa.string())
_CHANNEL_NAMES = pa.array(list(CHANNEL_NAMES), pa.string())
