"""What monthly aggregates count, one event after the other."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.features.monthly.aggregate import Aggregate, select
from portrait_assets.stages.features.monthly.aggregates import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_MONTH,
    DAY_PARTS,
    WEEKDAYS,
)
from portrait_assets.storage.duckdb.connection import scratch_database


def counted(
    names: list[str], rows: pl.DataFrame, of: tuple[Aggregate, ...] = CUSTOMER_MONTH
) -> Any:
    """The named aggregates of these events."""
    by_name = {each.name: each for each in of}
    with scratch_database() as con:
        con.register("events", rows)
        return (
            con.sql(f"SELECT {select(by_name[name] for name in names)} FROM events")
            .pl()
            .row(0, named=True)
        )


def test_each_hour_is_of_one_part_of_the_day() -> None:
    hours = pl.DataFrame({"hour_of_day": [0, 5, 6, 6, 11, 12, 17, 17, 17, 18, 23, 23, 22, None]})
    parts = counted([f"{part}_lines" for part in DAY_PARTS], hours)
    assert parts == {"night_lines": 2, "morning_lines": 3, "afternoon_lines": 4, "evening_lines": 4}


def test_a_week_begins_on_monday_and_its_end_on_saturday() -> None:
    days = pl.DataFrame({"weekday": [1, 5, 6, 6, 7, None], "amount": [1, 2, 4, 8, 16, 32]})
    found = counted([f"{day}_lines" for day in WEEKDAYS], days)
    assert list(found.values()) == [1, 0, 0, 0, 1, 2, 1]
    assert counted(["weekend_amount"], days) == {"weekend_amount": 28}


def test_a_discount_of_nothing_is_none() -> None:
    rows = pl.DataFrame({"discount_amount": [0, 1, None], "amount": [5, 7, 11]})
    assert counted(["discounted_lines", "discounted_amount", "discount_amount"], rows) == {
        "discounted_lines": 1,
        "discounted_amount": 7,
        "discount_amount": 1,
    }


def test_a_price_is_another_from_five_percent_on() -> None:
    rows = pl.DataFrame({"price_difference": [-0.05, -0.049, 0.0, 0.049, 0.05, 0.06, None]})
    assert counted(["cheaper_lines", "dearer_lines"], rows) == {
        "cheaper_lines": 1,
        "dearer_lines": 2,
    }


def test_a_line_may_be_promoted_in_one_way_or_both() -> None:
    names = ["display_odds", "mailer_odds", "is_on_display", "is_in_mailer", "amount"]
    rows = pl.DataFrame(
        [
            (100, None, True, False, 1),
            (None, 200, True, True, 2),
            (100, 200, False, True, 4),
            (None, None, False, False, 8),
        ],
        schema=names,
        orient="row",
    )
    of = ["promotable_lines", "display_lines", "mailer_lines", "promoted_amount"]
    of += ["display_odds", "mailer_odds"]
    assert list(counted(of, rows).values()) == [3, 1, 2, 7, 200, 400]


def test_a_survey_without_a_score_is_no_answer() -> None:
    rows = pl.DataFrame(
        {"kind": ["survey", "survey", "complaint", "visit"], "score": [4.0, None, 9.0, None]}
    )
    of = ["surveys", "survey_points", "complaints", "visits"]
    assert list(counted(of, rows).values()) == [1, 4, 1, 1]


def test_what_is_owed_is_of_accounts_with_a_limit_and_used_of_limits_above_nothing() -> None:
    rows = pl.DataFrame(
        {
            "balance": [100, 30, 20, None],
            "credit_limit": [None, 60, 0, 50],
            "days_past_due": [None, 3, 9, None],
            "grade": [2, None, None, None],
            "is_on_demand": [True, False, False, False],
            "is_revolving": [False, True, False, True],
        }
    )
    of = ["balance", "owed", "credit_limit", "days_past_due", "highest_utilisation"]
    of += ["graded_accounts", "graded_balance", "risk_points", "demand_balance"]
    of += ["revolving_owed", "revolving_limit"]
    found = counted(of, rows, CUSTOMER_BALANCE_MONTH)
    assert list(found.values()) == [100, 50, 110, 9, 0.5, 1, 100, 200, 100, 30, 110]


@pytest.mark.parametrize(("responded", "days"), [([1, 0], 3), ([1, 1], 8), ([0, None], 0)])
def test_days_to_a_response_are_of_contacts_that_had_one(
    responded: list[int | None], days: int
) -> None:
    rows = pl.DataFrame({"responded": responded, "lag_days": [3, 5]})
    found = counted(["responded_contacts", "lag_days"], rows, CUSTOMER_CAMPAIGN_MONTH)
    assert found == {"responded_contacts": sum(filter(None, responded)), "lag_days": days}
