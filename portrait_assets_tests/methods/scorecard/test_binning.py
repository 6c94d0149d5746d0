"""Bins are monotone whatever the data, and their weights are those computed by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression
from sklearn.tree import DecisionTreeClassifier

from portrait_assets.methods.scorecard.fitting.binning import (
    FALLING,
    RISING,
    Base,
    pool,
    quantile_cuts,
    tree_cuts,
)

CELLS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12).filter(
    lambda cells: sum(g for g, _ in cells) > 0 and sum(b for _, b in cells) > 0
)


def counts(cells: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, Base]:
    good, bads = (np.array(each) for each in zip(*cells, strict=True))
    return good + bads, bads, Base(int((good + bads).sum()), int(bads.sum()), 20.0)


@settings(max_examples=200, deadline=None)
@given(CELLS, st.sampled_from([RISING, FALLING]))
def test_bad_rates_and_weights_are_monotone(cells: list[tuple[int, int]], direction: int):
    rows, bads, base = counts(cells)
    pooled = pool(rows, bads, list(range(len(rows) - 1)), base, direction)
    assert [at for group in pooled.groups for at in group] == list(range(len(rows)))
    n, b = (np.array([v[list(g)].sum() for g in pooled.groups]) for v in (rows, bads))
    if len(n) > 1:
        assert (direction * np.diff(b / n) > 0).all()
        assert (direction * np.diff(base.woe(n, b)) < 0).all()


@settings(max_examples=100, deadline=None)
@given(CELLS)
def test_without_smoothing_it_is_isotonic_regression(cells: list[tuple[int, int]]):
    cells = [(good + 1, bad) for good, bad in cells]
    rows, bads, base = counts(cells)
    base = Base(base.rows, base.bads, 1e-9)
    groups = pool(rows, bads, list(range(len(rows) - 1)), base, RISING).groups
    expected = isotonic_regression(bads / rows, sample_weight=rows.astype(float))
    rates = [bads[list(group)].sum() / rows[list(group)].sum() for group in groups for _ in group]
    assert rates == pytest.approx(expected.tolist())


def test_the_direction_is_that_of_the_greater_likelihood():
    base = Base(300, 60, 20.0)
    rows = np.array([100, 100, 100])
    assert pool(rows, np.array([10, 20, 30]), [0, 1], base).direction == RISING
    found = pool(rows, np.array([30, 10, 20]), [0, 1], base)
    assert (found.direction, found.groups) == (FALLING, ((0,), (1, 2)))


def test_weights_by_hand():
    """Of 100 rows 20 are bad; a bin of 30 with 3 bad is given 10 rows, 2 of them bad."""
    base = Base(100, 20, 10.0)
    assert base.rate(30, 3) == 5 / 40
    assert base.woe(30, 3) == pytest.approx(math.log(35 / 5) - math.log(80 / 20))
    assert base.woe(0, 0) == pytest.approx(0)
    assert base.woe(30, 0) == pytest.approx(math.log(38 / 2) - math.log(4))


def test_a_tree_cuts_where_the_rate_changes():
    rows, bads = np.full(10, 50), np.array([5] * 4 + [25] * 6)
    assert tree_cuts(rows, bads, most=2, least=0.05) == [3]
    assert tree_cuts(rows, bads, most=1, least=0.05) == []
    assert tree_cuts(rows, np.zeros(10, dtype=int), most=8, least=0.05) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_tree_cuts_as_one_of_scikit_learn(seed: int):
    rng = np.random.default_rng(seed)
    rows = rng.poisson(rng.choice([3, 30, 300]), rng.choice([5, 40, 100]))
    bads = rng.binomial(rows, np.clip(rng.normal(0.2, 0.1, len(rows)), 0, 1))
    present = rows > 0
    place, of_either = np.flatnonzero(present), np.stack([rows - bads, bads])[:, present]
    tree = DecisionTreeClassifier(
        criterion="log_loss", max_leaf_nodes=8, min_weight_fraction_leaf=0.02
    ).fit(
        np.tile(place, 2)[:, None],
        np.repeat([0, 1], len(place)),
        sample_weight=of_either.ravel().astype(float),
    )
    cuts = tree.tree_.threshold[tree.tree_.feature >= 0]
    assert tree_cuts(rows, bads, most=8, least=0.02) == sorted(np.floor(cuts).astype(int).tolist())


def test_a_bin_has_its_least_share():
    rows = np.array([2, 48, 50])
    assert tree_cuts(rows, np.array([2, 0, 0]), most=8, least=0.05) == [1]


def test_quantiles_cut_into_bins_of_as_many_rows():
    assert quantile_cuts(np.full(8, 10), 4) == [1, 3, 5]
    assert quantile_cuts(np.array([97, 1, 1, 1]), 4) == [0]


def test_a_bin_has_the_least_share_of_the_rows():
    rows, bads = np.array([10, 90]), np.array([9, 9])
    assert tree_cuts(rows, bads, 2, 0.1) == [0]
    assert tree_cuts(rows, bads, 2, 0.101) == []


def test_nothing_is_cut_off_behind_the_last_class():
    assert quantile_cuts(np.array([1, 99]), 4) == []
    assert quantile_cuts(np.array([50, 25, 25]), 4) == [0, 1]
