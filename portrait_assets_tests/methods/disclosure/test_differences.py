"""Two counts that tell of few customers together are found, trackers among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.disclosure.differences import Overlap

K = 10
CUSTOMERS = frozenset(range(200))
groups = st.frozensets(st.sampled_from(sorted(CUSTOMERS)), min_size=K, max_size=len(CUSTOMERS) - K)


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


@given(groups, groups)
def test_no_group_of_few_follows_from_two_answers_that_are_given(
    one: frozenset[int], other: frozenset[int]
):
    """Knowing both counts and the total, a small part is fixed only if another part is too."""
    if overlap(one, other).tells_of_few(K):
        return
    parts = [one & other, one - other, other - one, CUSTOMERS - one - other]
    # The counts leave one number open: the part that is small could have up to ten more.
    assert sum(len(part) < K for part in parts) <= 1
    both_at_most = min(len(one), len(other))
    both_at_least = max(0, len(one) + len(other) - len(CUSTOMERS))
    assert both_at_most - both_at_least >= K
