"""Two counts that tell of few customers together are found, trackers among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.disclosure.differences import Overlap

K = 10
CUSTOMERS = frozenset(range(200))


def overlap(one: frozenset[int], other: frozenset[int]) -> Overlap:
    return Overlap(len(one & other), len(one), len(other), len(CUSTOMERS))


def group(first: int, last: int) -> frozenset[int]:
    return frozenset(range(first, last))


@pytest.mark.parametrize(
    ("one", "other", "tells"),
    [
        (group(0, 100), group(0, 99), True),  # all but one of them
        (group(0, 100), group(3, 104), True),  # nearly the same customers, with equal counts
        (group(0, 100), group(0, 100), True),  # the same: to refuse only others would tell
        (group(0, 100), group(0, 90), False),  # ten more are a group of their own
        (group(0, 100), group(50, 150), False),
        (group(0, 100), group(95, 150), False),  # five in both, which no count gives
        (group(0, 15), group(9, 100), False),  # nor whether of fifteen six are in both
        (group(0, 100), group(100, 195), True),  # all but five, whom the total gives
        (group(0, 103), group(97, 200), True),  # the general tracker: six are in both
    ],
)
def test_two_counts_tell_of_few_where_few_are_a_difference_of_known_numbers(
    one: frozenset[int], other: frozenset[int], tells: bool
):
    assert overlap(one, other).tells_of_few(K) is tells
    assert overlap(other, one).tells_of_few(K) is tells
    assert overlap(CUSTOMERS - one, other).tells_of_few(K) is tells


def test_a_question_and_its_negation_tell_only_of_some_where_there_are_some():
    one = group(0, 100)
    assert not overlap(one, CUSTOMERS - one).tells_of_some(K)
    assert overlap(one, group(103, 200)).tells_of_some(K), "three have neither value"
    assert not overlap(one, one).tells_of_some(K)


@given(st.lists(st.integers(0, 25), min_size=4, max_size=4))
def test_whoever_knows_one_of_the_four_groups_to_be_empty_learns_of_no_small_one(parts: list[int]):
    """Three sums are known of four groups, so that one of them gives all."""
    both, one, other, neither = parts
    sizes = (both + one, both + other, one + neither, other + neither)
    found = Overlap(both, both + one, both + other, sum(parts))
    if min(sizes) >= K and not found.tells_of_few(K) and 0 in parts:
        assert all(part == 0 or part >= K for part in parts)
