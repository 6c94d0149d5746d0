"""Values of few customers are pooled, so that none can be computed from what is left."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.cells import (
    CellOfPublic,
    are_pooled,
    moves_are_pooled,
    pooled,
    pooled_counts,
    pooled_name_in_chinese,
    smallest_cell,
)

K = 10


@pytest.mark.parametrize(
    ("counts", "left"),
    [
        ({"a": 50, "b": 10}, {"a": 50, "b": 10}),
        # Of 71 customers 8 are left by subtraction: with c goes the next one.
        ({"a": 50, "b": 13, "c": 8}, {"a": 50, "other (2 values)": 21}),
        # Two small ones that together have enough hide each other.
        ({"a": 50, "b": 6, "c": 5}, {"a": 50, "other (2 values)": 11}),
        # Together they have too few, so that another goes too.
        ({"a": 50, "b": 20, "c": 3, "d": 2}, {"a": 50, "other (3 values)": 25}),
        ({"a": 50, "b": 3}, {"other (2 values)": 53}),
        # Of fewer than ten customers altogether nothing is listed.
        ({"a": 5, "b": 3}, {}),
        ({"a": 0, "b": 60}, {"a": 0, "b": 60}),
        ({}, {}),
    ],
)
def test_values_of_few_customers_are_pooled(counts: dict[str, int], left: dict[str, int]):
    assert pooled_counts(counts, K) == left


def test_a_public_source_needs_none():
    assert pooled_counts({"a": 50, "b": 1}, 1) == {"a": 50, "b": 1}
    assert smallest_cell(Settings(), is_public=True) == 1
    assert smallest_cell(Settings(), is_public=False) == K


def test_cells_add_up_within_their_group():
    frame = pl.DataFrame(
        {
            "tag": ["t", "t", "t", "u", "u"],
            "value": ["x", "y", "z", "x", "y"],
            "n": [40, 4, 30, 40, 15],
            "hits": [4, 2, 3, 4, 5],
        }
    )
    assert pooled(frame, ["value"], "n", K, within=["tag"]).rows() == [
        ("t", "x", 40, 4),
        ("u", "x", 40, 4),
        ("u", "y", 15, 5),
        ("t", "other (2 values)", 34, 5),
    ]


def test_of_moves_what_left_and_what_arrived_is_known_too():
    """One customer moved from a to b: with 40, and 60 for the new b; 70 hides both from a and c."""
    moves = pl.DataFrame(
        {
            "before": ["a", "a", "a", "b", "b", "b", "c", "c", "c"],
            "after": ["a", "b", "c"] * 3,
            "n": [80, 1, 40, 50, 60, 70, 55, 65, 75],
        }
    )
    mask = moves_are_pooled(moves, ("before", "after"), "n", K)
    assert moves.filter(mask)["n"].to_list() == [1, 40, 60, 70]
    assert pooled(moves, ["before", "after"], "n", K, mask=mask).rows()[-2:] == [
        ("c", "c", 75),
        ("other (4 values)", "other (4 values)", 171),
    ]


def computed(counts: Sequence[int], shown: Sequence[bool], width: int) -> set[int]:
    """The places of cells that follow from rows, columns and all, each time from one unknown."""
    places = range(len(counts))
    totals = [
        *([p for p in places if p // width == row] for row in range(len(counts) // width)),
        *([p for p in places if p % width == column] for column in range(width)),
        list(places),
    ]
    known = {place for place in places if shown[place] or not counts[place]}
    before: set[int] = set()
    while known != before:
        before = set(known)
        for total in totals:
            if len(unknown := [place for place in total if place not in known]) == 1:
                known.add(unknown[0])
    return known


@given(st.lists(st.sampled_from([0, 1, 2, 5, 8, 12, 30]), min_size=9, max_size=9))
def test_no_small_move_can_be_computed_from_what_left_and_what_arrived(counts: list[int]):
    """Beside those that are alone in a total, so that it is known whatever is shown."""
    smallest = 4
    moves = pl.DataFrame(
        [("abc"[at // 3], "abc"[at % 3], n) for at, n in enumerate(counts)],
        schema=["before", "after", "n"],
        orient="row",
    )
    mask = moves_are_pooled(moves, ("before", "after"), "n", smallest)
    shown = [not is_pooled for is_pooled in mask]
    alone = computed(counts, [False] * 9, 3)
    for place in computed(counts, shown, 3) - alone:
        assert counts[place] == 0 or counts[place] >= smallest


def test_what_is_pooled_is_named_in_both_languages():
    assert pooled_name_in_chinese("other (3 values)") == "其他（3个取值）"
    assert pooled_name_in_chinese("other") == "other", "a value of the source's own"


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_no_small_cell_can_be_computed_by_subtraction(counts: list[int]):
    """Whatever the pooled cells may add up to is tried: none is fixed if it is small."""
    smallest = 4
    frame = pl.DataFrame({"n": counts})
    mask = are_pooled(frame, "n", smallest).to_list()
    shown = [n for n, hidden in zip(counts, mask, strict=True) if not hidden]
    assert all(n == 0 or n >= smallest for n in shown)
    hidden = [n for n, is_hidden in zip(counts, mask, strict=True) if is_hidden]
    if not hidden:
        return
    if sum(hidden) < smallest:
        assert sum(counts) < smallest, "otherwise the total would give them away"
        return
    possible = [
        sums
        for sums in product(range(1, sum(hidden) + 1), repeat=len(hidden))
        if sum(sums) == sum(hidden)
    ]
    for place, count in enumerate(hidden):
        # As many customers as values are one each, whichever the values are.
        if count < smallest and sum(hidden) > len(hidden) > 1:
            assert len({sums[place] for sums in possible}) > 1


def test_of_a_public_source_few_moves_hide_behind_no_others():
    moves = pl.DataFrame(
        {"origin": [1, 1, 2, None], "to": [1, 2, 2, 2], "n": [798, 49, 790, 6]},
    )
    sides = ("origin", "to")
    assert moves_are_pooled(moves, sides, "n", CellOfPublic(K)).to_list() == [False] * 3 + [True]
    assert moves_are_pooled(moves, sides, "n", K).to_list() == [False, True] * 2
