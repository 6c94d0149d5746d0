"""What campaigns cost and earn, what becomes of contacts, and who unsubscribes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portrait_assets.synthetic.bank import BankSummary, generate_bank
from portrait_assets.synthetic.marketing.delivery import (
    BOUNCED,
    OPENED,
    REFUSED,
    UNSUBSCRIBED,
    unsubscribed,
)
from portrait_assets.synthetic.marketing.reactions import SLEEPING_DOG
from portrait_assets.synthetic.persons.segment_traits import CHANNELS
from portrait_assets.synthetic.settings import Delivery, Settings
from portrait_assets_tests.generate.conftest import Query
from portrait_assets_tests.generate.lived import Lived, difference, live

COST = {"app": 0.05, "phone": 6.0, "branch": 15.0}
BOUNCES = {"app": 0.03, "phone": 0.08, "branch": 0.01}


@pytest.fixture(scope="module")
def lived() -> Lived:
    return live()


def test_contacts_cost_what_their_channel_costs(query: Query) -> None:
    found = query(
        "SELECT channel, min(cost)::DOUBLE AS low, max(cost)::DOUBLE AS high FROM contacts "
        "WHERE channel IS NOT NULL GROUP BY 1"
    )
    assert {row[0]: row[1:] for row in found.rows()} == {c: (v, v) for c, v in COST.items()}
    free = query(
        "SELECT count(*) FROM contacts WHERE channel IS NULL AND "
        "(cost IS NOT NULL OR delivery_status IS NOT NULL)"
    ).item()
    assert free == 0


def test_a_campaign_costs_its_contacts_and_2000(query: Query) -> None:
    differing = query(
        "SELECT count(*) FROM campaigns JOIN (SELECT campaign_id, sum(cost) AS paid FROM contacts "
        "GROUP BY 1) USING (campaign_id) WHERE cost <> paid + 2000"
    ).item()
    assert differing == 0
    used = query("SELECT cost / budget AS used FROM campaigns")["used"]
    assert 0.4 < used.min() <= used.max() < 1.3  # type: ignore[operator]


def test_an_answer_earns_its_products_margin(query: Query) -> None:
    wrong, earning = query(
        "SELECT count(*) FILTER (abs(margin - coalesce(r.amount, 0) * p.margin_rate) > 0.006), "
        "count(*) FILTER (margin > 0) FROM truth_responses t "
        "JOIN campaigns c USING (campaign_id) JOIN products p USING (product_id) "
        "LEFT JOIN responses r ON r.customer_id = t.customer_id AND r.campaign_id = t.campaign_id"
    ).row(0)
    assert wrong == 0
    assert earning > 50
    assert query("SELECT count(*) FROM products WHERE margin_rate IS NULL").item() == 0


@pytest.mark.parametrize("channel", COST)
def test_contacts_bounce_at_the_rate_of_their_channel(lived: Lived, channel: str) -> None:
    tried = lived.all_of(lambda c: c.was_contacted)
    tried &= lived.all_of(lambda c: c.channel) == CHANNELS.index(channel)
    status, answered = (
        lived.all_of(give)[tried] for give in (lambda c: c.status, lambda c: c.answered)
    )
    rate = BOUNCES[channel]
    assert abs((status == BOUNCED).mean() - rate) < 4 * np.sqrt(rate / tried.sum())
    assert set(status[answered].tolist()) == {OPENED, BOUNCED}


def test_a_contact_that_bounces_has_no_effect(lived: Lived) -> None:
    bounced = lived.all_of(lambda c: c.status) == BOUNCED
    tried = lived.all_of(lambda c: c.was_contacted)
    expected = lived.all_of(lambda c: c.without)[tried & bounced].mean()
    answered = lived.all_of(lambda c: c.answered)[tried & bounced]
    assert abs(answered.mean() - expected) < 4 * answered.std() / np.sqrt(len(answered))


def test_sleeping_dogs_refuse_and_unsubscribe_more(lived: Lived) -> None:
    reached = lived.all_of(lambda c: c.reached & ~c.answered)
    dog = lived.all_of(lambda c: c.group == SLEEPING_DOG)[reached]
    for status in (REFUSED, UNSUBSCRIBED):
        more = difference(lived.all_of(lambda c: c.status)[reached] == status, dog)
        assert more.score > 5


def test_who_unsubscribes_is_listed_and_not_contacted_again(lived: Lived) -> None:
    listed = unsubscribed(lived.course.contacts)
    status, tried = lived.all_of(lambda c: c.status), lived.all_of(lambda c: c.was_contacted)
    assert len(listed.customer) == (tried & (status == UNSUBSCRIBED)).sum() > 200
    assert (np.diff(listed.day) >= 0).all()
    since = {
        (row, channel): day
        for row, channel, day in zip(
            listed.customer.tolist(), listed.channel.tolist(), listed.day.tolist(), strict=True
        )
    }
    assert len(since) == len(listed.customer), "nobody unsubscribes twice from a channel"
    again = sum(
        since.get((row, channel), 99_999) < day
        for c in lived.course.contacts
        for row, channel, day in zip(
            c.chosen.tolist(), c.channel.tolist(), c.day.tolist(), strict=True
        )
    )
    assert again == 0


def test_where_nothing_is_planted_every_contact_arrives() -> None:
    rates = Delivery(bounced=(), refused=(), unsubscribed=0.0)
    smooth = live(6_000, 6, Settings(delivery=rates))
    tried = smooth.all_of(lambda c: c.was_contacted)
    status = smooth.all_of(lambda c: c.status)[tried]
    assert not np.isin(status, [BOUNCED, REFUSED, UNSUBSCRIBED]).any()
    assert not len(unsubscribed(smooth.course.contacts).customer)


def test_budgets_follow_the_number_of_customers_and_nothing_else(tmp_path: Path) -> None:
    import polars as pl

    def budgets(name: str, customers: int, seed: int) -> list[object]:
        bank: BankSummary = generate_bank(tmp_path / name, customers, 2, seed)
        return pl.read_parquet(bank.folder / "campaigns.parquet")["budget"].to_list()

    assert budgets("one", 200, 1) == budgets("two", 200, 2)
    assert budgets("three", 2_000, 1)[0] > budgets("four", 200, 1)[0]  # type: ignore[operator]
