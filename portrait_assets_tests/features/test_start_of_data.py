"""Where the data begin: what was before them is unknown, and is no trend and no date of joining."""

from __future__ import annotations

import pytest

from portrait_assets.testing.worlds.features import World, day, sale

MONTHS_OF_DATA = [f"2024-{month:02}" for month in range(1, 10)]


@pytest.fixture(scope="module")
def beginnings() -> World:
    """Data from January on: ann is there from the start, eve from August, joe joined in May."""
    sold = {
        "ann": [f"2024-{month:02}-05" for month in range(1, 10)],
        "eve": ["2024-08-01", "2024-09-03"],
        "joe": ["2024-05-03", "2024-09-03"],
        "old": ["2024-01-03", "2024-09-03"],
    }
    return World(
        "2024-09",
        transactions=[sale(who, on, 10) for who, days in sold.items() for on in days],
        customers=[
            {"customer_id": "joe", "joined_on": day("2024-05-01")},
            {"customer_id": "old", "joined_on": day("2020-05-01")},
        ],
    )


def test_the_first_day_of_the_data_is_not_the_day_a_customer_joined(beginnings: World):
    bounds = beginnings.feature("tenure_is_lower_bound", "2024-09")
    assert bounds == {"ann": True, "eve": False, "joe": False, "old": False}
    tenure = beginnings.feature("tenure_days", "2024-09")
    assert (tenure["ann"], tenure["eve"]) == (269, 60)
    # The data begin on 3 January; what old bought in the years before is not on record.
    recorded = {"ann": 269, "eve": 60, "joe": 152, "old": 271}
    assert beginnings.feature("recorded_days", "2024-09") == recorded
    assert beginnings.feature("observed_months", "2024-09") == {
        **{"ann": 9, "old": 9},  # They may have bought before, and nothing is known of it.
        **{"eve": 12, "joe": 12},  # Before they joined they bought nothing.
    }


def test_a_day_of_joining_that_is_still_to_come_is_not_known_yet():
    world = World(
        "2024-09",
        transactions=[sale(who, "2024-08-05", 1) for who in ("ann", "joe")],
        customers=[
            {"customer_id": who, "joined_on": day("2031-01-01")} for who in ("joe", "later")
        ],
    )
    assert world.feature("tenure_days", "2024-09") == {"ann": 56, "joe": 56}
    assert world.feature("tenure_is_lower_bound", "2024-09") == {"ann": True, "joe": True}


@pytest.mark.parametrize(
    ("first", "is_bound"), [("2024-06-28", True), ("2024-06-29", True), ("2024-07-02", False)]
)
def test_half_a_year_after_the_data_began_whoever_comes_is_new(first: str, is_bound: bool):
    world = World("2024-07", transactions=[sale("ann", "2024-01-02", 1), sale("eve", first, 1)])
    assert world.customer("eve", "2024-07")["tenure_is_lower_bound"] is is_bound


def test_a_trend_needs_months_on_record_on_both_sides(beginnings: World):
    """From the fourth month on all would be growing, against months before the data began."""
    trends = {
        month: beginnings.customer("ann", month)["spend_trend_3m"] for month in MONTHS_OF_DATA
    }
    assert trends == {
        **dict.fromkeys(MONTHS_OF_DATA[:5]),
        **dict.fromkeys(MONTHS_OF_DATA[5:], 0.0),
    }
    assert beginnings.customer("joe", "2024-05")["spend_trend_3m"] == 1.0
