"""From how many customers, and buyers among them, trees learn, and from which when of many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.lifetime import trees
from portrait_assets.methods.lifetime.windows import Window

BASE, UNTIL, DAYS = date(2024, 1, 31), date(2024, 4, 30), 90
WINDOW = Window(BASE, UNTIL)
BUYS_NEXT = [0, 4]
"""What customers do next of whom the recent purchases are none or many."""


class Lived:
    """A history of customers of two kinds; of each is given whether it is of those who buy."""

    def __init__(self, buys: Sequence[bool], order: Sequence[int] | None = None) -> None:
        self.buys = np.asarray(buys)[order if order is not None else slice(None)]

    def summary(self, until: date, window_days: int) -> pl.DataFrame:
        assert (until, window_days) == (BASE, DAYS)
        often = self.buys * 6
        ones = np.ones(len(often))
        return pl.DataFrame(
            {"x": often, "t_x": ones, "T": ones * 200, "mean_spend": ones * 9}
            | {"recent": often, "recent_spend": often * 9}
        )

    def outcome(self, customers: pl.DataFrame, after: date, until: date) -> pl.DataFrame:
        assert (len(customers), after, until) == (len(self.buys), BASE, UNTIL)
        return pl.DataFrame({"purchases": np.asarray(BUYS_NEXT)[self.buys.astype(int)]})

    def mean_amount(self, until: date) -> float:
        raise AssertionError(until)


def learnt(buyers: int, others: int) -> tuple[list[float] | None, str]:
    history = Lived([True] * buyers + [False] * others)
    two = Lived([True, False]).summary(BASE, DAYS)
    found, why_not = trees.expected(history, [WINDOW], two, DAYS)
    return None if found is None else found.round(2).tolist(), why_not


@pytest.mark.parametrize(
    ("buyers", "others", "problem"),
    [
        (50, 449, "499 customers of whom 50 bought are too few to learn from"),
        (49, 1_951, "2,000 customers of whom 49 bought are too few to learn from"),
    ],
)
def test_few_customers_or_buyers_are_too_few_to_learn_from(buyers: int, others: int, problem: str):
    assert learnt(buyers, others) == (None, problem)


def test_as_many_as_are_asked_for_are_enough():
    found, why_not = learnt(50, 450)
    assert why_not == ""
    assert found == pytest.approx([4.0, 0.0], abs=0.05)


def test_of_several_windows_all_are_learnt_from():
    history = Lived([True] * 25 + [False] * 225)
    two = Lived([True, False]).summary(BASE, DAYS)
    assert trees.expected(history, [WINDOW], two, DAYS)[0] is None
    assert trees.expected(history, [WINDOW, WINDOW], two, DAYS)[0] is not None


def test_the_sample_of_many_does_not_hang_on_the_order_of_customers(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(trees, "LEARNT_FROM_AT_MOST", 600)
    buys = [number % 7 == 0 for number in range(900)]
    two = Lived([True, False]).summary(BASE, DAYS)
    orders = [list(range(900)), np.random.default_rng(3).permutation(900).tolist()]
    found = [trees.expected(Lived(buys, order), [WINDOW], two, DAYS)[0] for order in orders]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].tolist() == found[1].tolist()
