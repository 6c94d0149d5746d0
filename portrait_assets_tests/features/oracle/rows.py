"""What all of the oracle shares: rows as dictionaries, months by how long ago, and shrinkage.

The oracle computes features in loops of plain Python from what their formulas say, over the same
rows that the pipeline gets, and shares nothing with its SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]
DATED = {
    "transactions": "occurred_at",
    "responses": "responded_on",
    "contacts": "contacted_on",
    "balances": "balance_on",
    "market": "observed_on",
    "promotions": "ended_on",
    "interactions": "occurred_at",
}


def day_of(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def ago(value: date, as_of: date) -> int:
    """Months from the value's month to that of `as_of`."""
    return (as_of.year - value.year) * 12 + as_of.month - value.month


def months_before(value: date, months: int) -> date:
    """The same day so many months earlier, or that month's last one."""
    year, month = divmod(value.year * 12 + value.month - 1 - months, 12)
    return next(
        date(year, month + 1, day)
        for day in range(value.day, 0, -1)
        if day <= 28 or _exists(year, month + 1, day)
    )


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def known(tables: Tables, name: str, as_of: date) -> list[Row]:
    """The rows of events until then, in their order."""
    column = DATED[name]
    return [row for row in tables.get(name, []) if day_of(row[column]) <= as_of]


def within(tables: Tables, name: str, as_of: date) -> list[Row]:
    """Those of the twelve months that end then, with `ago`."""
    column = DATED[name]
    rows = [row | {"ago": ago(row[column], as_of)} for row in known(tables, name, as_of)]
    return [row for row in rows if row["ago"] < 12]


def of(rows: Iterable[Row], customer: str) -> list[Row]:
    return [row for row in rows if row["customer_id"] == customer]


def clip(value: float) -> float:
    return min(max(value, 0), 1)


def shrunk(own: float, count: int, base: float, weight: int) -> float:
    """The own value moved to the base's, which counts for so many observations."""
    return (count * own + weight * base) / (count + weight)
