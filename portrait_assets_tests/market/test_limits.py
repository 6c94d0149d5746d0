"""What is counted on a limit and what beside it: months, customers, families of tests, peers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import month_range
from portrait_assets.methods.market.seasons import seasons_of
from portrait_assets.stages.market.changes.reach import reach_rows
from portrait_assets.stages.market.columns import (
    EVERYONE,
    MONTH_BEFORE,
    YEAR_BEFORE,
)
from portrait_assets.stages.market.competitors.comparing import INDICATOR, competitor_rows
from portrait_assets.stages.market.competitors.launches import launch_rows, launch_step
from portrait_assets.stages.market.demand.contract import ITEM_MONTH
from portrait_assets.stages.market.demand.listing import (
    YEAR_AGO,
    demand_rows,
    demand_steps,
    history_step,
    with_vanished,
)
from portrait_assets.stages.market.demand.series import Series, series_of, trends
from portrait_assets.storage.steps import Scope
from portrait_assets_tests.market.test_competitors import counted, deposits, gaps
from portrait_assets_tests.market.test_demand import NOW, SIZES, history
from portrait_assets_tests.market.world import MONTH, accounts, lines, members, step_rows


def test_what_was_last_bought_in_the_newest_twelve_months_has_vanished() -> None:
    past = history({"tea": [5.0] * 13, "ham": [5.0] * 13, "jam": [5.0] * 13})
    past = past.filter(
        (pl.col("item") == "tea")
        | ((pl.col("item") == "ham") & (pl.col("month") == "2024-01"))
        | ((pl.col("item") == "jam") & (pl.col("month") == "2023-12"))
    )
    gone = with_vanished(NOW, past).filter(customers=0)
    assert gone["item"].to_list() == ["ham"]


def test_the_year_before_is_the_same_month_of_enough_customers() -> None:
    assert YEAR_AGO.span.months(month_range("2023-01", "2024-12"), MONTH.month) == ["2023-12"]
    now = NOW.with_columns(customers=pl.Series([40, 20, 20]))
    # Of fewer than ten it is not known, however few may be published.
    for smallest, known in ((2, [3.0, 3.0, None]), (11, [3.0, None, None])):
        year_ago = NOW.with_columns(amount=pl.col("amount") / 4).cast(ITEM_MONTH.polars_schema)
        year_ago = year_ago.with_columns(customers=pl.Series([11, 10, 9]))
        rows = demand_rows(MONTH, now, year_ago, SIZES, {}, smallest).sort("segment_id")
        found = dict(zip(rows["segment_id"], rows["year_on_year"], strict=True))
        assert [found.get(n) for n in range(3)] == known


@pytest.mark.parametrize(("customers", "months"), [(9, 0), (10, 1)])
def test_an_item_has_a_history_from_the_smallest_cell_on(customers: int, months: int) -> None:
    row = {"month": "2024-01", "segment_id": EVERYONE, "item": "tea", "customers": customers}
    row |= {"measure": "purchases", "item_kind": "category", "amount": Decimal(1)}
    items = pl.DataFrame([row], schema=ITEM_MONTH.polars_schema)
    assert step_rows(history_step(10), items=items).height == months


@pytest.mark.parametrize(("customers", "rows"), [(9, 0), (10, 12)])
def test_seasons_are_of_ten_customers_also_of_a_public_source(customers: int, rows: int) -> None:
    _, season, trend = demand_steps(smallest=1)
    now = NOW.filter(segment_id=EVERYONE).with_columns(customers=pl.lit(customers, pl.Int64))
    past = history({"tea": [5.0] * 24})
    found = [step_rows(step, item_now=now, item_history=past).height for step in (season, trend)]
    assert found == [rows, min(rows, 1)]


def test_a_season_is_sure_at_the_rate_of_false_discoveries() -> None:
    values = np.tile([1.0, 2.0, 3.0, 4.0] * 3, 2)
    own = seasons_of(values)
    assert Series(values, own, 0.05).is_seasonal
    assert not Series(values, own, 0.0501).is_seasonal
    assert not Series(values, own).is_seasonal


def test_a_trend_is_of_two_years_and_a_share_of_their_level() -> None:
    """A third year before them, of another level, says nothing of it."""
    values = [1_000.0] * 12 + [100.0 + 2 * n for n in range(24)]
    (row,) = trends(MONTH, series_of(history({"tea": values}), MONTH.month)).to_dicts()
    assert (row["months"], row["is_adjusted"], row["direction"]) == (24, False, "rising")
    assert row["trend"] == round(2 / 123, 6)


def switched(comparison: str, item: str, lost: int, won: int) -> dict[str, Any]:
    return {
        "comparison": comparison,
        "segment_id": EVERYONE,
        "measure": "purchases",
        "item": item,
        "customers": 100,
        "kept": 50,
        "only_before": lost,
        "only_now": won,
    }


def test_the_false_discovery_rate_is_that_of_one_comparison() -> None:
    """Beside it nineteen items of the other comparison did not change at all."""
    others = [switched(YEAR_BEFORE, f"i{n}", 12, 12) for n in range(19)]
    alone = [switched(MONTH_BEFORE, "tea", 4, 14)]
    rows = reach_rows(pl.DataFrame([*alone, *others]), 1)
    (tea,) = rows.filter(item="tea").to_dicts()
    # Four or fewer of eighteen fair throws, on either side.
    p_value = 2 * (1 + 18 + 153 + 816 + 3_060) / 2**18
    assert (tea["p_value"], tea["q_value"]) == pytest.approx((p_value, p_value))
    assert (tea["direction"], rows.filter(comparison=YEAR_BEFORE)["q_value"].min()) == ("more", 1)
    # By hand: A. Agresti, Y. Min (2005), of 4.5 and 14.5 among 102.
    assert (tea["reach_change_low"], tea["reach_change_high"]) == (0.016471, 0.179607)


def test_of_an_indicator_the_newest_value_of_a_month_counts_and_of_a_day_the_greatest() -> None:
    def row(day: int, value: float, competitor: str | None = "甲") -> dict[str, Any]:
        return {
            "month": "2024-12",
            "observed_on": date(2024, 12, day),
            "indicator": "rate",
            "product_class": "term_deposit",
            "product_id": None,
            "competitor": competitor,
            "value": value,
        }

    rows = [row(1, 9.0), row(20, 2.0), row(20, 3.0), row(5, 4.0, None)]
    market = pl.DataFrame([*rows, row(9, 1.0, None) | {"indicator": "index"}])
    found = step_rows(INDICATOR, market=market).sort("competitor", nulls_last=True)
    assert found.select("indicator", "product_id", "competitor", "value").rows() == [
        ("rate", "", "甲", 3.0),
        ("rate", "", None, 4.0),
    ]


def test_a_peer_that_is_equal_is_not_higher() -> None:
    rows = competitor_rows(Scope("2024-12"), gaps([2.0] * 3, [2.0] * 3), deposits([1.0] * 3))
    assert set(rows["higher_than_own"]) == {1}, "only the other, which is one higher"


def test_own_demand_is_that_of_the_product_before_that_of_its_class() -> None:
    rng = np.random.default_rng(2)
    theirs = 2 + np.cumsum(rng.normal(size=24))
    of_product = gaps([2.0] * 24, list(theirs)).with_columns(product_id=pl.lit("T1"))
    falls, rises = deposits(list(1_000 - 50 * theirs)), deposits(list(1_000 + 50 * theirs))
    product = rises.with_columns(item_kind=pl.lit("product"), item=pl.lit("T1"))
    rows = competitor_rows(Scope("2024-12"), of_product, pl.concat([falls, product]))
    assert rows.filter(competitor="甲")["correlation"].item() == pytest.approx(1, abs=1e-3)


def test_who_changed_to_a_launched_product_had_another_and_not_this_one() -> None:
    """Of ten customers seven had the old card, one of whom the new one too; three take it."""
    who = [f"c{n}" for n in range(10)]
    old, new, other = "card 1", "card 2", "card 3"
    before = [*((each, old) for each in who[:7]), ("c6", new), ("c7", other)]
    now = [*((each, new) for each in who[:3]), *((each, old) for each in who[3:6])]
    now += [("c6", new), ("c7", other), ("c8", other)]
    product = {"category": "card", "withdrawn_on": None, "is_merchandise": True}
    days = {old: None, new: date(2024, 11, 1), other: None}
    (row,) = step_rows(
        launch_step(1),
        product=pl.DataFrame(
            [product | {"product_id": each, "introduced_on": day} for each, day in days.items()],
            schema_overrides={"introduced_on": pl.Date, "withdrawn_on": pl.Date},
        ),
        bought=lines(),
        bought_1=lines(),
        holding=accounts(*((each, card, 5) for each, card in now)),
        holding_1=accounts(*((each, card, 5) for each, card in before)),
        member=members(**dict.fromkeys(who, 1)),
        member_1=members(**dict.fromkeys(who, 1)),
    ).to_dicts()
    assert (row["product_id"], row["customers"], row["takers"]) == (new, 4, 3)
    # Nine could; of the others' nine and three one took the third card.
    assert (row["take_rate"], row["other_take_rate"]) == (round(3 / 9, 6), round(1 / 12, 6))
    assert (row["from_product"], row["changed_share"]) == (old, round(3 / 7, 6))


@pytest.mark.parametrize(("changed", "from_product"), [(9, None), (10, "old")])
def test_where_takers_came_from_is_shown_of_enough(changed: int, from_product: str | None) -> None:
    (row,) = launch_rows(Scope("2024-12"), counted(60, 60, changed), 10).to_dicts()
    assert row["from_product"] == from_product
