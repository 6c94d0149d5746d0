"""Who takes which of four products of a planted bank, and how probably."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.methods.recommendation.products.takings import (
    COMPANIONS,
    SEGMENT,
    TREES,
    Kinds,
    Window,
    fit_takings,
    most_taken,
)

CUSTOMERS = 3_000


def window(seed: int) -> Window:
    """A card for the rich, a fund with a deposit, and a product that nobody takes.

    Products: deposit, gold card (taken with 8 %, of high income), fund (3 %, with a deposit),
    annuity (never).
    """
    draw = np.random.default_rng(seed)
    income = draw.lognormal(size=CUSTOMERS)
    owned = (draw.random((CUSTOMERS, 4)) < np.array([0.4, 0.1, 0.1, 0.005])).astype(float)
    owned[:, 2] *= owned[:, 0]
    chance = np.zeros((CUSTOMERS, 4))
    chance[:, 1] = np.where(income > 2, 0.08, 0.001)
    chance[:, 2] = np.where(owned[:, 0] > 0, 0.012, 0.0)
    taken = (draw.random((CUSTOMERS, 4)) < chance) & (owned == 0)
    features = pl.DataFrame({"income": income, "noise": draw.normal(size=CUSTOMERS)})
    return Window(
        features,
        sparse.csr_matrix(owned),
        sparse.csr_matrix(taken.astype(float)),
        np.arange(CUSTOMERS) % 2,
    )


def test_each_product_is_predicted_by_what_is_known_of_it():
    fitted = fit_takings([window(1)])
    assert fitted.basis == (SEGMENT, TREES, COMPANIONS, SEGMENT)
    later = window(9)
    found = fitted.probabilities(later.features, later.owned, later.segment)
    owned, income = later.owned.toarray() > 0, later.features["income"].to_numpy()
    assert np.isnan(found).tolist() == owned.tolist(), "who has a product cannot take it"
    rich = income > 2
    assert np.nanmean(found[rich, 1]) > 5 * np.nanmean(found[~rich, 1])
    for product, with_it in ((1, rich), (2, owned[:, 0])):
        may = with_it & ~owned[:, product]
        share = later.taken.toarray()[may, product].mean()
        assert abs(found[may, product].mean() - share) < 0.03
    assert np.nanmax(found[:, 3]) == 0


def test_the_most_taken_come_first_and_rare_ones_not_at_all():
    assert most_taken([5, 300, 20, 300, 19]) == [1, 3, 2]
    assert len(most_taken([50] * 90)) <= 20


def test_what_twenty_have_is_predicted_by_what_goes_with_it_and_what_nineteen_have_is_not():
    def basis(holders: int) -> str:
        bank = window(1)
        owned = bank.owned.toarray()
        owned[np.flatnonzero(owned[:, 2])[holders:], 2] = 0
        return fit_takings([replace(bank, owned=sparse.csr_matrix(owned))]).basis[2]

    assert (basis(20), basis(19)) == (COMPANIONS, SEGMENT)


def test_of_what_nobody_takes_nothing_is_expected():
    quiet = replace(window(1), taken=sparse.csr_matrix((CUSTOMERS, 4)))
    fitted = fit_takings([quiet])
    assert set(fitted.basis) == {SEGMENT}
    assert np.nanmax(fitted.probabilities(quiet.features, quiet.owned, quiet.segment)) == 0


def test_customers_score_the_same_by_themselves_as_among_all():
    fitted, later = fit_takings([window(1)]), window(9)
    every = fitted.probabilities(later.features, later.owned, later.segment)
    some = np.array([2, 40, 2_999])
    part = fitted.probabilities(later.features[some], later.owned[some], later.segment[some])
    np.testing.assert_array_equal(part, every[some])


def test_equal_inputs_give_equal_probabilities():
    later = window(9)
    first, second = (
        fit_takings([window(1)]).probabilities(later.features, later.owned, later.segment)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_products_of_one_category_share_what_is_expected_of_them():
    first, later = window(1), window(9)
    kinds = Kinds(["account", "card", "card", None], ["income"])
    alone, together = (
        fit_takings([first], kinds=each).probabilities(later.features, later.owned, later.segment)
        for each in (None, kinds)
    )
    free = (later.owned[:, 1:3].toarray() == 0).all(axis=1)
    before, after = alone[free, 1:3], together[free, 1:3]
    np.testing.assert_allclose(after.sum(axis=1), before.sum(axis=1))
    assert np.abs(after - before).max() > 0.001
    np.testing.assert_array_equal(together[:, [0, 3]], alone[:, [0, 3]])
