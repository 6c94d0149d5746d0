"""The calendar of a synthetic bank: months, and which days and hours are busy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

import numpy as np

from portrait_assets.core.months import month_range, next_month
from portrait_assets.synthetic.common.randomness import Floats, Ints, lookup_by_weight
from portrait_assets.synthetic.persons.segment_traits import HOURS
from portrait_assets.synthetic.persons.segments import SEGMENTS

EPOCH = date(1970, 1, 1)
DAY_US = 86_400_000_000
DAY_SLOTS = 1024
MINUTE_SLOTS = 4096
SALARY_DAYS = (5, 10, 15, 25)

SPRING_FESTIVAL = {
    2015: (2, 19),
    2016: (2, 8),
    2017: (1, 28),
    2018: (2, 16),
    2019: (2, 5),
    2020: (1, 25),
    2021: (2, 12),
    2022: (2, 1),
    2023: (1, 22),
    2024: (2, 10),
    2025: (1, 29),
    2026: (2, 17),
    2027: (2, 6),
    2028: (1, 26),
    2029: (2, 13),
    2030: (2, 3),
    2031: (1, 23),
    2032: (2, 11),
    2033: (1, 31),
    2034: (2, 19),
    2035: (2, 8),
}
"""First day of the lunar year; other years take 4 February."""

MONTH_LEVEL = (1.0, 0.96, 0.97, 0.98, 1.02, 1.0, 0.99, 0.99, 1.0, 1.03, 1.08, 1.10)
"""Activity by month of the year before the spring festival is added; November has its sales."""

_HOUR_WEIGHTS = {
    "office": (
        1,
        1,
        1,
        1,
        1,
        2,
        8,
        20,
        45,
        70,
        65,
        50,
        30,
        40,
        55,
        50,
        35,
        20,
        12,
        8,
        5,
        3,
        2,
        1,
    ),
    "day": (
        1,
        1,
        1,
        1,
        1,
        3,
        10,
        22,
        30,
        38,
        42,
        45,
        48,
        40,
        38,
        40,
        44,
        48,
        42,
        32,
        22,
        12,
        5,
        2,
    ),
    "evening": (
        3,
        1,
        1,
        1,
        1,
        2,
        8,
        20,
        22,
        18,
        20,
        28,
        34,
        24,
        20,
        20,
        26,
        42,
        60,
        68,
        58,
        36,
        16,
        7,
    ),
    "night": (
        22,
        12,
        6,
        3,
        2,
        2,
        4,
        10,
        14,
        14,
        16,
        26,
        36,
        26,
        20,
        20,
        24,
        36,
        50,
        60,
        64,
        64,
        56,
        38,
    ),
}
"""Weight of each hour of the day, from midnight on, by habit."""


@dataclass(frozen=True)
class Calendar:
    """The months of a bank, as positions from 0; days count from 1970-01-01.

    What lies at a share of the bank's months, such as when a product is withdrawn, lies at a share
    of its `horizon`. A bank that is continued has more months and the horizon that it had, so that
    its past stays as it is.
    """

    first_month: str
    count: int
    continues: int = 0
    """Number of months that the bank was made with, where later ones continue it."""
    since: int = 0
    """First month whose rows are written; those before it are written already."""

    @property
    def horizon(self) -> int:
        """Number of months that the bank was made with."""
        return self.continues or self.count

    @property
    def written(self) -> range:
        """The months whose rows are written."""
        return range(self.since, self.count)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The months as text, such as 2023-01."""
        last = next_month(self.first_month, self.count - 1)
        return tuple(month_range(self.first_month, last))

    @cached_property
    def starts(self) -> Ints:
        """First day of each month and of the one after the last, shape (count + 1,)."""
        return np.array(
            [
                (date(int(name[:4]), int(name[5:]), 1) - EPOCH).days
                for name in (*self.names, next_month(self.names[-1]))
            ]
        )

    @cached_property
    def lengths(self) -> Ints:
        """Days in each month."""
        return np.diff(self.starts)

    def month_start(self, position: int) -> date:
        """First day of the month at any position, also before the first or after the last."""
        name = next_month(self.first_month, position)
        return date(int(name[:4]), int(name[5:]), 1)

    @cached_property
    def activity(self) -> Floats:
        """Activity of each month against an average one, shape (count,)."""
        level = []
        for position, name in enumerate(self.names):
            level.append(MONTH_LEVEL[int(name[5:]) - 1] * self.festival_level(position))
        return np.array(level)

    def festival_level(self, position: int) -> float:
        """What the spring festival makes of the month's activity; 1 where it is far."""
        return float(np.mean([_festival_boost(day) for day in self._days(position)]))

    def _days(self, position: int) -> list[date]:
        start = int(self.starts[position])
        ordinal = EPOCH.toordinal() + start
        return [date.fromordinal(ordinal + i) for i in range(int(self.lengths[position]))]

    @cached_property
    def day_tables(self) -> list[Ints]:
        """Per month, day of the month for each segment, salary day and slot.

        Each has the shape (segments * salary days, DAY_SLOTS).
        """
        tables = []
        for position in range(self.count):
            days = self._days(position)
            weights = np.array(
                [
                    [_day_weight(day, segment.weekend, salary) for day in days]
                    for segment in SEGMENTS
                    for salary in SALARY_DAYS
                ]
            )
            tables.append(lookup_by_weight(weights, DAY_SLOTS).astype(np.int64) + 1)
        return tables


def _festival_boost(day: date) -> float:
    """Buying before the spring festival, quiet in the week of it."""
    month, number = SPRING_FESTIVAL.get(day.year, (2, 4))
    distance = (day - date(day.year, month, number)).days
    if -18 <= distance < 0:
        return 1.45
    return 0.65 if 0 <= distance <= 7 else 1.0


def _day_weight(day: date, weekend: float, salary_day: int) -> float:
    weight = _festival_boost(day) * (weekend if day.weekday() >= 5 else 1.0)
    if 0 <= day.day - salary_day <= 3:
        weight *= 1.7
    if (day.month, day.day) in ((6, 18), (11, 11), (12, 12)):
        weight *= 1.8
    if day.month == 12 and day.day >= 25:
        weight *= 1.3
    return weight


@lru_cache(maxsize=1)
def minute_tables() -> Ints:
    """Minute of the day for each habit in HOURS and slot, shape (habits, MINUTE_SLOTS)."""
    tables = []
    for habit in HOURS:
        weights = np.repeat(np.array(_HOUR_WEIGHTS[habit], dtype=np.float64), 60)
        cumulative = np.cumsum(weights) / weights.sum()
        slots = (np.arange(MINUTE_SLOTS) + 0.5) / MINUTE_SLOTS
        tables.append(np.searchsorted(cumulative, slots))
    return np.array(tables)
