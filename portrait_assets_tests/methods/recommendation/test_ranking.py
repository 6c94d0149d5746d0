"""The best items of each customer, and measures of a ranking, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.recommendation.lift import lifts
from portrait_assets.methods.recommendation.ranking import best, best_of, candidates, judged


def test_the_best_come_first_and_of_equal_ones_the_smaller_number():
    scores = np.array([[0.2, 0.9, 0.2, 0.2], [np.nan, -np.inf, 0.1, np.nan]])
    found = best(scores, 3)
    assert found.rows() == [(0, 1, 0.9), (0, 0, 0.2), (0, 2, 0.2), (1, 2, 0.1)]


@pytest.mark.parametrize(
    ("most", "pairs"),
    [
        (1, [(0, 0), (1, 1)]),
        (2, [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]),
        (3, [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]),
        (4, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]),
        (9, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]),
    ],
)
def test_candidates_are_the_best_and_all_as_good_as_the_last_of_them(
    most: int, pairs: list[tuple[int, int]]
):
    scores = np.array([[3.0, 2.0, 2.0, 1.0], [-np.inf, 5.0, 4.0, 4.0]])
    customer, item = candidates(scores, most)
    assert [*zip(customer.tolist(), item.tolist(), strict=True)] == pairs


def test_of_candidates_so_many_stay_of_each_customer():
    scored = pl.DataFrame({"customer": [1, 0, 0, 0], "item": [4, 9, 7, 8], "score": [1, 2, 2, 3]})
    assert best_of(scored, 2).rows() == [(0, 8, 3), (0, 7, 2), (1, 4, 1)]
    assert best_of(scored, 3).height == 4


def test_a_ranking_is_judged_by_what_was_taken():
    ranked = pl.DataFrame({"customer": [0, 0, 0, 1, 1, 1], "item": [5, 6, 7, 5, 6, 7]})
    taken = pl.DataFrame({"customer": [0, 0, 1, 2], "item": [5, 7, 9, 1]})
    found = judged(ranked, taken, 3)
    assert found["customer"].to_list() == [0, 1, 2]
    assert found["recall"].to_list() == [1.0, 0.0, 0.0]
    assert found["hit"].to_list() == [True, False, False]
    assert found["average_precision"].to_list() == [(1 / 1 + 2 / 3) / 2, 0.0, 0.0]
    first = judged(ranked, taken, 1)
    assert first["recall"].to_list() == [0.5, 0.0, 0.0]
    assert first["average_precision"].to_list() == [1.0, 0.0, 0.0], "of one place more is no hit"


def cell(own: int, size: int, every: int, all_size: int, item: str = "tea") -> dict[str, object]:
    return {
        "item": item,
        "customers": own,
        "group_size": size,
        "all_customers": every,
        "all_size": all_size,
    }


def test_a_lift_is_the_rate_over_that_of_the_others():
    row = lifts(pl.DataFrame([cell(30, 100, 50, 300)]), []).row(0, named=True)
    assert row["tgi"] == pytest.approx(100 * 0.3 / (50 / 300))
    assert row["lift"] == pytest.approx(0.3 / (20 / 200))
    # Katz: standard error of the logarithm of the ratio, half a customer added.
    error = (1 / 30.5 - 1 / 100.5 + 1 / 20.5 - 1 / 200.5) ** 0.5
    middle = (30.5 / 100.5) / (20.5 / 200.5)
    assert row["lift_low"] == pytest.approx(middle * np.exp(-1.959964 * error))
    assert row["lift_high"] == pytest.approx(middle * np.exp(1.959964 * error))
    assert row["stands_out"] is True


def test_what_everybody_or_nobody_has_is_no_test():
    found = lifts(pl.DataFrame([cell(10, 10, 40, 40), cell(0, 10, 0, 40), cell(3, 10, 3, 10)]), [])
    assert found["p_value"].null_count() == found["stands_out"].null_count() == 3


def test_of_many_that_do_not_differ_hardly_any_stands_out():
    draw = np.random.default_rng(3)
    counts = [(int(a), int(b)) for a, b in draw.binomial(400, 0.2, (300, 2))]
    rows = [cell(own, 400, own + other, 800, f"item {n}") for n, (own, other) in enumerate(counts)]
    found = lifts(pl.DataFrame(rows), [])
    assert (found["p_value"] < 0.05).sum() > 5, "by chance some look different"
    assert found["stands_out"].sum() == 0
    planted = pl.DataFrame([*rows, cell(160, 400, 220, 800, "planted")])
    assert lifts(planted, []).filter("stands_out")["item"].to_list() == ["planted"]
