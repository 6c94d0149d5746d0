"""Months as keys: text in calendar order."""

from __future__ import annotations

from datetime import date

import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import (
    last_day,
    month_range,
    next_month,
    parse_month,
    parse_months,
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
