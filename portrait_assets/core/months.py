"""Months as partition keys: text such as 2017-03, in calendar order."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import date

from portrait_assets.core.errors import PortraitError

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def parse_month(text: str) -> str:
    """The month itself when it reads as YYYY-MM.

    Raises:
        PortraitError: when it does not.
    """
    if not _MONTH.fullmatch(text):
        raise PortraitError(f"'{text}' is not a month; write it as YYYY-MM, such as 2017-03.")
    return text


def last_day(month: str) -> date:
    """The last day of the month, which is the `as_of` of its portrait."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def next_month(month: str, by: int = 1) -> str:
    """The month that many months later; earlier when `by` is negative."""
    index = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def month_range(first: str, last: str) -> list[str]:
    """All months from first to last, both included."""
    months = []
    while first <= last:
        months.append(first)
        first = next_month(first)
    return months


def span(months: Sequence[str]) -> str:
    """The months in words, `2017-03` or `2017-03 to 2017-08`; given in order."""
    if not months:
        return "all months"
    return months[0] if months[0] == months[-1] else f"{months[0]} to {months[-1]}"


def parse_months(text: str, available: list[str]) -> list[str]:
    """The months that `2017-03` or `2017-03..2017-08` asks for, out of those available.

    Raises:
        PortraitError: when the text does not read so, or asks for a month not available.
    """
    first, separator, last = text.partition("..")
    asked = month_range(parse_month(first), parse_month(last) if separator else first)
    if not asked:
        raise PortraitError(f"'{text}' ends before it begins; write the earlier month first.")
    missing = [month for month in asked if month not in available]
    if missing:
        raise PortraitError(
            f"{missing[0]} is outside the source, which covers {available[0]} to "
            f"{available[-1]}; ask for months within it or change source.yaml."
        )
    return asked
