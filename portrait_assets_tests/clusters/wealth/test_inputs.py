"""What wealth segments are found by: amounts, what is held and owed, risk tolerance and flows."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.clusters.wealth.inputs import (
    ASSETS,
    FLOWS,
    HELD,
    RISK_LEVEL,
    with_amounts,
)
from portrait_assets.stages.features.contract import CUSTOMER_BALANCE_MONTH
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import run_step
from portrait_assets_tests.offers.world import Bank, frame_of


def test_amounts_stand_by_category_and_what_is_owed_is_not_held() -> None:
    traits = pl.DataFrame({"customer_id": ["a", "b"]})
    holdings = pl.DataFrame(
        {
            "customer_id": ["a", "a", "a"],
            "category": ["fund", "loan", "fund"],
            "is_owed": [False, True, False],
            "amount": [5.0, 9.0, 2.0],
        }
    )
    found = with_amounts(traits, holdings, ("held_fund", "owed_loan"))
    assert found.rows() == [("a", 7.0, 9.0, 7.0), ("b", 0.0, 0.0, 0.0)]
    assert found.columns[-1] == ASSETS


def test_what_is_held_is_that_of_the_last_balances_and_an_overdrawn_account_holds_nothing() -> None:
    def account(
        number: str, on: int, balance: float | None, limit: int | None = None
    ) -> dict[str, object]:
        row = {"customer_id": "a", "account_id": number, "product_id": number[0]}
        return row | {"balance_on": date(2024, 6, on), "balance": balance, "credit_limit": limit}

    rows = [account("D1", 30, 5.0), account("D1", 29, 90.0), account("D2", 30, -7.0)]
    rows += [account("D3", 30, None), account("L1", 30, 8.0, 100), account("X", 30, 3.0)]
    named = {source.name: source for source in HELD.reads}
    products = pl.DataFrame({"product_id": ["D", "L"], "category": ["deposit", "loan"]})
    found = run_step(
        HELD, Scope("2024-06"), {named["balances"]: pl.DataFrame(rows), named["product"]: products}
    )
    assert found.rows() == [
        ("a", "deposit", False, 5.0),
        ("a", "loan", True, 8.0),
        ("a", "other", False, 3.0),
    ]


def test_the_risk_tolerance_is_that_of_the_newest_record_that_has_one() -> None:
    records: list[dict[str, object]] = [
        {"customer_id": who, "month": month, "risk_tolerance": level}
        for who, month, level in (
            *(("ann", "2024-05", "C4"), ("ann", "2024-06", "c2")),
            *(("bob", "2024-04", "5"), ("bob", "2024-05", "C3"), ("bob", "2024-06", None)),
            *(("cat", "2024-06", "balanced"), ("dan", "2024-07", "C1")),
        )
    ]
    # The record of the month counts, whenever its assessment was; of one month the newest one.
    dated = (("2024-05", 9, "C5"), ("2024-06", 1, "C1"), ("2024-06", 2, "C2"))
    records += [
        {
            **{"customer_id": "eve", "month": month, "risk_tolerance": level},
            "risk_assessed_on": date(2024, 1, day),
        }
        for month, day, level in dated
    ]
    found = Bank(records).rows(RISK_LEVEL).sort("customer_id")
    assert found.rows() == [("ann", 2.0), ("bob", 3.0), ("eve", 2.0)]


def test_a_flow_is_of_who_holds_something_now_and_did_before() -> None:
    """Per month, in the logarithm, of six months at most; a debt counts as nothing held."""
    balances = [
        *(("ann", "2024-02", 99.0), ("ann", "2024-06", 999.0)),
        *(("bob", "2024-02", 50.0), ("bob", "2024-05", 70.0)),
        ("cat", "2024-06", 5.0),
        *(("dan", "2024-05", -40.0), ("dan", "2024-06", 9.0)),
        *(("eve", "2023-11", 1.0), ("eve", "2024-06", 1.0)),
        *(("fay", "2023-11", 99.0), ("fay", "2023-12", 9.0), ("fay", "2024-06", 99.0)),
    ]
    bank = Bank()
    rows = [
        {"customer_id": who, "month": month, "balance": balance} for who, month, balance in balances
    ]
    frame = frame_of(CUSTOMER_BALANCE_MONTH, rows)
    bank.con.register("added", frame)
    bank.con.execute(f"INSERT INTO {CUSTOMER_BALANCE_MONTH.full_name} BY NAME FROM added")
    found = dict(bank.rows(FLOWS).sort("customer_id").rows())
    assert found == pytest.approx({"ann": np.log(10) / 4, "dan": np.log(10), "fay": np.log(10) / 6})
