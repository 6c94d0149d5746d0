"""Who takes the fund that they paid into before they had it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from portrait_assets.methods.recommendation.products.dealings import (
    LEAST_CUSTOMERS,
    LEAST_DEALT,
    Dealings,
    Dealt,
    dealt_with,
    fit_dealings,
    with_days,
)

CATEGORY = ["fund", "fund", "card", "fund"]


def rows(*each: list[float]) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(each, dtype=np.float64))


def window(same: int, other: int, without: int = 0) -> Dealt:
    """All take one of two funds: of who paid into the first so many take it, or the other, and of
    who paid into none so many the second.
    """
    count = same + other + without
    days, taken = np.zeros((count, 4)), np.zeros((count, 4))
    days[: same + other, 0] = 3
    taken[:same, 0] = 1
    taken[same:, 1] = 1
    return Dealt(rows(*days), sparse.csr_matrix((count, 4)), rows(*taken))


def test_the_share_is_the_most_probable_one():
    """Of 60 who paid into the first fund 45 take it, and 90 of 150 in all the second."""
    found = fit_dealings([window(30, 10, 60), window(15, 5, 30)], CATEGORY)
    assert found.among == ((0, 1, 3),)
    # 45 are taken with share + (1 - share) x 0.3, 15 with (1 - share) x 0.7; one more of each sort.
    share = np.linspace(0.001, 0.999, 9_999)
    fits = 45 * np.log(share + (1 - share) * 0.3) + 15 * np.log((1 - share) * 0.7)
    prior = np.log(share) + np.log(1 - share)
    assert found.share[0] == pytest.approx(share[(fits + prior).argmax()], abs=1e-3)


def test_who_dealt_with_a_product_takes_it_with_that_share_and_the_others_as_before():
    found = Dealings(((0, 1, 3),), (0.8,))
    before = np.array([[0.02, 0.06, 0.5, 0.0], [0.02, 0.06, 0.5, 0.0], [np.nan, 0.06, 0.5, 0.02]])
    after = found.pooled(before, rows([2, 0, 9, 0], [0, 0, 9, 4], [7, 1, 0, 1]))
    np.testing.assert_allclose(after[0], [0.2 * 0.02 + 0.8 * 0.08, 0.2 * 0.06, 0.5, 0])
    np.testing.assert_array_equal(after[1], before[1], "nobody takes what was dealt with")
    np.testing.assert_allclose(after[2], [np.nan, 0.044, 0.5, 0.036], err_msg="half and half")


def test_what_customers_had_they_did_not_deal_with():
    """Who has the first fund and pays into it takes the second by no dealing of theirs."""
    plain = window(30, 30)
    owned = np.zeros((60, 4))
    owned[30:, 0] = 1
    holders = plain._replace(owned=rows(*owned))
    assert fit_dealings([holders], CATEGORY).share[0] > 0.9
    assert fit_dealings([plain], CATEGORY).share[0] < 0.2


@pytest.mark.parametrize(
    ("last", "category", "is_learned"),
    [
        (LEAST_DEALT - 1, CATEGORY, False),
        (LEAST_DEALT, CATEGORY, True),
        (LEAST_DEALT, ["fund", "bond", "card", None], False),
        (LEAST_DEALT, [None] * 4, False),
    ],
)
def test_a_share_is_of_twenty_takings_and_two_products(
    last: int, category: list[str | None], is_learned: bool
):
    found = fit_dealings([window(last, 0, 90)], category)
    assert found.among == (((0, 1, 3),) if is_learned else ())
    assert fit_dealings([], category) == Dealings()


def test_days_are_features_of_the_products_that_twenty_dealt_with():
    days = np.zeros((LEAST_CUSTOMERS, 3))
    days[:, 0], days[1:, 1], days[3, 2] = 2, 5, 40
    assert dealt_with(rows(*days)) == (0,)
    frame = with_days(pl.DataFrame({"age": [30, 40]}), rows([0, 4, 0], [0, 0, 1]), [1, 2])
    assert frame.to_dict(as_series=False) == {
        "age": [30, 40],
        "days with product 1": [4, 0],
        "days with product 2": [0, 1],
    }
