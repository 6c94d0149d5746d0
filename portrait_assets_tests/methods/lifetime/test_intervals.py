"""Intervals hold the outcomes that they are to hold."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.methods.lifetime.intervals import coverage, spread


@pytest.fixture(scope="module")
def counts() -> tuple[np.ndarray, np.ndarray]:
    """What is expected of customers, and what twice as many of the like did."""
    draw = np.random.default_rng(4)
    expected = draw.gamma(0.5, 4, 8_000)
    return expected, draw.negative_binomial(2, 2 / (2 + expected)).astype(float)


def test_95_of_100_lie_within_of_those_expected_little_and_much(
    counts: tuple[np.ndarray, np.ndarray],
):
    expected, actual = counts
    ends = spread(expected[::2], actual[::2])
    low, high = ends.counts(expected[1::2])
    within = (actual[1::2] >= low) & (actual[1::2] <= high)
    much = expected[1::2] > np.quantile(expected, 0.9)
    assert 0.94 < within.mean() < 0.985
    assert 0.92 < within[much].mean() < 0.99
    assert coverage(expected, actual) == pytest.approx(within.mean(), abs=0.01)


def test_intervals_are_around_the_expectation_and_in_whole_numbers(
    counts: tuple[np.ndarray, np.ndarray],
):
    expected, actual = counts
    low, high = spread(expected, actual).counts(expected)
    assert (low >= 0).all()
    assert ((low <= expected) & (expected <= high)).all()
    assert (np.mod(low, 1) == 0).all()
    assert (np.mod(high, 1) == 0).all()
    assert high[expected > 10].mean() > high[expected < 1].mean() + 10


def test_wrong_expectations_cover_less_than_is_meant(counts: tuple[np.ndarray, np.ndarray]):
    expected, actual = counts
    ends = spread(expected, np.round(expected))  # As if nobody ever differed from it.
    low, high = ends.counts(expected)
    assert ((actual >= low) & (actual <= high)).mean() < 0.8


def test_ten_customers_give_the_widest_that_was_seen():
    expected, actual = np.ones(10), np.arange(10.0)
    low, high = spread(expected, actual).counts(np.array([1.0]))
    assert (low[0], high[0]) == (0, 9)


def test_ends_are_ranks_among_the_errors_and_the_one_to_come():
    # Of 50 the 1.275th from below and the 49.725th are asked for; the wider ones are taken.
    low, high = spread(np.ones(50), np.arange(50.0)).counts(np.array([1.0]))
    assert (low[0], high[0]) == (0, 49)
    low, high = spread(np.full(119, 60.0), np.arange(119.0)).counts(np.array([60.0]))
    assert (low[0], high[0]) == (2, 116)


def test_expectations_of_nothing_have_intervals_too():
    low, high = spread(np.zeros(300), np.r_[np.zeros(270), np.full(30, 2.0)]).counts(np.zeros(1))
    assert (low[0], high[0]) == (0, 2)


@pytest.mark.parametrize(("customers", "ends"), [(399, []), (400, [200]), (600, [200, 400])])
def test_a_bin_has_two_hundred_customers(customers: int, ends: list[int]):
    expected = np.arange(customers, dtype=float)
    assert spread(expected, expected).ends.tolist() == ends


def test_what_most_are_expected_to_do_is_a_bin_with_whatever_is_less():
    expected = np.r_[np.ones(100), np.full(500, 2.0)]
    assert spread(expected, expected).ends.tolist() == []
