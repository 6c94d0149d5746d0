"""Answers to campaigns, a withdrawn product and a rise of rates change what happens next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from portrait_assets.synthetic.economy.market import Market
from portrait_assets.synthetic.holdings.balances import balance_tables
from portrait_assets.synthetic.holdings.borrowing import make_borrowing
from portrait_assets.synthetic.holdings.products import WITHDRAWN, withdrawn_month
from portrait_assets.synthetic.marketing.campaigns import ABOUT_TO_LEAVE
from portrait_assets.synthetic.marketing.course import LEAST_RISE, RATE_PULL
from portrait_assets.synthetic.marketing.offers import (
    FUND_OFFERED,
    INSTALMENTS,
    OFFERED,
    TERM_OFFERED,
)
from portrait_assets.synthetic.marketing.reactions import PERSUADABLE
from portrait_assets.synthetic.settings import Reactions, Settings
from portrait_assets_tests.generate.conftest import Query
from portrait_assets_tests.generate.lived import Lived, difference, live

NOT_OPENING = Settings(reactions=Reactions(opens=0.0))
RISE_IN, RISE = 5, 0.5


def balances(world: Lived, month: int) -> pl.DataFrame:
    """The balances of one month: row of the customer, account, product, amounts in CNY."""
    tables = balance_tables(
        world.people,
        world.course.lives,
        world.holdings,
        make_borrowing(world.people, world.course.lives),
        world.course.openings,
        world.market,
        world.settings,
        pa.array([str(n) for n in range(len(world.people))]),
    )
    table = next(rows for at, (rows, _) in enumerate(tables) if at == month)
    return pl.DataFrame(pl.from_arrow(table)).select(
        pl.col("customer_id").cast(pl.String).cast(pl.Int64).alias("row"),
        pl.col("account_id").str.slice(-1).cast(pl.Int64).alias("account"),
        pl.col("product_id").cast(pl.String),
        pl.col("balance", "credit_limit").cast(pl.Float64),
    )


def test_who_takes_an_offer_holds_it_from_then_on(query: Query) -> None:
    """Of all answers with a product; the customer leaves the bank before its end or holds it."""
    takers, holders, others = query(
        "WITH ends AS (SELECT campaign_id, product_id, ended_on FROM campaigns "
        "WHERE product_id IS NOT NULL), "
        "held AS (SELECT DISTINCT customer_id, product_id, balance_on FROM balances "
        "WHERE right(account_id, 1) >= '5') "
        "SELECT count(*) FILTER (responded), "
        "count(held.customer_id) FILTER (responded), "
        "count(held.customer_id) FILTER (NOT responded) "
        "FROM truth_responses r JOIN ends USING (campaign_id) "
        "LEFT JOIN held ON held.customer_id = r.customer_id AND held.product_id = ends.product_id "
        "AND balance_on = ended_on"
    ).row(0)
    assert holders == takers > 100
    assert others < 0.1 * takers, "few hold it from an earlier campaign"


def test_without_planting_nobody_opens_what_was_offered() -> None:
    world = live(3_000, 4, NOT_OPENING)
    assert not len(world.course.openings)
    assert balances(world, 3)["account"].max() < TERM_OFFERED  # type: ignore[operator]


def test_money_moves_into_what_was_opened() -> None:
    """Half of it comes from the current account; a bill paid by instalments is off the card."""
    with_it, without = (
        balances(live(8_000, 8, Settings(reactions=Reactions(opens=opens, keeps_redeemed=0.0))), 7)
        for opens in (1.0, 0.0)
    )
    opened = with_it.filter(pl.col("account") >= TERM_OFFERED)
    assert set(opened["product_id"]) == set(OFFERED.values())
    amounts = (
        opened.pivot(on="account", index="row", values="balance")
        .fill_null(0.0)
        .cast({"row": pl.Int64})
    )

    def changed(account: int) -> pl.DataFrame:
        pair = with_it.filter(pl.col("account") == account).join(
            without.filter(pl.col("account") == account), on=["row", "account"], suffix="_before"
        )
        return pair.join(amounts, on="row", how="inner").with_columns(
            less=pl.col("balance_before") - pl.col("balance")
        )

    term = changed(0).filter(pl.col(str(FUND_OFFERED)) == 0, pl.col(str(TERM_OFFERED)) > 0)
    expected = np.minimum(
        0.5 * term[str(TERM_OFFERED)].to_numpy(), 0.8 * term["balance_before"].to_numpy()
    )
    np.testing.assert_allclose(term["less"].to_numpy(), expected, atol=0.02)
    card = changed(3).filter(pl.col(str(INSTALMENTS)) > 0)
    expected = np.minimum(
        card[str(INSTALMENTS)].to_numpy(), 0.8 * card["balance_before"].to_numpy()
    )
    np.testing.assert_allclose(card["less"].to_numpy(), expected, atol=0.02)
    assert min(len(term), len(card)) > 20
    unmoved = with_it.join(amounts, on="row", how="anti").sort("row", "account")
    assert unmoved.equals(without.join(amounts, on="row", how="anti").sort("row", "account"))


def test_instalments_are_paid_off_in_a_year_and_a_fund_grows_with_its_net_value() -> None:
    world = live(4_000, 20, campaigns=20)
    openings = world.course.openings
    rows = np.flatnonzero(openings.account == INSTALMENTS)
    once = rows[np.bincount(openings.customer[rows])[openings.customer[rows]] == 1]
    one = once[world.course.lives.leave_month[openings.customer[once]] > 20][0]
    since, row = int(openings.month[one]), int(openings.customer[one])
    assert since + 12 < 20
    for age, share in ((0, 1.0), (3, 0.75), (11, 1 / 12)):
        of_month = balances(world, since + age).filter(
            pl.col("row") == row, pl.col("account") == INSTALMENTS
        )
        assert of_month["balance"][0] == pytest.approx(openings.amount[one] * share, abs=0.01)
        assert of_month["credit_limit"][0] == openings.amount[one]
    after = balances(world, since + 12)
    assert after.filter(pl.col("row") == row, pl.col("account") == INSTALMENTS).is_empty()


def test_a_retention_call_moves_the_month_of_leaving() -> None:
    """Of persuadable customers who are about to leave, nine of ten whom a call reaches stay."""
    world = live(60_000)
    left, reached = _about_to_leave(world)
    observed = difference(left, reached)
    assert len(left) > 80
    assert observed.is_near(-0.9, errors=3)
    later = world.course.turned.leave_with > world.course.turned.leave_without
    gained = (world.course.turned.leave_with - world.course.turned.leave_without)[later]
    assert gained.min() >= 6
    assert gained.max() <= Reactions().stays_months


def test_without_planting_a_call_moves_no_month_of_leaving() -> None:
    world = live(60_000, settings=Settings(reactions=Reactions(stays=0.0)))
    left, reached = _about_to_leave(world)
    assert difference(left, reached).is_near(0.0)
    assert (world.course.turned.leave_with <= world.course.turned.leave_without).all()


def _about_to_leave(world: Lived) -> tuple[np.ndarray, np.ndarray]:
    """Whether persuadable customers in decline left within three months, and were reached."""
    left, reached, lives = [], [], world.course.lives
    for contact in world.course.contacts:
        month = contact.campaign.month
        if contact.campaign.kind.code != "retention" or month + ABOUT_TO_LEAVE >= 24:
            continue
        ahead = lives.ahead(month)[contact.chosen]
        mine = (ahead > 0) & (ahead <= ABOUT_TO_LEAVE) & (contact.group == PERSUADABLE)
        final = lives.leave_month[contact.chosen[mine]]
        left.append(final <= month + ABOUT_TO_LEAVE)
        reached.append(contact.reached[mine])
    return np.concatenate(left), np.concatenate(reached)


def test_who_stays_was_declining_and_recovers_afterwards() -> None:
    world = live(40_000, 24, campaigns=96)
    turned, lives = world.course.turned, world.course.lives
    once = np.bincount(turned.customer, minlength=len(world.people))[turned.customer] == 1
    later = (turned.leave_with > turned.leave_without) & (turned.month < 22) & once
    row, month = turned.customer[later], turned.month[later]
    before, after = lives.activity[row, month], lives.activity[row, month + 1]
    pausing = (lives.pause_from[row] <= month + 1) & (month < lives.pause_until[row])
    assert (before[~pausing] < 0.7).all()
    assert (after[~pausing] > before[~pausing]).all()
    undisturbed = world.undisturbed.activity[row, month]
    assert (before == undisturbed).all(), "what was before a call stays as it was"


def _raised(market: Market) -> Market:
    rate = market.deposit_rate.copy()
    rate[RISE_IN:] += RISE
    return replace(market, deposit_rate=rate)


def test_a_rise_of_rates_has_customers_open_deposits_unasked() -> None:
    def opened(world: Lived) -> float:
        asked = np.concatenate(
            [c.chosen for c in world.course.contacts if c.campaign.month == RISE_IN]
        )
        openings = world.course.openings
        mine = (openings.month == RISE_IN) & (openings.account == TERM_OFFERED)
        by_himself = np.setdiff1d(openings.customer[mine], asked)
        savers = ~world.people.holds[by_himself, 0]
        there = world.course.lives.is_customer(RISE_IN) & ~world.people.holds[:, 0]
        return float(savers.sum() / there.sum())

    quiet, risen = live(20_000, 8), live(20_000, 8, change=_raised)
    steps = np.diff(quiet.market.deposit_rate[: RISE_IN + 1])
    assert steps.max() < LEAST_RISE
    assert opened(quiet) == 0.0
    rise = float(np.diff(risen.market.deposit_rate)[RISE_IN - 1])
    assert opened(risen) == pytest.approx(Reactions().moves_at_rise * rise, rel=0.25)
    unmoved = live(20_000, 8, Settings(reactions=Reactions(moves_at_rise=0.0)), change=_raised)
    assert opened(unmoved) == 0.0


def test_a_rise_of_rates_has_more_answer_deposit_offers() -> None:
    quiet, risen = live(8_000, 8), live(8_000, 8, change=_raised)
    one, other = (
        next(
            c
            for c in w.course.contacts
            if c.campaign.kind.code == "term_deposit" and c.campaign.month >= RISE_IN
        )
        for w in (quiet, risen)
    )
    _, here, there = np.intersect1d(one.chosen, other.chosen, return_indices=True)
    odds = [np.log(p / (1 - p)) for p in (one.without[here], other.without[there])]
    free = one.without[here] > 0.06  # those of sleeping dogs have a floor
    np.testing.assert_allclose((odds[1] - odds[0])[free], RATE_PULL * RISE, rtol=1e-6)


def test_who_redeems_a_withdrawn_fund_has_the_money_and_leaves_more_often() -> None:
    world = live(40_000, 12)
    gone = withdrawn_month(WITHDRAWN, world.market.calendar)
    fund, lives = world.holdings.fund, world.course.lives
    had = (world.holdings.opened[:, 2] < gone) & (fund[:, gone - 1] == WITHDRAWN)
    had &= (lives.join_month < gone) & (lives.leaving[:, gone] > gone)
    redeemed = fund[:, gone] < 0
    left = lives.leave_month <= gone + 3
    found = difference(left[had], redeemed[had])
    assert found.is_near(Reactions().withdrawal_drives_away)
    assert found.score > 3
    rates = Reactions(withdrawal_drives_away=0.0, keeps_redeemed=0.0)
    calm = live(40_000, 12, Settings(reactions=rates))
    assert difference((calm.course.lives.leave_month <= gone + 3)[had], redeemed[had]).is_near(0)

    def current(of: Lived) -> pl.DataFrame:
        return balances(of, gone).filter(pl.col("account") == 0)

    pair = current(world).join(current(calm), on="row", suffix="_before").sort("row")
    rows = pair["row"].to_numpy()
    more = (pair["balance"] - pair["balance_before"]).to_numpy()
    mine = (had & redeemed)[rows]
    worth = world.people.wealth[rows] * 1.1 * world.market.net_value[gone - 1, WITHDRAWN]
    np.testing.assert_allclose(more[mine], 0.6 * worth[mine], rtol=1e-3, atol=0.05)
    assert mine.sum() > 100
    assert np.abs(more[~had[rows]]).max() < 0.02
