"""What a monthly aggregate is: a column, the SQL that computes it from events, how it adds up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.features.declared.feature import MONEY


class Adds(StrEnum):
    """The SQL aggregate that makes one value of several months' or customers' values."""

    SUM = "sum"
    LEAST = "min"
    MOST = "max"
    ANY = "any_value"


@dataclass(frozen=True)
class Aggregate:
    """A column of a monthly aggregate, the SQL that computes it from events, and how it adds up."""

    column: Column
    sql: str
    adds: Adds = Adds.SUM

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def added_up(self) -> str:
        """SQL of the column over rows that become one, with its type."""
        if self.adds is not Adds.SUM:
            return f"{self.adds}({self.name}) AS {self.name}"
        return f"CAST(sum({self.name}) AS {self.column.type}) AS {self.name}"


def select(aggregates: Iterable[Aggregate]) -> str:
    """The SELECT list that computes the aggregates."""
    return ", ".join(f"{aggregate.sql} AS {aggregate.name}" for aggregate in aggregates)


def words(aggregate: Aggregate) -> set[str]:
    """The names in the aggregate's SQL."""
    return set(re.findall(r"\w+", aggregate.sql))


def number(name: str, en: str, zh: str, sql: str, unit: str | None = None) -> Aggregate:
    """A count, or a sum of whole numbers, that is never null."""
    column = Column(name, Type.INTEGER, en, zh, nullable=False, minimum=0, unit=unit)
    return Aggregate(column, sql)


def count(name: str, en: str, zh: str, where: str, unit: str | None = None) -> Aggregate:
    """The rows for which a condition holds."""
    return number(name, en, zh, f"count(CASE WHEN {where} THEN 1 END)", unit)


def money(name: str, en: str, zh: str, sql: str) -> Aggregate:
    """A sum of money, 0 where there is none."""
    column = Column(name, Type.MONEY, en, zh, nullable=False, unit=MONEY)
    return Aggregate(column, f"coalesce(sum({sql}), 0)")


def money_where(name: str, en: str, zh: str, where: str, of: str = "amount") -> Aggregate:
    """A sum of money over the rows for which a condition holds."""
    # FILTER would cut every column of the rows anew for each of so many aggregates.
    return money(name, en, zh, f"CASE WHEN {where} THEN {of} END")


def money_held(name: str, en: str, zh: str, where: str, of: str) -> Aggregate:
    """A sum of money over the accounts for which a condition holds; null where none is held."""
    en, zh = f"{en}; null where none is held", f"{zh}（未持有时为空）"
    column = Column(name, Type.MONEY, en, zh, unit=MONEY)
    return Aggregate(column, f"sum(CASE WHEN {where} THEN {of} END)")


def circle(name: str, en: str, zh: str, function: str) -> Aggregate:
    """A sum over hours of the day, of the function of their angle."""
    # Hours lie on a circle; whole thousandths keep the sums exact.
    sql = f"CAST(round(1000 * {function}(pi() * (hour_of_day + 0.5) / 12)) AS INTEGER)"
    column = Column(name, Type.INTEGER, en, zh, nullable=False, unit="thousandths")
    return Aggregate(column, f"coalesce(sum({sql}), 0)")


def extreme(adds: Adds, name: str, type_: Type, en: str, zh: str, of: str) -> Aggregate:
    """The least, or the greatest, value of a column."""
    unit = MONEY if type_ is Type.MONEY else None
    return Aggregate(Column(name, type_, en, zh, unit=unit), f"{adds}({of})", adds)


least, most = partial(extreme, Adds.LEAST), partial(extreme, Adds.MOST)
