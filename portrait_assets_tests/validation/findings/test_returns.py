"""The report says how many transactions cancel or return something."""

from __future__ import annotations

import pytest

from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets.stages.validation.findings.returns import (
    RETURNED,
    SHARE_RETURNED,
    returns_finding,
)
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.worlds.features import World, sale

SALES = [
    sale("a", "2024-01-05", 10, basket_id="1"),
    sale("a", "2024-01-05", 20, basket_id="1"),
    sale("a", "2024-01-05", -5, basket_id="1"),
    sale("a", "2024-01-09", -20, basket_id="C1", cancels="1"),
    sale("b", "2024-01-10", 7),
    sale("b", "2024-01-11", -7),
    sale("b", "2024-01-12", 3),
    sale("b", "2024-02-12", 3),
]


def found(month: str) -> list[dict[str, object]]:
    world = World("2024-02", transactions=SALES)
    return returns_finding(Engine(world.con).frame(RETURNED, Scope(month))).to_dicts()


def test_baskets_and_lines_that_only_give_back_are_counted_among_all_of_the_month():
    (row,) = found("2024-01")
    assert (row["area"], row["subject"], row["metric"]) == (
        "source",
        "transactions",
        SHARE_RETURNED,
    )
    assert row["value"] == pytest.approx(2 / 5)
    assert row["advice_en"] == (
        "2 of 5 transactions (40.0 %) cancel or return and are no purchases, 1 of them with a "
        f"reference to what they take back; {27:.{MONEY_SCALE}f} was given back."
    )
    assert "2/5笔交易（40.0%）" in str(row["advice_zh"])


def test_a_month_in_which_nothing_was_given_back_has_no_finding():
    assert found("2024-02") == []
