"""What four customers buy again of what few buy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from portrait_assets.methods.recommendation.purchases.bought import REPURCHASE, SCHEMA
from portrait_assets.methods.recommendation.purchases.frequency import Frequencies
from portrait_assets.methods.recommendation.purchases.habits import Habits, fit_habits

# Ten visits each: the first customer bought item 0 in all of them and item 2 in one.
SHARES = sparse.csr_matrix([[1.0, 0.0, 0.1], [0.0, 0.2, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
KNOWN = Frequencies(SHARES, np.full(4, 10.0))
BOUGHT = sparse.csr_matrix([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_each_is_listed_what_they_bought_themselves_the_most_frequent_first():
    habits = Habits(fit_habits(KNOWN, BOUGHT), KNOWN)
    found = habits.affinities(np.arange(4), most=10)
    assert dict(found.schema) == SCHEMA
    listed = found.select("customer", "item", "rank").rows()
    # Equally frequent items of the third customer stand in the order of their numbers.
    assert listed == [(0, 0, 1), (0, 2, 2), (1, 1, 1), (2, 0, 1), (2, 1, 2)]
    assert found["basis"].unique().to_list() == [REPURCHASE]
    # Two of the five that were bought before came again; first purchases are none of them.
    assert found["probability"].mean() == pytest.approx(2 / 5)
    assert habits.affinities(np.array([2]), most=1)["item"].to_list() == [0]


def test_the_more_often_the_more_probably():
    draw = np.random.default_rng(2)
    share = draw.uniform(0.05, 1, 5_000)
    came = draw.random(5_000) < share
    known = Frequencies(sparse.csr_matrix(share[:, None]), np.full(5_000, 8.0))
    bought = sparse.csr_matrix(came[:, None].astype(float))
    habits = Habits(fit_habits(known, bought), known)
    found = habits.affinities(np.arange(5_000), most=1)["probability"].to_numpy()
    for low, high in ((0.05, 0.2), (0.4, 0.6), (0.8, 1.0)):
        of = (share >= low) & (share < high)
        assert abs(found[of].mean() - came[of].mean()) < 0.05


def test_of_nothing_bought_nothing_is_listed():
    nothing = Frequencies(sparse.csr_matrix((4, 3)), np.zeros(4))
    assert fit_habits(nothing, BOUGHT) is None
    assert Habits(None, KNOWN).affinities(np.arange(4), 10).equals(pl.DataFrame(schema=SCHEMA))
