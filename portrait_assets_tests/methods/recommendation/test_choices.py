"""Which of three funds is chosen, by who holds which."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.methods.recommendation.products.choices import Choices, fit_choices

CUSTOMERS = 4_000
CATEGORY = ["fund", "fund", "fund", "card", None]
GROWTH, BONDS, LAPSED, CARD, OTHER = range(5)


def world() -> tuple[pl.DataFrame, sparse.csr_matrix, np.ndarray]:
    """A quarter holds a fund: the young growth, the old bonds. All else is taken by anyone alike,
    and bonds three times as often as growth; the third fund is held by nobody.
    """
    draw = np.random.default_rng(4)
    age = draw.uniform(20, 80, CUSTOMERS)
    chooses = np.where(draw.random(CUSTOMERS) < np.where(age < 50, 0.9, 0.1), GROWTH, BONDS)
    owned = np.zeros((CUSTOMERS, len(CATEGORY)))
    holders = np.flatnonzero(draw.random(CUSTOMERS) < 0.25)
    owned[holders, chooses[holders]] = 1
    chance = np.tile([0.01, 0.03, 0.0, 0.05, 0.02], (CUSTOMERS, 1))
    chance[owned > 0] = np.nan
    return pl.DataFrame({"age": age}), sparse.csr_matrix(owned), chance


FEATURES, OWNED, CHANCE = world()
FITTED = fit_choices(FEATURES, OWNED, CATEGORY, CHANCE)
POOLED = FITTED.pooled(FEATURES, CHANCE)
NO_FUND = OWNED[:, :2].toarray().sum(axis=1) == 0


def test_holders_say_which_product_of_a_category_it_is():
    assert FITTED.among == ((GROWTH, BONDS),)
    young = NO_FUND & (FEATURES["age"].to_numpy() < 50)
    odds_before = CHANCE[:, GROWTH] / CHANCE[:, BONDS]
    odds = POOLED[:, GROWTH] / POOLED[:, BONDS]
    assert odds[young].mean() > 1.5 * odds_before[young].mean()
    assert odds[NO_FUND & ~young].mean() < 0.7 * odds_before[NO_FUND & ~young].mean()


def test_how_probably_anything_of_the_category_is_taken_stays():
    before, after = CHANCE[NO_FUND, :3].sum(axis=1), POOLED[NO_FUND, :3].sum(axis=1)
    np.testing.assert_allclose(after, before)
    totals = np.nansum(POOLED[:, :2], axis=0) / np.nansum(CHANCE[:, :2], axis=0)
    np.testing.assert_allclose(totals, 1, atol=1e-3)


def test_what_is_had_what_nobody_takes_and_other_categories_stay_as_they_are():
    np.testing.assert_array_equal(np.isnan(POOLED), np.isnan(CHANCE))
    np.testing.assert_array_equal(POOLED[:, LAPSED:], CHANCE[:, LAPSED:])
    has_bonds = OWNED[:, BONDS].toarray().ravel() > 0
    np.testing.assert_allclose(POOLED[has_bonds, GROWTH], CHANCE[has_bonds, GROWTH])


def test_without_two_products_of_enough_holders_nothing_changes():
    few = sparse.csr_matrix(OWNED.shape)
    none = fit_choices(FEATURES, few, CATEGORY, CHANCE)
    assert none == Choices(none.encoding, (), {}, {})
    np.testing.assert_array_equal(none.pooled(FEATURES, CHANCE), CHANCE)
