"""How few are too few for a trait, a taking, a curve and a rate, at the limit and beside it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from portrait_assets.core.machine.bounds import every_kth
from portrait_assets.methods.recommendation.lift import FALSE_DISCOVERY, lifts
from portrait_assets.methods.recommendation.products import takings
from portrait_assets.methods.recommendation.products.companions import CHUNK_ENTRIES, chunks
from portrait_assets.methods.recommendation.products.ease import LEAST_STRENGTH, STRENGTH, fit_ease
from portrait_assets.methods.recommendation.products.takings import Window, most_taken
from portrait_assets.methods.recommendation.products.traits import LEAST_ROWS, fit_traits
from portrait_assets.methods.recommendation.purchases import bought as bought_module
from portrait_assets.methods.recommendation.purchases.bought import (
    LEAST_SILENT,
    curve_again,
    fit_bought,
)
from portrait_assets.methods.recommendation.purchases.frequency import Frequencies, frequencies
from portrait_assets.methods.recommendation.purchases.neighbours import (
    mixed,
    nearest_of,
    neighbourhood,
)
from portrait_assets.methods.recommendation.shrinkage import MOST_PRIOR, shrunk_rates


@pytest.mark.parametrize(("known", "is_trait"), [(LEAST_ROWS - 1, False), (LEAST_ROWS, True)])
def test_a_trait_is_known_of_twenty_customers(known: int, is_trait: bool):
    assert LEAST_ROWS == 20
    frame = pl.DataFrame(
        {
            "income": [*map(float, range(known)), None, float("nan")],
            "job": ["clerk"] * known + ["other", None],
            "owns": [True] * known + [False, None],
        },
        strict=False,
    )
    traits = fit_traits(frame)
    assert traits.levels == ({"job": ("clerk",), "owns": ("true",)} if is_trait else {})
    assert list(traits.limits) == (["income"] if is_trait else [])
    assert traits.count == (5 + 1 + 1 if is_trait else 0)


def test_a_value_on_a_limit_is_below_it_and_what_is_unknown_is_nowhere():
    traits = fit_traits(pl.DataFrame({"n": [0.0] * 10 + [1.0] * 10}))
    assert traits.limits == {"n": (0.0, 1.0)}
    rows = pl.DataFrame({"n": [-1.0, 0.0, 1.0, 1.5, None]})
    found = traits.columns(rows).toarray()
    assert found.sum(axis=1).tolist() == [1, 1, 1, 1, 0]
    assert found.argmax(axis=1)[:4].tolist() == [0, 0, 1, 2]


def test_traits_stand_one_after_another():
    frame = pl.DataFrame({"a": [1.0, 2.0] * 30, "x": ["p", "q"] * 30, "y": ["r"] * 60})
    traits = fit_traits(frame)
    assert list(traits.levels.items()) == [("x", ("p", "q")), ("y", ("r",))]
    first = len(traits.limits["a"]) + 1
    found = traits.columns(frame.head(2).with_columns(y=pl.Series(["r", "new"]))).toarray()
    assert np.flatnonzero(found[0])[1:].tolist() == [first, first + 2]
    assert np.flatnonzero(found[1])[1:].tolist() == [first + 1]


@pytest.mark.parametrize(
    ("counts", "most"),
    [
        ([19, 20, 21], [2, 1]),
        ([25] * 21, list(range(20))),
        ([20, 30, 30, 20], [1, 2, 0, 3]),
    ],
)
def test_products_taken_twenty_times_the_most_first(counts: list[float], most: list[int]):
    assert most_taken(counts) == most


@pytest.mark.parametrize(
    ("places", "most", "chosen"),
    [(range(6), 6, range(6)), (range(6), 3, [0, 2, 4]), (range(7), 3, [0, 2, 4]), ([], 3, [])],
)
def test_of_many_places_some_are_taken_evenly(places: Any, most: int, chosen: Any):
    found = takings._evenly(np.array([*places], dtype=np.int64), most)
    assert found.tolist() == [*chosen]


def test_takings_are_learned_beside_ten_times_as_many_others():
    taken = np.zeros(60_000, dtype=np.bool_)
    taken[::100] = True
    rows = takings._learned(taken, least=2_000)
    assert taken[rows].sum() == 500
    assert (~taken[rows]).sum() == 5_000
    assert (np.diff(rows) > 0).all()
    few = takings._learned(taken[:10_000], least=2_000)
    assert (taken[few].sum(), (~taken[few]).sum()) == (100, 2_000)


def window_of(owned: Any, taken: Any, segment: Any) -> Window:
    rows = len(owned)
    return Window(
        pl.DataFrame({"n": [0.0] * rows}),
        sparse.csr_matrix(np.array(owned, dtype=float)),
        sparse.csr_matrix(np.array(taken, dtype=float)),
        np.array(segment),
    )


def test_who_had_a_product_takes_it_not_and_is_not_counted():
    window = window_of([[1], [0], [0], [0]], [[1], [1], [0], [0]], [0, 0, 1, 1])
    new = takings._new(window)
    assert new.toarray().ravel().tolist() == [0, 1, 0, 0]
    found = takings._rates(window, new, last=2)
    expected = shrunk_rates(np.array([[1.0], [0.0], [0.0]]), np.array([[1.0], [2.0], [0.0]]))
    np.testing.assert_allclose(found, expected)
    assert takings._rates(window, new, last=None).shape == (2, 1)


@pytest.mark.parametrize(("silent", "rate"), [(LEAST_SILENT, 0.5), (LEAST_SILENT - 1, None)])
def test_who_bought_nothing_is_judged_by_twenty_who_had_not(silent: int, rate: float | None):
    """Half of the silent bought item 0 and none of the hundred others did."""
    assert LEAST_SILENT == 20
    customers = 100 + silent
    visits = np.where(np.arange(customers) < silent, 0.0, 4.0)
    shares = np.where(visits[:, None] > 0, [[0.0, 1.0]], 0.0)
    bought = np.zeros((customers, 2))
    bought[: silent // 2, 0] = 1
    bought[silent:, 1] = np.arange(100) % 2
    then = Frequencies(sparse.csr_matrix(shares), visits)
    model = fit_bought(then, sparse.csr_matrix(bought), np.zeros(customers, dtype=np.int64), 1)
    assert model.rates.shape == (2, 2)
    expected = silent // 2 / customers if rate is None else rate
    np.testing.assert_allclose(model.rates[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(("hits", "rate"), [(0, 0.5 / 11), (10, 10.5 / 11)])
def test_where_all_or_nothing_came_again_half_a_row_says_how_sure_that_is(hits: int, rate: float):
    curve = curve_again(np.linspace(0, 1, 10), np.where(np.arange(10) < hits, 1.0, 0.0))
    assert curve is not None
    # At the mean margin; elsewhere log odds differ as margins do.
    np.testing.assert_allclose(curve(np.array([0.5])), np.log(rate / (1 - rate)))
    np.testing.assert_allclose(curve(np.array([3.0])), np.log(rate / (1 - rate)) + 2.5)
    assert curve_again(np.zeros(0), np.zeros(0)) is None


@pytest.mark.parametrize("customers", [20, 25, 26, 100])
def test_the_ridge_is_a_share_of_the_customers_and_ten_at_least(customers: int):
    assert (STRENGTH, LEAST_STRENGTH) == (0.4, 10.0)
    owned = sparse.csr_matrix((np.arange(customers * 3).reshape(-1, 3) % 4 == 0).astype(float))
    expected = fit_ease(owned, strength=max(10.0, 0.4 * customers))
    np.testing.assert_array_equal(fit_ease(owned), expected)


@pytest.mark.parametrize(
    ("rows", "columns", "parts"),
    [
        (0, 5, []),
        (3, CHUNK_ENTRIES, [(0, 1), (1, 2), (2, 3)]),
        (3, CHUNK_ENTRIES // 2, [(0, 2), (2, 3)]),
        (3, 0, [(0, 3)]),
        (2, 2 * CHUNK_ENTRIES, [(0, 1), (1, 2)]),
    ],
)
def test_rows_are_taken_in_parts_that_fit(rows: int, columns: int, parts: list[tuple[int, int]]):
    assert [(each.start, each.stop) for each in chunks(rows, columns)] == parts


@pytest.mark.parametrize(
    ("count", "most", "k"), [(0, 5, 1), (5, 5, 1), (6, 5, 2), (10, 5, 2), (11, 5, 3)]
)
def test_every_kth_leaves_so_many_at_most(count: int, most: int, k: int):
    assert every_kth(count, most) == k
    assert len(range(count)[::k]) <= most


def test_visits_of_one_customer_with_one_item_add_up():
    found = frequencies(
        (np.array([0, 0]), np.array([1, 1]), np.array([1.0, 0.5])), np.array([2.0, 0.0]), 2
    )
    assert found.shares.toarray().tolist() == [[0.0, 0.75], [0.0, 0.0]]


def test_own_and_neighbours_count_by_halves_and_all_who_bought_are_neighbours():
    own, nearest = sparse.csr_matrix([[1.0, 0.0]]), sparse.csr_matrix([[0.5]])
    near: Any = SimpleNamespace(dense=np.array([[1.0, 2.0]]))
    assert mixed(own, nearest, near).tolist() == [0.75]
    among = neighbourhood(sparse.csr_matrix(np.eye(500)))
    assert (among.count, neighbourhood(sparse.csr_matrix(np.eye(501))).count) == (500, 500)
    assert among.place.tolist() == list(range(500))


def test_a_rate_of_few_is_drawn_to_that_of_all_by_what_groups_differ():
    """Rates 0.8, 0.2 and 0.5 of 10, 10 and 20: their spread of 1.8 is 0.5 by chance."""
    found = shrunk_rates(np.array([[8.0], [2.0], [10.0]]), np.array([[10.0], [10.0], [20.0]]))
    between = (1.8 - 2 * 0.25) / (40 - (10**2 + 10**2 + 20**2) / 40)
    prior = 0.5 * 0.5 / between - 1
    expected = [(8 + prior / 2) / (10 + prior), (2 + prior / 2) / (10 + prior), 0.5]
    np.testing.assert_allclose(found[:, 0], expected)


def test_companions_are_of_the_items_that_most_have(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bought_module, "MOST_ITEMS", 2)
    shares = np.array([[0.5, 0, 0.5], [0, 0, 1], [0.5, 0.5, 0], [0, 0, 1]])
    then = Frequencies(sparse.csr_matrix(shares), np.full(4, 2.0))
    model = fit_bought(then, sparse.csr_matrix(shares > 0), np.zeros(4, dtype=np.int64))
    assert model.common.tolist() == [0, 2]


def test_of_neighbours_as_near_as_each_other_the_first_is_taken():
    shares = sparse.csr_matrix(np.tile([[0.5, 0.5]], (4, 1)))
    among = neighbourhood(shares)
    for customer, nearest in ((3, [0]), (0, [1])):
        found = nearest_of(shares[[customer]], among, np.array([customer]), nearest=1)
        assert found.toarray().nonzero()[1].tolist() == nearest


def test_of_one_group_and_of_groups_alike_the_rate_of_all_counts_most():
    np.testing.assert_allclose(shrunk_rates(np.array([[3.0]]), np.array([[10.0]])), 0.3)
    alike = shrunk_rates(np.array([[10.0], [11.0]]), np.array([[100.0], [100.0]]))[:, 0]
    overall = 21 / 200
    np.testing.assert_allclose(
        alike, (np.array([10, 11]) + MOST_PRIOR * overall) / (100 + MOST_PRIOR)
    )
    assert shrunk_rates(np.array([[0.0], [0.0]]), np.array([[9.0], [9.0]])).tolist() == [[0], [0]]


def test_what_no_other_has_has_no_lift_and_families_are_tested_apart():
    rows = [("a", 8, 10, 8, 100), ("a", 0, 10, 0, 100), ("b", 5, 10, 50, 100)]
    names = ["of", "customers", "group_size", "all_customers", "all_size"]
    found = lifts(pl.DataFrame(rows, schema=names, orient="row"), ["of"])
    assert found["lift"].to_list() == [None, None, pytest.approx(0.5 / (45 / 90))]
    assert found["tgi"].to_list() == [pytest.approx(1000), None, pytest.approx(100)]
    # The only test of its family has its own p as q.
    assert found["q_value"][2] == found["p_value"][2]
    assert found["stands_out"].to_list() == [True, None, False]
    assert FALSE_DISCOVERY == 0.05


@pytest.mark.parametrize(
    ("own", "size", "everyone"),
    [(0, 0, 5), (5, 100, 5), (0, 10, 0), (10, 10, 100)],
    ids=["nobody in the group", "no others", "nobody has it", "all have it"],
)
def test_a_lift_has_no_interval_where_there_is_nothing_to_compare(
    own: int, size: int, everyone: int
):
    cell = {"customers": own, "group_size": size, "all_customers": everyone, "all_size": 100}
    found = lifts(pl.DataFrame([cell]), [])
    assert found.select("lift_low", "lift_high").row(0) == (None, None)
