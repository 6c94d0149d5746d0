"""Tests of two shares, as SciPy makes them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency, fisher_exact, norm

from portrait_assets.methods.statistics.significance import (
    expected_p_value,
    two_proportions,
    two_sided,
)


def p_value(hits: int, size: int, other_hits: int, other_size: int) -> float:
    """The p-value of one comparison."""
    return float(two_proportions(np.array([hits]), size, np.array([other_hits]), other_size)[0])


def test_a_z_statistic_of_1_96_is_a_p_value_of_5_percent():
    z = np.array([0.0, 1.959964, -3.0, np.nan])
    assert two_sided(z) == pytest.approx([1.0, 0.05, 2 * norm.sf(3.0), np.nan], nan_ok=True)


def test_the_lady_tasting_tea_is_judged_exactly():
    """Fisher 1935: she names 3 of 4 cups rightly, which proves nothing."""
    assert p_value(3, 4, 1, 4) == pytest.approx(34 / 70)


@given(st.tuples(*[st.integers(0, 12)] * 4))
def test_small_counts_are_judged_by_the_exact_test(counts: tuple[int, int, int, int]):
    hits, others, other_hits, other_others = counts
    size, other_size = hits + others, other_hits + other_others
    holders, everyone = hits + other_hits, size + other_size
    found = p_value(hits, size, other_hits, other_size)
    if 0 in (size, other_size, holders, everyone - holders):
        assert np.isnan(found)
    elif min(holders, everyone - holders) * min(size, other_size) < 5 * everyone:
        expected = fisher_exact([[hits, others], [other_hits, other_others]])
        assert found == pytest.approx(expected.pvalue)


def test_many_tables_are_judged_at_once_as_each_is_by_itself():
    rng = np.random.default_rng(3)
    size, other_size = rng.integers(300, 900, (2, 400))
    hits, other_hits = rng.binomial(size, 0.004), rng.binomial(other_size, 0.002)
    found = two_proportions(hits, size, other_hits, other_size)
    few = np.flatnonzero((hits + other_hits > 0) & (hits + other_hits < 9))
    assert len(few) > 300
    for at in few:
        table = [[hits[at], size[at] - hits[at]], [other_hits[at], other_size[at] - other_hits[at]]]
        assert found[at] == fisher_exact(table).pvalue


def test_large_counts_are_judged_by_the_normal_test_which_is_chi_square_of_the_table():
    hits, other_hits = np.array([30, 45, 100]), np.array([60, 80, 300])
    found = two_proportions(hits, 200, other_hits, 400)
    for at, (ours, theirs) in enumerate(zip(hits, other_hits, strict=True)):
        table = [[ours, 200 - ours], [theirs, 400 - theirs]]
        expected = chi2_contingency(table, correction=False).pvalue
        assert found[at] == pytest.approx(expected, rel=1e-9)


def test_five_expected_are_enough_for_the_normal_test():
    expected = chi2_contingency([[3, 7], [7, 3]], correction=False).pvalue
    assert p_value(3, 10, 7, 10) == pytest.approx(expected)


def test_a_share_of_all_or_of_none_is_not_tested():
    assert np.isnan([p_value(4, 4, 4, 4), p_value(0, 4, 0, 9), p_value(0, 0, 3, 9)]).all()


@pytest.mark.parametrize(("hits", "size", "other"), [(3, 2, 1), (1, 2, 9)])
def test_more_hits_than_there_are_customers_say_nothing(hits: int, size: int, other: int):
    assert np.isnan(p_value(hits, size, other, 4))


def test_hits_are_held_against_the_probabilities_of_their_groups():
    hits, sizes, stated = np.array([30, 12, 3]), np.array([40, 60, 50]), np.array([0.6, 0.25, 0.14])
    expected = stated * sizes
    chi_square = ((hits - expected) ** 2 / (expected * (1 - stated))).sum()
    assert expected_p_value(hits, sizes, stated) == pytest.approx(chi2.sf(chi_square, 3))


def test_groups_with_few_expected_go_with_the_next_and_the_last_with_those_before():
    # Expected: 2, 4, 10 and 1, so that the first two are one group and the last two another.
    sizes, stated = np.array([20, 40, 50, 10]), np.array([0.1, 0.1, 0.2, 0.1])
    hits = np.array([4, 7, 12, 0])
    joined = expected_p_value(np.array([11, 12]), np.array([60, 60]), np.array([0.1, 11 / 60]))
    assert expected_p_value(hits, sizes, stated) == pytest.approx(joined)
    few = expected_p_value(np.array([3]), np.array([20]), np.array([0.1]))
    assert np.isnan(few), "two expected of twenty say nothing"


def test_of_right_probabilities_one_test_in_twenty_stands_out():
    rng = np.random.default_rng(3)
    sizes, stated = np.full(10, 200), np.linspace(0.05, 0.6, 10)
    found = [expected_p_value(rng.binomial(sizes, stated), sizes, stated) for _ in range(2_000)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.015)
