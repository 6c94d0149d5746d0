"""Where rows tie, what they say decides, and not their order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from portrait_assets.core.months import last_day, month_range
from portrait_assets.stages.features.contract import CUSTOMER_BALANCE_MONTH
from portrait_assets.testing.worlds.features import World, day, sale

MONTHS = month_range("2023-03", "2024-03")


def account(balance: float, on: str = "2024-01-31", **more: Any) -> dict[str, Any]:
    row = {"customer_id": "ann", "account_id": "A", "balance_on": day(on)}
    return row | {"balance": balance, **more}


BALANCES = [
    account(90, credit_limit=500, days_past_due=10),
    account(90, credit_limit=800),
    account(80, credit_limit=900, days_past_due=30),
    account(1_000, on="2024-01-30", credit_limit=7_000),
]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_last_balance_of_a_day_is_the_greatest(order: tuple[int, ...]):
    world = World("2024-01", balances=[BALANCES[number] for number in order])
    found = world.table(CUSTOMER_BALANCE_MONTH)
    assert found.select("accounts", "owed", "credit_limit", "days_past_due").rows() == [
        (1, Decimal(90), Decimal(800), 10)
    ]


@pytest.mark.parametrize("balances", [(5, -3), (-3, 5)])
def test_balances_below_zero_tie_too(balances: tuple[int, ...]):
    rows = [account(9, on="2024-01-01"), *map(account, balances)]
    found = World("2024-01", balances=rows).table(CUSTOMER_BALANCE_MONTH)
    assert found["balance"].to_list() == [Decimal(5)]


KINDS = [("2024-01", "b"), ("2024-02", "a"), ("2024-02", None)]


@pytest.mark.parametrize("kinds", [KINDS, KINDS[::-1]])
def test_a_campaign_is_of_the_kind_that_its_newest_row_has(kinds: list[tuple[str, str | None]]):
    campaigns: list[dict[str, Any]] = [
        {"campaign_id": "K", "campaign_type": kind, "month": month} for month, kind in kinds
    ]
    contact = {"customer_id": "ann", "campaign_id": "K", "contacted_on": day("2024-02-05")}
    world = World("2024-02", campaigns=campaigns, contacts=[contact])
    assert world.campaign_responses("2024-02")["campaign_type"].to_list() == ["a"]


@pytest.mark.slow
def test_of_two_values_of_an_indicator_on_one_day_the_greater_counts():
    sales = [sale("ann", f"{month}-05", 10 + n % 3) for n, month in enumerate(MONTHS)]
    sales += [sale("bob", f"{month}-05", 20) for month in MONTHS]
    market = [
        {"indicator": "rate", "observed_on": last_day(month), "value": value}
        for n, month in enumerate(MONTHS)
        for value in (1.0 + n % 4, 2.0 + n % 3)
    ]
    forth, back = (
        World("2024-03", "2023-03", transactions=sales, market=rows).matrix("2024-03")
        for rows in (market, market[::-1])
    )
    assert forth["market_reaction_12m"].null_count() < forth.height
    assert_frame_equal(forth, back)
