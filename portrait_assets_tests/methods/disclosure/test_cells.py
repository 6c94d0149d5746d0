"""Small cells go, and with them those that would give them back."""

from __future__ import annotations

from itertools import product

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.disclosure.cells import without_small_cells

K = 10


def shown(counts: list[int], smallest: int = K, unsafe: pl.Expr | None = None) -> list[int]:
    frame = pl.DataFrame({"n": counts}, schema={"n": pl.Int64})
    return without_small_cells(frame, "n", smallest, unsafe=unsafe)["n"].to_list()


def test_cells_that_rest_on_enough_customers_are_shown():
    assert shown([50, 10, 12]) == [50, 10, 12]


def test_with_one_small_cell_the_smallest_other_goes_for_the_total_is_known():
    """Of 75 customers 50 and 12 are shown: nobody knows whether 13 are 3 + 10 or 12 + 1."""
    assert shown([50, 3, 10, 12]) == [50, 12]


def test_small_cells_that_together_are_few_take_another_with_them():
    """3 and 4 are 7 of the total: fewer than ten customers, whatever the single cells are."""
    assert shown([50, 3, 4, 20]) == [50]
    assert shown([50, 6, 5, 20]) == [50, 20]
    assert shown([50, 6, 4, 20]) == [50, 20], "ten are enough"
    assert shown([50, 5, 4, 20]) == [50]


def test_an_empty_cell_is_as_small_as_one_of_a_single_customer():
    assert shown([50, 0, 20, 30]) == [50, 30]
    assert shown([50, 1, 20, 30]) == [50, 30]


def test_totals_are_those_within_which_cells_add_up():
    frame = pl.DataFrame(
        {"tag": ["a", "a", "a", "b", "b"], "n": [40, 3, 15, 40, 15], "value": list("vwxyz")}
    )
    kept = without_small_cells(frame, "n", K, ["tag"])
    assert kept.rows() == [("a", 40, "v"), ("b", 40, "y"), ("b", 15, "z")]


def test_a_cell_that_is_unsafe_for_another_reason_goes_with_the_smallest_other():
    assert shown([50, 30, 20], unsafe=pl.col("n") == 50) == [30]


def test_a_public_source_shows_every_cell_that_is_not_empty():
    assert shown([5, 1, 0], smallest=1) == [5, 1]


@given(st.lists(st.integers(0, 14), min_size=1, max_size=4))
def test_no_small_cell_can_be_computed_from_the_total_and_what_is_shown(counts: list[int]):
    """Whatever the hidden cells may be is tried: none of them is fixed if small."""
    smallest = 4
    kept = shown(counts, smallest)
    assert all(count >= smallest for count in kept)
    hidden = list(counts)
    for count in kept:
        hidden.remove(count)
    sums = product(range(sum(hidden) + 1), repeat=len(hidden))
    possible = [each for each in sums if sum(each) == sum(hidden)]
    for place, count in enumerate(hidden):
        if count < smallest and sum(counts) >= smallest and len(counts) > 1:
            assert len({each[place] for each in possible}) > 1
