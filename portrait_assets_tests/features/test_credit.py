"""Borrowers beside those alike: revolving credit, and how probably a payment is past due."""

from __future__ import annotations

from typing import Any

import pytest

from portrait_assets.testing.worlds.features import World, day

PRODUCTS: list[dict[str, Any]] = [
    {"product_id": "card", "term_days": None},
    {"product_id": "loan", "term_days": 1_095},
]
ENDS = ("2024-01-31", "2024-02-29", "2024-03-31")
CREDIT = ("revolving_utilisation_12m", "past_due_rate_24m", "past_due_probability_1m")


def account(
    who: str, product: str, owed: float | None, limit: float, *days: int
) -> list[dict[str, Any]]:
    """Balances of an account at the ends of three months, with the days past due then."""
    return [
        {
            "customer_id": who,
            "account_id": f"{who} {product}",
            "product_id": product,
            "balance_on": day(on),
            "balance": owed,
            "credit_limit": limit,
            "days_past_due": late,
        }
        for on, late in zip(ENDS, days, strict=True)
    ]


@pytest.fixture(scope="module")
def world() -> World:
    """Ann and Bob use most of their cards, Cat little of hers, and Dan has a loan alone."""
    return World(
        "2024-03",
        products=PRODUCTS,
        balances=[
            *account("ann", "card", 85, 100, 0, 0, 0),
            *account("ann", "loan", 900, 900, 0, 0, 0),
            *account("bob", "card", 89, 100, 0, 20, 45),
            *account("cat", "card", 10, 100, 5, 0, 0),
            *account("dan", "loan", 50, 100, 0, 0, 0),
        ],
    )


def credit(world: World, who: str) -> list[float | None]:
    row = world.customer(who, "2024-03")
    return [row[name] for name in CREDIT]


def test_who_is_on_time_has_the_rate_of_those_who_use_as_much_of_their_cards(world: World):
    """Two of the ten months on time ended in a fall: five months for one, which is one fall more.

    Of Ann and Bob together five months had one fall, of Cat two one, and of Dan three none.
    """
    ann = 1 / (3 + (5 + 5) / 2)
    assert credit(world, "ann") == [0.85, ann, ann]
    cat = round(2 / (2 + (2 + 5) / 2), 6)
    assert credit(world, "cat") == [0.1, cat, cat]
    dan = round(1 / (3 + (3 + 5) / 1), 6)
    assert credit(world, "dan") == [None, dan, dan]


def test_who_is_past_due_stays_so_as_often_as_those_who_were_as_late(world: World):
    """Bob was late by up to 30 days and still late a month on, Cat was not; nobody was by 45, for
    whom stands what became of all."""
    use, rate, probability = credit(world, "bob")
    assert (use, rate) == (0.89, round(2 / (2 + (5 + 5) / 2), 6))
    assert probability == 0.5
    row = world.customer("bob", "2024-02")
    assert row["max_days_past_due"] == 20
    # By then one was late with a month after it, and paid: with the share of all once more.
    assert row["past_due_probability_1m"] == 0


def test_nobody_was_ever_past_due():
    calm = World("2024-03", products=PRODUCTS, balances=account("ann", "card", 1, 2, 0, 0, 0))
    assert credit(calm, "ann") == [0.5, 0, 0]


def test_what_becomes_of_late_payments_is_not_known_in_the_first_month_of_them():
    """Of three months on time one ended in the only fall."""
    first = World("2024-03", products=PRODUCTS, balances=account("bob", "card", 1, 2, 0, 0, 7))
    assert credit(first, "bob") == [0.5, round(2 / (3 + (3 + 3) / 2), 6), None]


def test_of_a_card_whose_balance_is_not_known_no_limit_is_in_use():
    """Of the first card nothing is known in January and February, and of the other never."""
    card = account("ann", "card", 80, 100, 0, 0, 0)
    card[0]["balance"] = card[1]["balance"] = None
    other = account("ann", "other card", None, 900, 0, 0, 0)
    other = [row | {"product_id": "card"} for row in other]
    bob = account("bob", "card", None, 100, 0, 0, 0)
    unknown = World("2024-03", products=PRODUCTS, balances=[*card, *other, *bob])
    assert [credit(unknown, who)[0] for who in ("ann", "bob")] == [0.8, None]
