"""Decayed frequencies, and those of the nearest customers, against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from portrait_assets.methods.recommendation.purchases.frequency import frequencies, weights
from portrait_assets.methods.recommendation.purchases.neighbours import (
    mixed,
    nearest_of,
    neighbourhood,
)


def test_a_visit_counts_half_after_a_half_life():
    assert weights(np.array([0, 6, 12])).tolist() == [1.0, 0.5, 0.25]


def test_a_frequency_is_the_share_of_weighted_visits():
    # Milk on both of two visits this month and on one of two of six months ago; tea never.
    milk = 2 * 1.0 + 1 * 0.5
    # The third came once, a year ago, for tea.
    taken = np.array([0, 0, 2]), np.array([0, 0, 1]), np.array([2.0, 0.5, 0.25])
    found = frequencies(taken, np.array([2 * 1.0 + 2 * 0.5, 0.0, 0.25]), items=2)
    np.testing.assert_allclose(found.shares.toarray(), [[milk / 3.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    assert found.visits.tolist() == [3.0, 0.0, 0.25]


def nearest_by_hand(shares: np.ndarray, nearest: int) -> np.ndarray:
    rows = []
    for at, own in enumerate(shares):
        others = [k for k in range(len(shares)) if k != at and shares[k].any()]
        others.sort(key=lambda k: (round(float(((shares[k] - own) ** 2).sum()), 12), k))
        rows.append(shares[others[:nearest]].mean(axis=0))
    return np.array(rows)


def mean_of_nearest(shares: sparse.csr_matrix, rows: np.ndarray, nearest: int) -> np.ndarray:
    among = neighbourhood(shares)
    some = sparse.csr_matrix(shares[rows])
    return np.asarray(nearest_of(some, among, rows, nearest) @ among.dense)


def test_neighbours_are_the_nearest_others_and_of_equal_ones_the_first():
    drawn = np.random.default_rng(1).random((40, 6)).round(1)
    drawn[drawn < 0.5] = 0
    drawn[7] = drawn[8] = drawn[9]
    shares = sparse.csr_matrix(drawn)
    found = mean_of_nearest(shares, np.arange(40), 5)
    np.testing.assert_allclose(found, nearest_by_hand(drawn, 5), rtol=1e-6)
    some = np.array([3, 30])
    np.testing.assert_array_equal(mean_of_nearest(shares, some, 5), found[some])


def test_closeness_is_the_same_whether_references_stand_dense_or_sparse(
    monkeypatch: pytest.MonkeyPatch,
):
    drawn = np.random.default_rng(2).random((30, 8)).round(1)
    drawn[drawn < 0.7] = 0
    shares = sparse.csr_matrix(drawn)
    dense = neighbourhood(shares)
    found = dense.closeness(shares)
    monkeypatch.setattr("portrait_assets.methods.recommendation.purchases.neighbours.DENSE", 1.1)
    np.testing.assert_array_equal(neighbourhood(shares).closeness(shares), found)
    chosen = drawn[np.flatnonzero(drawn.any(axis=1))]
    distance = ((drawn[:, None] - chosen[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose((drawn**2).sum(axis=1)[:, None] - found, distance, atol=1e-9)


def test_neighbours_are_sought_among_some_who_bought():
    drawn = np.eye(10)
    drawn[4] = 0
    among = neighbourhood(sparse.csr_matrix(drawn), most=3)
    assert np.flatnonzero(among.place >= 0).tolist() == [0, 3, 7]


def test_a_lone_customer_has_no_neighbours():
    alone = sparse.csr_matrix(np.array([[0.5, 0.0]]))
    among = neighbourhood(alone)
    nearest = nearest_of(alone, among, np.array([0]))
    assert nearest.nnz == 0
    assert mixed(alone, nearest, among, own_share=0.5).tolist() == [0.25]
    nobody = sparse.csr_matrix((1, 2))
    assert nearest_of(nobody, neighbourhood(nobody), np.array([0])).shape == (1, 0)
    assert mixed(nobody, sparse.csr_matrix((1, 0)), neighbourhood(nobody)).tolist() == []


@pytest.mark.parametrize("own_share", [0.0, 0.3, 1.0])
def test_own_and_neighbours_are_mixed(own_share: float, monkeypatch: pytest.MonkeyPatch):
    # One customer at a time, so that parts are put together.
    monkeypatch.setattr(
        "portrait_assets.methods.recommendation.purchases.neighbours.CHUNK_ENTRIES", 3
    )
    own = sparse.csr_matrix([[0.0, 1.0, 0.2], [0.4, 0.0, 0.0]])
    among = neighbourhood(sparse.csr_matrix([[0.8, 0.2, 0.0], [0.2, 0.0, 0.6]]))
    nearest = sparse.csr_matrix([[0.0, 1.0], [0.5, 0.5]])
    # Of what the first customer took, 1.0 and 0.2, the one neighbour took 0.0 and 0.6; of 0.4 the
    # two of the second took 0.8 and 0.2.
    expected = [
        own_share * 1.0,
        own_share * 0.2 + (1 - own_share) * 0.6,
        own_share * 0.4 + (1 - own_share) * 0.5,
    ]
    np.testing.assert_allclose(mixed(own, nearest, among, own_share), expected, rtol=1e-6)
