"""Two months of the same customers: false alarms as often as promised, and real ones seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency

from portrait_assets.methods.statistics.distributions.homogeneity import ABSENT, Change, change

TENTHS = 10


def moves_of(then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Bin then, bin now and customers."""
    counts = np.bincount((then + 1) * (TENTHS + 1) + now + 1)
    places = np.flatnonzero(counts)
    pairs = np.divmod(places, TENTHS + 1)
    return np.column_stack([pairs[0] - 1, pairs[1] - 1, counts[places]]).astype(float)


def months(
    rng: np.random.Generator, size: int, correlation: float, in_both: float = 1, moved: float = 0
) -> Change:
    """Customers with a value in both months; some leave, and as many others come."""
    before = rng.normal(size=size)
    noise = np.sqrt(1 - correlation**2) * rng.normal(size=size)
    after = correlation * before + noise + moved
    edges = np.quantile(before, np.arange(1, TENTHS) / TENTHS)
    then, now = np.searchsorted(edges, before), np.searchsorted(edges, after)
    stays = rng.random(size) < in_both
    came = np.searchsorted(edges, rng.normal(size=(~stays).sum()) + moved)
    moves = moves_of(
        np.r_[then, np.full(len(came), ABSENT)], np.r_[np.where(stays, now, ABSENT), came]
    )
    counts = (
        np.bincount(then, minlength=TENTHS),
        np.bincount(np.r_[now[stays], came], minlength=TENTHS),
    )
    return change(counts[0].astype(float), counts[1].astype(float), moves)


@pytest.mark.parametrize(
    ("size", "correlation", "in_both"),
    [(1_000, 0.0, 0.0), (1_000, 0.5, 1), (1_000, 0.9, 1), (1_000, 0.99, 1), (300, 0.9, 0.7)],
)
def test_5_of_100_are_significant_where_nothing_changed(
    size: int, correlation: float, in_both: float
):
    rng = np.random.default_rng(2)
    found = [months(rng, size, correlation, in_both).p_value for _ in range(500)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.025)


def test_a_small_move_of_the_same_customers_is_seen_as_that_of_others_would_not_be():
    rng = np.random.default_rng(3)
    same = [months(rng, 1_000, 0.95, 1, 0.1).p_value < 0.05 for _ in range(100)]
    others = [months(rng, 1_000, 0.95, 0, 0.1).p_value < 0.05 for _ in range(100)]
    assert np.mean(same) > 0.9
    assert np.mean(others) < 0.4


def test_two_values_of_the_same_customers_are_mcnemar_s_test():
    """Of 100 customers 25 turned to yes and 10 from it; (25 - 10)^2 / 35, McNemar 1947."""
    then, now = np.array([60.0, 40.0]), np.array([45.0, 55.0])
    moves = np.array([[0, 0, 35], [0, 1, 25], [1, 0, 10], [1, 1, 30]], dtype=float)
    found = change(then, now, moves)
    assert found.freedom == 1
    assert found.chi_square == pytest.approx(225 / 35)
    assert found.p_value == pytest.approx(chi2.sf(225 / 35, 1))


def test_three_values_of_the_same_customers_are_stuart_s_test():
    """d' V^-1 d of all but one of the values, with the variance of Stuart 1955."""
    table = np.array([[40.0, 12, 5], [6, 50, 9], [2, 3, 30]])
    then, now = table.sum(axis=1), table.sum(axis=0)
    moves = np.array([[i, j, table[i, j]] for i in range(3) for j in range(3)])
    variance = np.diag(then + now) - table - table.T
    apart = (now - then)[:2]
    expected = apart @ np.linalg.inv(variance[:2, :2]) @ apart
    found = change(then, now, moves)
    assert found.freedom == 2
    assert found.chi_square == pytest.approx(expected)


def test_a_sample_of_the_moves_gives_about_what_all_of_them_give():
    then, now = np.array([6_000.0, 4_000.0]), np.array([5_850.0, 4_150.0])
    all_moves = np.array([[0, 0, 5_600], [0, 1, 400], [1, 0, 250], [1, 1, 3_750]], dtype=float)
    tenth = all_moves / [1, 1, 10]
    assert change(then, now, tenth).p_value == pytest.approx(change(then, now, all_moves).p_value)


def test_different_customers_are_pearson_s_test():
    then, now = np.array([300.0, 500.0, 200.0]), np.array([330.0, 450.0, 220.0])
    moves = np.array(
        [[place, ABSENT, n] for place, n in enumerate(then)]
        + [[ABSENT, place, n] for place, n in enumerate(now)]
    )
    found, expected = change(then, now, moves), chi2_contingency([then, now], correction=False)
    assert found.freedom == 2
    assert found.chi_square == pytest.approx(expected.statistic, rel=0.01)
    assert found.psi_expected == pytest.approx(2 * (1 / 1_000 + 1 / 1_000), rel=0.01)


def test_where_nobody_moved_nothing_changed():
    then = np.array([10.0, 20.0])
    found = change(then, then, np.array([[0, 0, 10], [1, 1, 20]], dtype=float))
    assert (found.chi_square, found.p_value) == (0, 1)
