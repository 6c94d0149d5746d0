"""Rates that the bank is drawn by, against sums written out."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from portrait_assets.synthetic.common import seasons
from portrait_assets.synthetic.common.seasons import MINUTE_SLOTS, minute_tables
from portrait_assets.synthetic.holdings.borrowing import CATCHES_UP, DEFAULT_AT, default_within
from portrait_assets.synthetic.persons.segment_traits import HOURS
from portrait_assets.synthetic.service.interactions import DECLINE, _satisfaction


@pytest.mark.parametrize(
    ("months", "probability"),
    [
        (DEFAULT_AT - 1, 0.0),
        (DEFAULT_AT, 0.3 * 0.5 * 0.7),
        # Who caught up at once, after 1, 2 or 3 months, falls behind again a month later.
        (DEFAULT_AT + 1, 0.105),
        (DEFAULT_AT + 2, 0.105 + 0.7 * 0.105),
    ],
)
def test_a_borrower_who_falls_behind_at_once_defaults_after_four_months(
    months: int, probability: float
):
    assert (DEFAULT_AT, CATCHES_UP) == (4, (0.0, 0.7, 0.5, 0.3))
    found = default_within(np.array([1.0, 0.0]), months)
    np.testing.assert_allclose(found, [probability, 0.0])


def test_satisfaction_falls_before_leaving_and_in_arrears():
    people: Any = SimpleNamespace(satisfaction=np.full(5, 8.0))
    lives: Any = SimpleNamespace(
        ahead=lambda month: np.array([3, 4, 5, 99, 99]),
        annoyance=np.array([[0.0] * 3] * 4 + [[0.0, 0.5, 0.0]]),
    )
    borrowing: Any = SimpleNamespace(months_behind=np.array([[0] * 3] * 3 + [[0, 2, 0], [0, 7, 0]]))
    found = _satisfaction(people, lives, borrowing, 1)
    assert found.tolist() == [8 - DECLINE, 8 - DECLINE, 8, 7, 8 - 0.5 - 1.5]
    assert people.satisfaction.tolist() == [8.0] * 5, "what they are like stays"


def test_a_slot_is_the_minute_in_which_its_middle_lies():
    tables = minute_tables()
    assert tables.shape == (len(HOURS), MINUTE_SLOTS)
    for habit, table in zip(HOURS, tables, strict=True):
        weights = np.repeat(np.array(seasons._HOUR_WEIGHTS[habit], dtype=float), 60)
        ends = np.cumsum(weights) / weights.sum()
        for slot in (0, 1, 1_000, 2_047, MINUTE_SLOTS - 1):
            minute, middle = int(table[slot]), (slot + 0.5) / MINUTE_SLOTS
            assert middle <= ends[minute] + 1e-12
            assert minute == 0 or ends[minute - 1] < middle
        by_hour = np.bincount(table // 60, minlength=24) / MINUTE_SLOTS
        np.testing.assert_allclose(
            by_hour, weights.reshape(24, 60).sum(1) / weights.sum(), atol=4e-4
        )


@pytest.mark.parametrize(
    ("day", "weight"),
    [
        (date(2023, 8, 9), 1.0),  # a Wednesday before the salary
        (date(2023, 8, 10), 1.7),
        (date(2023, 8, 13), 1.7 * 0.5),  # the third day after it, a Sunday
        (date(2023, 8, 14), 1.0),
        (date(2023, 11, 11), 1.7 * 0.5 * 1.8),
        (date(2023, 12, 22), 1.0),
        (date(2023, 12, 25), 1.3),
    ],
)
def test_a_day_weighs_by_salary_weekend_and_season(
    monkeypatch: pytest.MonkeyPatch, day: date, weight: float
):
    monkeypatch.setattr(seasons, "_festival_boost", lambda day: 1.0)
    assert seasons._day_weight(day, weekend=0.5, salary_day=10) == pytest.approx(weight)
