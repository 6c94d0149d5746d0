"""Histories by month are those of the same purchases by day, of whom may be profiled."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.methods.lifetime.transactions import Purchases, purchases
from portrait_assets.stages.predictions.value.history import history_of, month_end
from portrait_assets.storage.engine import Engine
from portrait_assets.testing.worlds.features import World, day, sale

MARCH, APRIL = date(2024, 3, 31), date(2024, 4, 30)
SALES = [
    sale("ann", "2024-01-05 10:00", 10, basket_id="1", transaction_id="a"),
    sale("ann", "2024-01-05 18:00", 5),
    sale("ann", "2024-03-10 10:00", 20),
    sale("ann", "2024-03-12 10:00", 40),
    sale("ann", "2024-04-02 10:00", 7),
    sale("bob", "2024-02-01 10:00", 30),
    sale("cat", "2024-03-03 10:00", 50),
    sale("cat", "2024-04-03 10:00", 60),
    sale("cat", "2024-04-04 10:00", -15),
    sale("dan", "2024-04-09 10:00", 99),
]


def by_day(sales: Sequence[dict[str, Any]]) -> Purchases:
    """The oracle: the same sales, by day."""
    columns = ("customer_id", "occurred_at", "amount")
    return Purchases(
        purchases(
            pl.DataFrame(sales, schema_overrides={"amount": pl.Float64}).lazy().select(columns)
        )
    )


def known(world: World, month: str, until: date, window_days: int = 31) -> pl.DataFrame:
    with history_of(Engine(world.con), month) as history:
        return history.summary(until, window_days)


@pytest.mark.parametrize("until", [MARCH, APRIL])
def test_a_summary_is_that_of_the_days(until: date):
    world = World("2024-04", transactions=SALES)
    found = known(world, "2024-04", until, until.day)
    assert_frame_equal(found, by_day(SALES).summary(until, until.day))


def test_what_was_done_later_and_the_mean_amount_are_those_of_the_days():
    world = World("2024-04", transactions=SALES)
    oracle = by_day(SALES)
    with history_of(Engine(world.con), "2024-04") as history:
        customers = history.summary(MARCH, 31)
        assert_frame_equal(
            history.outcome(customers, MARCH, APRIL), oracle.outcome(customers, MARCH, APRIL)
        )
        assert history.mean_amount(APRIL) == pytest.approx(oracle.mean_amount(APRIL))
        assert history.first() == day("2024-01-05")
        assert history.comes_back()


def test_who_gave_back_more_than_they_paid_spends_nothing():
    paid = [sale("eve", f"2024-0{month}-03 10:00", 20) for month in (2, 3)]
    sales = [*SALES, *paid, sale("eve", "2024-04-05 10:00", -70)]
    found = known(World("2024-04", transactions=sales), "2024-04", APRIL, 30)
    assert_frame_equal(found, by_day(sales).summary(APRIL, 30))
    assert found.filter(customer_id="eve").select("x", "mean_spend").row(0) == (1, 0.0)


def test_later_months_change_nothing():
    world = World("2024-04", transactions=SALES)
    until_march = World("2024-03", transactions=[s for s in SALES if s["occurred_at"].month < 4])
    assert_frame_equal(known(world, "2024-03", MARCH), known(until_march, "2024-03", MARCH))


def test_a_purchase_that_was_cancelled_is_none_from_then_on():
    cancelled = sale(
        "ann", "2024-04-20 10:00", -40, kind="cancellation", cancels="march", transaction_id="z"
    )
    sales = [*SALES[:3], {**SALES[3], "transaction_id": "march"}, *SALES[4:], cancelled]
    world = World("2024-04", transactions=sales)
    of_ann = pl.col("customer_id") == "ann"
    assert known(world, "2024-03", MARCH).filter(of_ann)["x"].item() == 2
    without = [*SALES[:3], *SALES[4:]]
    expected = by_day(without).summary(APRIL, 30)
    assert_frame_equal(known(world, "2024-04", APRIL, 30), expected)
    assert expected.filter(of_ann)["x"].item() == 2, "10 March and 2 April; not 12 March"


def test_who_objects_to_profiling_has_no_history_from_then_on():
    objection = {
        "customer_id": "cat",
        "kind": "objection",
        "purpose": "profiling",
        "requested_on": day("2024-04-06"),
    }
    world = World("2024-04", transactions=SALES, requests=[objection])
    assert known(world, "2024-03", MARCH)["customer_id"].to_list() == ["ann", "bob", "cat"]
    assert known(world, "2024-04", APRIL)["customer_id"].to_list() == ["ann", "bob", "dan"]


def test_two_identifiers_that_are_one_person_have_one_history():
    world = World("2024-04", transactions=SALES, merged=[("2024-04", "bob", "ann")])
    assert known(world, "2024-03", MARCH)["customer_id"].to_list() == ["ann", "bob", "cat"]
    as_one = [
        {**s, "customer_id": "ann" if s["customer_id"] == "bob" else s["customer_id"]}
        for s in SALES
    ]
    assert_frame_equal(known(world, "2024-04", APRIL, 30), by_day(as_one).summary(APRIL, 30))


def test_days_of_one_month_under_two_identifiers_are_each_counted():
    both = [*SALES, sale("bob", "2024-03-20 10:00", 8)]
    world = World("2024-04", transactions=both, merged=[("2024-04", "bob", "ann")])
    as_one = [s | {"customer_id": s["customer_id"].replace("bob", "ann")} for s in both]
    assert_frame_equal(known(world, "2024-04", APRIL, 30), by_day(as_one).summary(APRIL, 30))


def test_a_first_purchase_costs_the_mean_of_its_month():
    sales = [
        sale("ann", f"2024-0{m}-0{d} 10:00", a) for m, d, a in ((1, 2, 10), (1, 5, 30), (2, 1, 40))
    ]
    found = known(World("2024-02", transactions=sales), "2024-02", date(2024, 2, 29), 29)
    assert found["mean_spend"].to_list() == [(80 - 20) / 2]


def test_amounts_that_are_not_known_leave_the_others():
    sales = [*SALES[:4], {**sale("eve", "2024-01-03 10:00", 0), "amount": None}]
    sales.append({**sale("eve", "2024-02-03 10:00", 0), "amount": None})
    world = World("2024-03", transactions=sales)
    found = known(world, "2024-03", MARCH)
    assert_frame_equal(found, by_day(sales).summary(MARCH, 31))
    assert found["mean_spend"].to_list() == [30, None]


def test_amounts_of_another_currency_count_as_converted():
    dollars = sale("ann", "2024-02-03 10:00", 70, currency="USD", amount_original=10)
    world = World("2024-02", transactions=[sale("ann", "2024-01-03 10:00", 30), dollars])
    assert known(world, "2024-02", date(2024, 2, 29), 29)["mean_spend"].to_list() == [70]


def test_a_sample_is_every_kth_customer():
    sales = [sale(f"c{n}", "2024-01-05 10:00", n + 1) for n in range(10)]
    world = World("2024-01", transactions=sales)
    with history_of(Engine(world.con), "2024-01") as history, history.sample(5) as half:
        assert half.summary(date(2024, 1, 31), 31).height == 5
        assert history.summary(date(2024, 1, 31), 31).height == 10


@pytest.mark.parametrize(
    ("near", "end"),
    [("2024-03-30", "2024-03-31"), ("2024-03-02", "2024-02-29"), ("2024-02-29", "2024-02-29")],
)
def test_days_stand_for_the_nearest_end_of_a_month(near: str, end: str):
    assert month_end(day(near)) == day(end)


def by_chance(rng: Random) -> list[dict[str, Any]]:
    """Sales of many, on any day of four months; the month of a first purchase has no other."""
    rows = []
    for customer in (f"c{n:02}" for n in range(60)):
        first = rng.randint(1, 4)
        for month in range(first, 5):
            for _ in range(1 if month == first else rng.randint(0, 4)):
                # What is given back is, on a day of its own, no purchase.
                amount = 8 if month == first else rng.choice([-15, 0, 5, 20.5, 40])
                on = 20 if amount < 0 else rng.choice([1, 2, 15, monthrange(2024, month)[1]])
                rows.append(sale(customer, f"2024-{month:02}-{on:02} 10:00", amount))
    return rows


@pytest.mark.parametrize("window_days", [30, 90])
def test_histories_of_many_are_those_of_their_days(window_days: int):
    sales = by_chance(Random(window_days))
    oracle, world = by_day(sales), World("2024-04", transactions=sales)
    assert_frame_equal(
        known(world, "2024-04", APRIL, window_days), oracle.summary(APRIL, window_days)
    )
    with history_of(Engine(world.con), "2024-04") as history:
        customers = history.summary(MARCH, window_days)
        assert_frame_equal(
            history.outcome(customers, MARCH, APRIL), oracle.outcome(customers, MARCH, APRIL)
        )
        assert history.mean_amount(MARCH) == pytest.approx(oracle.mean_amount(MARCH))


def test_a_sample_is_of_the_customers_at_whose_place_a_share_of_all_is_full():
    sales = [sale(f"c{n}", f"2024-01-0{d} 10:00", n + 1) for n in range(7) for d in (5, 6)]
    world = World("2024-01", transactions=sales)
    with history_of(Engine(world.con), "2024-01") as history:
        for most, places in ((3, [2, 4, 6]), (6, [1, 2, 3, 4, 5, 6]), (7, [*range(7)])):
            with history.sample(most) as sample:
                found = sample.summary(date(2024, 1, 31), 31)
            assert found.select("customer_id", "x").rows() == [(f"c{n}", 1) for n in places]
        assert history.comes_back()
    once = World("2024-01", transactions=sales[::2])
    with history_of(Engine(once.con), "2024-01") as history:
        assert not history.comes_back()
