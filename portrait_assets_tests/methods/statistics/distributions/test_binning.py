"""Numbers put into bins, with what is missing in a bin of its own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portrait_assets.methods.statistics.distributions.binning import (
    bins_by_rank,
    by_frequency,
    counts_between,
    counts_by_tenth,
    counts_by_value,
    percentile_edges,
    tenth_of_each,
)

NAN = float("nan")
RISING = arrays(np.float64, st.integers(1, 60), elements=st.integers(0, 30)).map(np.sort)


def test_a_tenth_of_the_reference_lies_in_each_bin():
    found = counts_by_tenth(np.arange(100.0), np.full(7, 95.0))
    assert found["reference"].to_list() == [10] * 10 + [0]
    assert found["current"].to_list() == [0] * 9 + [7, 0]


def test_a_value_on_the_edge_of_a_tenth_lies_above_it():
    """The tenths of the reference meet at 0, 0.7 and 1."""
    found = counts_by_tenth(np.repeat([0.0, 1.0], [30, 70]), np.array([-1, 0, 0.5, 1]))
    assert found["reference"].to_list() == [0, 30, 0, 70, 0]
    assert found["current"].to_list() == [1, 2, 0, 1, 0]


def test_missing_numbers_are_a_bin_of_their_own():
    found = counts_by_tenth(np.array([1.0, 2.0, NAN]), np.array([NAN] * 3))
    assert found.row(-1) == (1, 3)


def test_values_are_counted_in_order_and_missing_ones_left_out():
    found = counts_by_value(np.array([2.0, 1.0, 2.0, NAN]), np.array([3.0, 2.0]))
    assert found.rows() == [(1, 0), (2, 1), (0, 1)]


def test_percentiles_of_few_values_are_those_values():
    assert percentile_edges(np.array([1.0, 1.0, 5.0])).tolist() == [1.0, 5.0]
    assert percentile_edges(np.array([])).tolist() == []


def test_a_value_on_an_edge_lies_below_it():
    ordered, edges = np.array([1.0, 2.0, 2.0, 9.0]), np.array([2.0, 5.0])
    assert counts_between(ordered, edges).tolist() == [3, 0, 1]


@given(RISING)
def test_bins_between_percentiles_hold_everyone_once(ordered: np.ndarray):
    assert counts_between(ordered, percentile_edges(ordered)).sum() == len(ordered)


def test_a_bin_is_of_the_tenth_in_which_it_ends():
    assert tenth_of_each(np.array([10, 30, 50, 10])).tolist() == [0, 3, 8, 9]
    assert tenth_of_each(np.array([0, 0, 5])).tolist() == [0, 0, 8]
    assert tenth_of_each(np.array([0])).tolist() == [0]


def test_codes_are_numbered_by_frequency_and_rare_ones_become_one():
    codes = np.array([-1, 3, 3, 3, 0, 0, 1, 2])
    assert by_frequency(codes, most=2).tolist() == [2, 0, 0, 0, 1, 1, 2, 2]


@given(arrays(np.int64, st.integers(1, 15), elements=st.integers(0, 12)))
def test_a_bin_reaches_into_the_tenth_of_the_last_in_it(counts: np.ndarray):
    """With customers in order from 0, the one in place n of a total is in tenth 10 n // total."""
    total, reached, expected = counts.sum(), 0, []
    for count in counts:
        reached += count
        expected.append(10 * (reached - 1) // total if reached else 0)
    assert tenth_of_each(counts).tolist() == expected


@given(st.lists(st.floats(allow_nan=False) | st.integers(0, 3), max_size=60), st.integers(1, 25))
def test_a_value_is_in_the_bin_of_the_share_of_the_others_below_it(values: list[float], bins: int):
    below = [sum(other < value for other in values) for value in values]
    expected = [min(int(n / max(len(values) - 1, 1) * bins), bins - 1) for n in below]
    assert bins_by_rank(np.array(values, dtype=np.float64), bins).tolist() == expected
