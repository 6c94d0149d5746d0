"""Features say what they claim, and nothing of what comes later."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES, PROFILING_ALLOWED
from portrait_assets.testing.worlds.features import World, day, sale


def test_recency_frequency_and_monetary_by_hand():
    world = World(
        "2024-03",
        transactions=[
            sale("ann", "2024-01-10 09:00", 10, basket_id="b1"),
            sale("ann", "2024-01-10 09:00", 5, basket_id="b1"),
            sale("ann", "2024-03-16 19:00", 20, basket_id="b2"),
        ],
    )
    ann = world.customer("ann", "2024-03")
    assert ann["recency_days"] == 15
    assert (ann["purchases_1m"], ann["purchases_3m"]) == (1, 2)
    assert (ann["spend_1m"], ann["spend_12m"]) == (Decimal(20), Decimal(35))
    assert ann["average_ticket_12m"] == 17.5
    assert ann["active_month_share_12m"] == round(2 / 3, 6)
    assert ann["weekend_spend_share_12m"] == ann["evening_spend_share_12m"] == round(20 / 35, 6)
    assert ann["tenure_days"] == 81


def test_of_what_is_held_risk_is_taken_and_what_is_owed_is_no_appetite_for_it():
    def account(name: str, balance: float, **more: object) -> dict[str, object]:
        row = {"customer_id": "ann", "account_id": name, "product_id": name, "balance": balance}
        return {**row, "balance_on": day("2024-01-31"), **more}

    world = World(
        "2024-01",
        transactions=[],
        balances=[
            account("saving", 300),
            account("fund", 100),
            account("card", 900, credit_limit=1000),
            account("empty", 0),
        ],
        products=[
            {"product_id": name, "risk_grade": grade}
            for name, grade in (("saving", "R1"), ("fund", "r5"), ("card", "R5"), ("empty", "R5"))
        ],
    )
    ann = world.customer("ann", "2024-01")
    assert ann["graded_account_months_12m"] == 2
    assert ann["risk_appetite_12m"] == (300 * 1 + 100 * 5) / 400
    assert ann["total_balance"] == 400


@pytest.mark.parametrize(
    ("band", "lowest"),
    [
        ("25-34", 25),
        ("65+", 65),
        ("65岁以上", 65),
        ("25至34岁", 25),
        ("55 and over", 55),
        ("60后", None),
        ("young", None),
        (None, None),
    ],
)
def test_the_lower_end_of_an_age_band_is_read_where_it_is_a_number(
    band: str | None, lowest: int | None
):
    world = World(
        "2024-01",
        transactions=[sale("ann", "2024-01-01", 1)],
        customers=[{"customer_id": "ann", "age_band": band}],
    )
    assert world.customer("ann", "2024-01")["age_band_from"] == lowest


def test_attributes_are_those_recorded_by_then():
    person = {"customer_id": "ann", "birth_date": day("2000-02-01"), "joined_on": day("2023-12-31")}
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-01-01", 1)],
        customers=[
            person | {"month": "2024-01", "recorded_on": day("2024-01-01"), "region": "east"},
            person | {"month": "2024-02", "recorded_on": day("2024-02-01"), "region": "west"},
        ],
    )
    january, february = (world.customer("ann", m) for m in ("2024-01", "2024-02"))
    assert (january["region"], january["age"], january["tenure_days"]) == ("east", 23, 31)
    assert (february["region"], february["age"]) == ("west", 24)
    assert january["occupation"] is None


def test_balances_are_the_last_ones_by_then():
    def balance_row(on: str, balance: int, days: int = 0, account: str = "a") -> dict[str, Any]:
        return {
            "customer_id": "ann",
            "account_id": account,
            "balance_on": day(on),
            "balance": balance,
            "days_past_due": days,
        }

    world = World(
        "2024-02",
        transactions=[],
        balances=[
            balance_row("2024-01-31", 5),
            balance_row("2024-02-15", 9),
            balance_row("2024-02-29", 7, 30),
            balance_row("2024-01-31", 1, account="closed later"),
        ],
    )
    assert world.customer("ann", "2024-01")["total_balance"] == Decimal(6)
    february = world.customer("ann", "2024-02")
    assert (february["total_balance"], february["max_days_past_due"]) == (Decimal(7), 30)
    assert february["recency_days"] is None


def test_who_has_joined_without_buying_is_a_customer_and_who_has_not_is_none():
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-02-01", 1)],
        customers=[
            {"customer_id": "bob", "joined_on": day("2024-01-15")},
            {"customer_id": "cat", "joined_on": day("2024-02-15")},
            {"customer_id": "dan"},
        ],
    )
    nobody_has_bought_yet = {"bob": None}
    assert world.feature("spend_12m", "2024-01") == nobody_has_bought_yet
    assert world.feature("spend_12m", "2024-02") == {"ann": 1, "bob": 0, "cat": 0}


def test_every_column_is_a_declared_feature_with_a_domain_where_it_is_a_share():
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    assert list(FEATURE_MATRIX.column_names[2:]) == [*names, PROFILING_ALLOWED.name]
    for feature in FEATURES:
        if feature.unit == "share":
            column = FEATURE_MATRIX.column(feature.name)
            assert (column.minimum, column.maximum) == (0, 1)


def test_a_future_row_changes_nothing():
    now = [sale("ann", "2024-01-10", 10)]
    later = [*now, sale("ann", "2024-02-01", 99), sale("eve", "2024-02-01", 1)]
    assert_frame_equal(
        World("2024-01", transactions=now).matrix("2024-01"),
        World("2024-02", transactions=later).matrix("2024-01"),
    )


def test_the_largest_amount_that_money_can_hold_overflows_nothing():
    world = World(
        "2024-02",
        transactions=[
            sale("ann", "2024-01-01", Decimal("9999999999999.99"), category="tea", product_id="p"),
            sale("ann", "2024-02-01", Decimal("0.01"), category="tea", product_id="p"),
        ],
        products=[{"product_id": "p", "brand": "leaf"}],
    )
    ann = world.customer("ann", "2024-02")
    assert ann["largest_ticket_12m"] == Decimal("9999999999999.99")
    assert ann["category_hhi_12m"] == ann["brand_hhi_12m"] == 1
    assert ann["ticket_spread_12m"] == pytest.approx(2**0.5, abs=1e-6)
