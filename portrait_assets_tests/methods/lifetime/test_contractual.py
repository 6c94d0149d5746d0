"""Contracts: hazards counted by hand, and what is left of a margin by them."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.methods.lifetime.contractual import (
    TenureHazard,
    contractual_value,
    expected_months,
    tenure_hazard,
)
from portrait_assets.methods.lifetime.errors import LifetimeError


def hazard(*contracts: tuple[int, int, int, bool]) -> list[float]:
    """Of so many contracts each: entered, tenure, ended."""
    count, entered, tenure, ended = (np.array(column) for column in zip(*contracts, strict=True))
    began, lasted, is_over = (np.repeat(column, count) for column in (entered, tenure, ended))
    return [float(each) for each in tenure_hazard(began, lasted, is_over).hazard]


def test_a_hazard_is_ends_among_those_at_risk():
    # 400 at risk in the first month, of whom 100 end; 300 in the second, of whom 30 end.
    assert hazard((100, 0, 0, True), (30, 0, 1, True), (270, 0, 2, False)) == [0.25, 0.1]


def test_who_was_observed_from_later_on_was_not_at_risk_before():
    # 200 of tenure 1 come in, and are at risk with the 100 new ones that are still there.
    found = hazard((100, 0, 0, True), (100, 0, 2, False), (60, 1, 1, True), (140, 1, 2, False))
    assert found == [0.5, 0.2]


def test_months_with_few_at_risk_are_pooled():
    # 150, then 50 and 40 at risk: of the last two months 10 + 20 of 90 end.
    found = hazard((100, 0, 0, True), (10, 0, 1, True), (20, 0, 2, True), (20, 0, 3, False))
    assert found == pytest.approx([100 / 150, 30 / 90])


def test_a_month_with_a_hundred_at_risk_has_its_own_hazard():
    # 200, 100 and 75 at risk.
    found = hazard((100, 0, 0, True), (25, 0, 1, True), (15, 0, 2, True), (60, 0, 3, False))
    assert found == [100 / 200, 25 / 100, 15 / 75]


def test_a_month_with_as_many_at_risk_as_asked_for_is_not_pooled_with_those_before():
    # 100 and 50 at risk, of whom 50 and 10 end.
    began = np.zeros(100, dtype=np.int64)
    tenure = np.repeat([0, 1, 2], [50, 10, 40])
    for least, found in ((50, [0.5, 0.2]), (51, [60 / 150])):
        ended = tenure < 2
        assert tenure_hazard(began, tenure, ended, least).hazard.tolist() == pytest.approx(found)


def test_a_value_is_the_chance_to_be_there_times_balance_times_margin():
    by_tenure = TenureHazard(np.array([0.5, 0.1]))
    values = contractual_value(
        by_tenure,
        tenure_months=np.array([0, 1, 40]),
        balance=np.array([1_200.0, 1_200.0, 2_400.0]),
        margin_rate=np.array([0.1, 0.1, 0.05]),
        horizon_months=2,
    )
    # 10 a month; a new contract is there after one month with 0.5, after two with 0.45.
    assert values == pytest.approx([10 * (0.5 + 0.45), 10 * (0.9 + 0.81), 10 * (0.9 + 0.81)])


def test_what_comes_later_is_discounted():
    months = expected_months(TenureHazard(np.array([0.0])), np.array([3]), 12, yearly_discount=0.1)
    assert months[0] == pytest.approx(sum(1.1 ** (-k / 12) for k in range(1, 13)))


def test_a_hazard_that_varies_is_no_constant_one():
    # The same share ends in all, but a tenured contract is worth more than a new one.
    by_tenure = TenureHazard(np.array([0.3, 0.1, 0.02]))
    new, old = expected_months(by_tenure, np.array([0, 2]), 12)
    assert new < 7.5 < 10 < old


@pytest.mark.parametrize(
    ("entered", "tenure", "ended", "message"),
    [
        ([0], [1, 2], [True], "of the same contracts"),
        ([2], [1], [True], "no less than at its entry"),
        ([1], [1], [False], "no hazard is known"),
        ([], [], [], "no hazard is known"),
    ],
)
def test_what_no_hazard_can_be_computed_of_is_refused(
    entered: list[int], tenure: list[int], ended: list[bool], message: str
):
    with pytest.raises(LifetimeError, match=message):
        tenure_hazard(
            np.array(entered, dtype=np.int64),
            np.array(tenure, dtype=np.int64),
            np.array(ended, dtype=bool),
        )


def test_a_horizon_of_no_month_is_refused():
    with pytest.raises(LifetimeError, match="at least 1 month"):
        expected_months(TenureHazard(np.array([0.1])), np.array([0]), 0)
