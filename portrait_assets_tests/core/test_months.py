"""Months as keys: text in calendar order."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import (
    last_day,
    month_range,
    next_month,
    parse_month,
    parse_months,
    span,
)

YEAR = month_range("2023-11", "2024-03")


def test_months_go_over_the_year():
    assert YEAR == ["2023-11", "2023-12", "2024-01", "2024-02", "2024-03"]
    assert next_month("2024-01", -2) == "2023-11"
    assert last_day("2024-02") == date(2024, 2, 29)


def test_a_range_is_both_ends_and_all_between():
    assert parse_months("2023-12..2024-02", YEAR) == ["2023-12", "2024-01", "2024-02"]
    assert parse_months("2024-01", YEAR) == ["2024-01"]


@pytest.mark.parametrize("text", ["2024", "2024-13", "24-01", "2024-1", "x"])
def test_text_that_is_no_month_is_refused(text: str):
    with pytest.raises(PortraitError, match="is not a month; write it as YYYY-MM"):
        parse_month(text)


def test_months_are_named_by_their_first_and_last():
    assert span([]) == "all months"
    assert span(["2024-01"]) == "2024-01"
    assert span(YEAR) == "2023-11 to 2024-03"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2023-10", "2023-10 is outside the source, which covers 2023-11 to 2024-03"),
        ("2024-03..2024-04", "2024-04 is outside"),
        ("2024-02..2024-01", "ends before it begins"),
        ("2024-01..", "'' is not a month"),
    ],
)
def test_months_that_cannot_be_had_are_refused(text: str, says: str):
    with pytest.raises(PortraitError, match=says):
        parse_months(text, YEAR)
    assert parse_months("2023-11..2024-03", YEAR) == YEAR


@settings(max_examples=40)
@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(0, 40))
def test_months_agree_with_the_calendar(day: date, by: int):
    month = f"{day:%Y-%m}"
    assert f"{last_day(month) + timedelta(1):%Y-%m-%d}" == f"{next_month(month)}-01"
    later = next_month(month, by)
    assert (int(later[:4]) - day.year) * 12 + int(later[5:]) - day.month == by
    assert 1 <= int(later[5:]) <= 12
    assert next_month(later, -by) == month
    assert month_range(month, later) == [next_month(month, n) for n in range(by + 1)]
    assert by == 0 or month_range(later, month) == []
