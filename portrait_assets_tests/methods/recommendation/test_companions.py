"""EASE against ridge regressions one by one, rates against Kleinman's, and probabilities."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from portrait_assets.methods.recommendation.products.companions import fit_companions
from portrait_assets.methods.recommendation.products.ease import fit_ease
from portrait_assets.methods.recommendation.products.traits import fit_traits
from portrait_assets.methods.recommendation.shrinkage import shrunk_rates


def test_weights_are_those_of_a_ridge_regression_of_each_item_on_the_others():
    owned = (np.random.default_rng(0).random((60, 5)) < 0.4).astype(float)
    found = fit_ease(sparse.csr_matrix(owned), strength=3.0)
    for item in range(5):
        others = np.delete(owned, item, axis=1)
        ridge = others.T @ others + 3.0 * np.eye(4)
        by_hand = np.linalg.solve(ridge, others.T @ owned[:, item])
        np.testing.assert_allclose(np.delete(found[:, item], item), by_hand)
        assert found[item, item] == 0


def test_weights_are_the_same_whether_customers_stand_dense_or_sparse(
    monkeypatch: pytest.MonkeyPatch,
):
    owned = sparse.random(90, 7, density=0.5, format="csr", random_state=3)
    monkeypatch.setattr("portrait_assets.methods.recommendation.products.ease.CHUNK_ROWS", 40)
    in_parts = fit_ease(owned, strength=2.0)
    monkeypatch.setattr("portrait_assets.methods.recommendation.products.ease.DENSE", 1.1)
    np.testing.assert_allclose(fit_ease(owned, strength=2.0), in_parts, atol=1e-12)


def pairs(customers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What customers have of four items, and what they take: the last, of whom has the first."""
    draw = np.random.default_rng(seed)
    owned = (draw.random((customers, 4)) < 0.3).astype(float)
    owned[:, 3] = (draw.random(customers) < np.where(owned[:, 0] > 0, 0.5, 0.02)).astype(float)
    chance = np.full((customers, 4), 0.01)
    chance[:, 3] = np.where(owned[:, 0] > 0, 0.2, 0.01)
    return owned, ((draw.random((customers, 4)) < chance) & (owned == 0)).astype(float)


def test_who_has_what_goes_with_an_item_takes_it_as_probably_as_is_said():
    owned, taken = (sparse.csr_matrix(each) for each in pairs(4_000, 1))
    fitted = fit_companions(owned, owned, taken)
    assert fitted is not None
    later_held, later_taken = pairs(4_000, 2)
    found = fitted.probabilities(sparse.csr_matrix(later_held))
    may = later_held[:, 3] == 0
    for has_first in (True, False):
        those = may & ((later_held[:, 0] > 0) == has_first)
        assert abs(found[those, 3].mean() - later_taken[those, 3].mean()) < 0.03
    assert (
        found[may & (later_held[:, 0] > 0), 3].min() > found[may & (later_held[:, 0] == 0), 3].max()
    )


def test_where_nobody_took_anything_nothing_is_known():
    owned = sparse.csr_matrix(np.eye(4))
    assert fit_companions(owned, owned, sparse.csr_matrix((4, 4))) is None


def test_groups_that_differ_no_more_than_by_chance_have_the_rate_of_all():
    hits, sizes = np.array([[10.0], [10.0], [0.0]]), np.array([[100.0], [100.0], [0.0]])
    np.testing.assert_allclose(shrunk_rates(hits, sizes), 0.1, rtol=1e-4)


def test_groups_that_differ_are_drawn_to_the_rate_of_all_by_their_size():
    hits, sizes = np.array([[30.0], [15.0], [1.0]]), np.array([[100.0], [100.0], [2.0]])
    found = shrunk_rates(hits, sizes)[:, 0]
    overall = 46 / 202
    # Kleinman's moments, written out.
    spread = 100 * (0.3 - overall) ** 2 + 100 * (0.15 - overall) ** 2 + 2 * (0.5 - overall) ** 2
    noise = overall * (1 - overall)
    between = (spread - 2 * noise) / (202 - (100**2 + 100**2 + 2**2) / 202)
    prior = noise / between - 1
    np.testing.assert_allclose(found, (hits[:, 0] + prior * overall) / (sizes[:, 0] + prior))
    assert abs(found[0] - 0.3) < 0.02, "a hundred say much"
    assert overall < found[2] < 0.27, "two say little"


def test_attributes_become_columns_of_ones():
    frame = pl.DataFrame(
        {
            "income": [float(n) for n in range(100)] + [None],
            "job": ["a"] * 50 + ["b"] * 49 + ["rare", None],
        }
    )
    traits = fit_traits(frame)
    columns = traits.columns(frame).toarray()
    assert traits.count == columns.shape[1] == 5 + 2
    assert columns[:, :5].sum(axis=0).tolist() == [20, 20, 20, 20, 20]
    assert columns[100].sum() == columns[99, 5:].sum() == 0


def test_of_takings_that_no_curve_rests_on_nothing_is_learned(monkeypatch: pytest.MonkeyPatch):
    """Every second customer is one whom the curve rests on: the others alone take the last item."""
    owned, taken = pairs(400, 1)
    taken[:] = 0
    taken[1::2, 3] = owned[1::2, 3] == 0
    have, took = sparse.csr_matrix(owned), sparse.csr_matrix(taken)
    last = np.array([False, False, False, True])
    monkeypatch.setattr(
        "portrait_assets.methods.recommendation.products.companions.MOST_OF_CURVE", 200
    )
    assert fit_companions(have, have, took, last) is None
    taken[0, 3], owned[0, 3] = 1, 0
    have, took = sparse.csr_matrix(owned), sparse.csr_matrix(taken)
    assert fit_companions(have, have, took, last) is not None
