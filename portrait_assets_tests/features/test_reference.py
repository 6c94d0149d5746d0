"""The matrix agrees with loops in plain Python, and knows nothing of what comes later."""

from __future__ import annotations

import random
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from portrait_assets.testing.worlds.features import World, day
from portrait_assets_tests.features.reference import features

MONTH, LATER = "2024-04", "2024-06"
PRODUCTS: list[dict[str, Any]] = [
    {"product_id": "p", "category": "tea", "brand": "leaf", "is_own_label": True},
    {"product_id": "q", "category": "tea", "brand": "bush", "is_own_label": False},
    {"product_id": "r", "category": None, "brand": "bush"},
]
MONEY = {
    *("spend_1m", "spend_3m", "spend_6m", "spend_12m", "average_ticket_12m"),
    "largest_ticket_12m",
}

CHOICES: dict[str, list[Any]] = {
    "customer_id": [*"abc"],
    "product_id": ["p", "q", "r", None],
    "category": ["fruit", None, None],
    "discount_amount": [None, 0, 100],
    "basket_id": [None, None, "b1", "b2"],
    "transaction_id": [None, "t1", "t2", "t3"],
    "cancels": [None, None, None, "t1", "t2", "b1", "t9"],
    "kind": [None, None, "purchase"],
}
FIRST_DAY, LAST_DAY = datetime(2023, 3, 1), datetime(2024, 6, 30)
lines = st.lists(
    st.fixed_dictionaries(
        {
            "occurred_at": st.datetimes(FIRST_DAY, LAST_DAY),
            "amount": st.integers(-500, 9_999),
            **{name: st.sampled_from(values) for name, values in CHOICES.items()},
        }
    ),
    min_size=20,
    max_size=60,
)
# A world takes long to make, so there are few of them, each with many rows.
many = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


def line(customer: str, moment: str, amount: int = 1_000, **more: Any) -> dict[str, Any]:
    """A line of so many cents."""
    row: dict[str, Any] = dict.fromkeys(CHOICES) | {"customer_id": customer, "amount": amount}
    return row | {"occurred_at": datetime.fromisoformat(moment), **more}


EDGES = [
    # Chosen in each of the last three months and not before; e chose nothing before.
    line("d", "2024-01-31 23:59", product_id="p"),
    line("d", "2024-02-01 00:00", product_id="q"),
    line("d", "2024-03-15", product_id="q"),
    line("d", "2024-04-30 23:59", product_id="q"),
    line("d", "2024-04-30 12:00", product_id="p"),
    *(line("e", f"2024-0{month}-10 18:00", 100 * month, product_id="q") for month in (2, 3, 4)),
    # Two months on record are too few for a slope; the clock's edges.
    line("f", "2024-03-02 05:59", category="fruit"),
    line("f", "2024-04-06 06:00", 700, category="fruit"),
    line("f", "2024-04-07 12:00", 300, category="bread"),
    line("f", "2024-04-08 17:59", -300, category="bread"),
    # Of two of one name and month the later one is cancelled.
    line("g", "2024-02-03 10:00", 1_000, transaction_id="t1"),
    line("g", "2024-02-20 10:00", 500, transaction_id="t1"),
    line("g", "2024-03-01 10:00", -500, cancels="t1"),
    # A newer basket goes before an older transaction of its name.
    line("h", "2024-01-05 10:00", 900, transaction_id="hb1"),
    line("h", "2024-02-05 10:00", 800, basket_id="b1"),
    line("h", "2024-03-05 10:00", -800, cancels="b1"),
    # Partly cancelled in its own month and once more later.
    line("k", "2024-02-05 10:00", 1_000, transaction_id="t2"),
    line("k", "2024-02-25 10:00", -300, cancels="t2"),
    line("k", "2024-04-05 10:00", -200, cancels="t2"),
    # One line of a category has one brand, and that is no loyalty; equal spend of two brands.
    line("m", "2024-04-01 09:00", product_id="p"),
    line("m", "2024-04-02 09:00", category="fruit", product_id="q"),
    # Who only took what was free prefers nothing.
    line("n", "2024-04-03 09:00", 0, category="fruit"),
]
"""Customers on the edges of what counts."""


@pytest.fixture(scope="module")
def sales() -> list[dict[str, Any]]:
    """The lines of one world, for the tests that are to be fast."""
    rng = random.Random(20240430)
    by_chance = [
        {
            "occurred_at": FIRST_DAY + rng.random() * (LAST_DAY - FIRST_DAY),
            "amount": rng.randint(-500, 9_999),
            **{name: rng.choice(values) for name, values in CHOICES.items()},
        }
        for _ in range(60)
    ]
    return [*by_chance, *EDGES]


@pytest.fixture(scope="module")
def matrix(sales: list[dict[str, Any]]) -> pl.DataFrame:
    """The matrix of these lines, made when nothing later was known."""
    return as_known_then(sales)


def as_known_then(sales: list[dict[str, Any]]) -> pl.DataFrame:
    until = [s for s in sales if s["occurred_at"] < datetime(2024, 5, 1)]
    return world(until, MONTH, **_rest(MONTH)).matrix(MONTH)


def world(sales: list[dict[str, Any]], last: str, **more: Any) -> World:
    rows = [
        s
        | {
            "amount": s["amount"] / 100,
            "discount_amount": None if s["discount_amount"] is None else s["discount_amount"] / 100,
            # A basket is of one customer.
            "basket_id": s["basket_id"] and f"{s['customer_id']}{s['basket_id']}",
            "cancels": _prefixed(s),
        }
        for s in map(signed, sales)
    ]
    return World(last, first="2023-03", transactions=rows, products=PRODUCTS, **more)


def signed(s: dict[str, Any]) -> dict[str, Any]:
    """What cancels has a negative amount, as cleaned has it."""
    return s | {"amount": -abs(s["amount"]) if s["cancels"] else s["amount"]}


def _prefixed(s: dict[str, Any]) -> str | None:
    is_basket = s["cancels"] and s["cancels"].startswith("b")
    return f"{s['customer_id']}{s['cancels']}" if is_basket else s["cancels"]


def check_against_the_reference(matrix: pl.DataFrame, sales: list[dict[str, Any]]) -> None:
    expected = features(
        [*map(signed, sales)], {p["product_id"]: p for p in PRODUCTS}, date(2024, 4, 30)
    )
    assert set(matrix["customer_id"]) == set(expected)
    different = []
    for row in matrix.iter_rows(named=True):
        for name, value in expected[row["customer_id"]].items():
            if name in MONEY and value is not None:
                value /= 100
            found = row[name]
            if isinstance(found, (int, float, Decimal)) and value is not None:
                is_equal = float(found) == pytest.approx(value, abs=2e-6)
            else:
                is_equal = found == value
            if not is_equal:
                different.append(f"{name} of {row['customer_id']}: {found}, not {value}")
    assert not different, "\n".join(different)


def check_that_later_months_change_nothing(
    matrix: pl.DataFrame, sales: list[dict[str, Any]]
) -> None:
    later = world(sales, LATER, **_rest(LATER)).matrix(MONTH)
    assert_frame_equal(later, matrix, check_exact=True)


def test_every_feature_of_the_reference_agrees(matrix: pl.DataFrame, sales: list[dict[str, Any]]):
    check_against_the_reference(matrix, sales)


@pytest.mark.slow
def test_the_matrix_is_the_same_with_and_without_later_months(
    matrix: pl.DataFrame, sales: list[dict[str, Any]]
):
    check_that_later_months_change_nothing(matrix, sales)


@pytest.mark.slow
@pytest.mark.long
@many
@given(lines)
def test_both_hold_in_many_worlds(sales):
    sales = [*sales, sale_of_a()]
    matrix = as_known_then(sales)
    check_against_the_reference(matrix, sales)
    check_that_later_months_change_nothing(matrix, sales)


def sale_of_a() -> dict[str, Any]:
    """A line of the customer whom `_rest` describes."""
    return dict.fromkeys(CHOICES) | {
        "customer_id": "a",
        "occurred_at": datetime(2024, 4, 9),
        "amount": 500,
    }


def _rest(last: str) -> dict[str, list[dict[str, Any]]]:
    """All other tables, with events of every kind before and after the month."""
    known = last == MONTH
    customer = {"customer_id": "a"}
    dated = {
        "contacts": [customer | {"campaign_id": "k", "contacted_on": day("2024-03-02")}],
        "responses": [
            customer | {"campaign_id": "k", "responded_on": day("2024-04-02")},
        ],
        "interactions": [
            customer | {"occurred_at": datetime(2024, 4, 1), "kind": "survey", "score": 7}
        ],
        "balances": [
            customer
            | {"account_id": "x", "product_id": "p", "balance_on": day("2024-04-30"), "balance": 5}
        ],
        "market": [
            {"indicator": "i", "observed_on": day(f"2024-{m:02d}-28"), "value": 100 + m}
            for m in range(1, 5)
        ],
        "promotions": [{"product_id": "p", "ended_on": day("2024-04-20"), "display_share": 0.5}],
    }
    if known:
        return dated
    return {
        "contacts": [
            *dated["contacts"],
            customer | {"campaign_id": "m", "contacted_on": day("2024-05-02")},
        ],
        "responses": [
            *dated["responses"],
            customer | {"campaign_id": "k", "responded_on": day("2024-05-03")},
        ],
        "interactions": [
            *dated["interactions"],
            customer | {"occurred_at": datetime(2024, 5, 1), "kind": "complaint"},
        ],
        "balances": [
            *dated["balances"],
            customer
            | {
                "account_id": "x",
                "product_id": "p",
                "balance_on": day("2024-05-31"),
                "balance": 9,
                "days_past_due": 90,
            },
        ],
        "market": [
            *dated["market"],
            {"indicator": "i", "observed_on": day("2024-05-28"), "value": 1},
        ],
        "promotions": [
            *dated["promotions"],
            {"product_id": "p", "ended_on": day("2024-05-20"), "display_share": 0.9},
        ],
        "customers": [
            {
                "customer_id": "a",
                "month": "2024-05",
                "recorded_on": day("2024-05-01"),
                "gender": "F",
                "joined_on": day("2024-05-01"),
            },
            {"customer_id": "later", "joined_on": day("2024-05-01")},
        ],
    }
