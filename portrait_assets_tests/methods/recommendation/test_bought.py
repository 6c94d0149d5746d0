"""What customers of a planted world buy next, and how probably."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from scipy.special import expit, logit

from portrait_assets.methods.recommendation.purchases.bought import (
    Bought,
    Buyers,
    _first_without,
    affinities,
    fit_bought,
)
from portrait_assets.methods.recommendation.purchases.frequency import Frequencies, frequencies
from portrait_assets.methods.recommendation.purchases.neighbours import nearest_of, neighbourhood

CUSTOMERS, ITEMS, VISITS = 1_500, 12, 8


def world(seed: int) -> tuple[Frequencies, sparse.csr_matrix, np.ndarray]:
    """Customers of three tastes, who visit eight times before and twice within the window.

    Each likes four items, and any other hardly; the last fifty customers never came before.
    """
    draw = np.random.default_rng(seed)
    taste = np.arange(CUSTOMERS) % 3
    chance = np.full((CUSTOMERS, ITEMS), 0.01)
    for item in range(ITEMS):
        chance[taste == item // 4, item] = 0.3
    days = draw.binomial(VISITS, chance)
    days[-50:] = 0
    customer, bought_item = np.nonzero(days)
    visits = np.full(CUSTOMERS, float(VISITS))
    visits[-50:] = 0
    known = frequencies(
        (customer, bought_item, days[customer, bought_item].astype(float)), visits, ITEMS
    )
    bought = draw.binomial(2, chance) > 0
    bought[-50:] = draw.random((50, ITEMS)) < np.where(np.arange(ITEMS) == 5, 0.9, 0.1)
    return known, sparse.csr_matrix(bought.astype(float)), taste


def test_what_was_bought_is_bought_again_as_often_as_is_said():
    then, bought, segment = world(1)
    model = fit_bought(then, bought, segment)
    now, _, _ = world(2)
    found = affinities(model, now, segment, 3)
    assert found.columns == ["customer", "item", "rank", "probability", "basis"]
    own = found.filter(pl.col("customer") < CUSTOMERS - 50)
    is_liked = (own["item"] // 4 == own["customer"] % 3).to_numpy()
    assert is_liked.mean() > 0.97
    # On one of two visits at least, at 30 % each: whether or not it was bought before.
    true = 1 - 0.7**2
    for basis in ("repurchase", "companions"):
        part = own.filter(pl.col("basis") == basis)
        assert part.height > 100
        assert abs(part["probability"].mean() - true) < 0.05  # type: ignore[operator]


def test_who_never_came_is_judged_by_others_who_never_had():
    then, bought, segment = world(1)
    found = affinities(fit_bought(then, bought, segment), then, segment, 2)
    new = found.filter(pl.col("customer") >= CUSTOMERS - 50)
    assert new["basis"].unique().to_list() == ["segment"]
    assert new.filter(rank=1)["item"].unique().to_list() == [5]
    assert abs(new.filter(rank=1)["probability"].mean() - 0.9) < 0.1  # type: ignore[operator]


def test_equal_inputs_give_equal_rows():
    then, bought, segment = world(1)
    first, second = (affinities(fit_bought(then, bought, segment), then, segment, 4) for _ in "ab")
    assert first.equals(second)


def test_customers_are_ranked_the_same_by_themselves_as_among_all():
    then, bought, segment = world(1)
    model = fit_bought(then, bought, segment)
    some = np.array([3, 700, 1_499])
    found = Buyers(model, then, segment).affinities(some, 4)
    every = affinities(model, then, segment, 4)
    assert found.equals(every.filter(pl.col("customer").is_in(some.tolist())))


def test_of_what_nobody_bought_in_the_window_hardly_anything_is_expected():
    then, bought, segment = world(1)
    model = fit_bought(then, sparse.csr_matrix(bought.shape), segment)
    found = affinities(model, then, segment, 2)
    assert set(found["basis"]) == {"repurchase", "segment"}
    assert found["probability"].max() < 0.01  # type: ignore[operator]


def ranked_by_hand(now: Frequencies, model: Bought, most: int) -> list[list[int]]:
    """Each customer's items from all of their log odds, one basis in the place of the other."""
    segment = np.arange(CUSTOMERS) % 3
    odds = np.asarray(logit(model.rates[segment]))
    shares = now.shares.toarray()
    came = shares.any(axis=1)
    assert model.companions is not None
    assert model.again is not None
    visits = sparse.csr_matrix(np.log1p(shares * now.visits[:, None]))
    going = model.companions.curve(model.companions.margins(visits).astype(float))
    odds[np.ix_(came, model.companions.is_known)] = going[np.ix_(came, model.companions.is_known)]
    among = neighbourhood(now.shares)
    nearest = nearest_of(now.shares, among, np.arange(CUSTOMERS)) @ among.dense
    mean = 0.5 * shares + 0.5 * nearest
    at = np.nonzero(shares)
    odds[at] = model.again(np.log(mean[at] * now.visits[at[0]]))
    probability = expit(odds)
    return [np.argsort(-own, kind="stable")[:most].tolist() for own in probability]


@pytest.mark.parametrize("most", [1, 5, ITEMS])
def test_bases_ranked_apart_give_the_order_of_all_items(most: int):
    then, bought, segment = world(1)
    # Of the last items nothing was taken in the window: only segments say how probable they are.
    bought = sparse.csr_matrix(bought.multiply(np.arange(ITEMS) < 9))
    model = fit_bought(then, bought, segment)
    now, _, _ = world(2)
    found = affinities(model, now, segment, most)
    assert found["rank"].max() == min(most, ITEMS)
    by_hand = ranked_by_hand(now, model, most)
    own = found.group_by("customer", maintain_order=True).agg("item")["item"].to_list()
    same = [ours == theirs for ours, theirs in zip(own, by_hand, strict=True)]
    # Items whose probabilities differ by a rounding may change places.
    assert np.mean(same) > 0.995


def test_who_had_the_best_of_a_segment_gets_what_comes_after():
    had = np.zeros((3, 20), dtype=float)
    had[1, :13] = 1
    had[2, [0, 2, 4]] = 1
    items = np.arange(20)[::-1].copy()
    customer, at = _first_without(sparse.csr_matrix(had[:, ::-1]), items, 2)
    chosen = [items[at[customer == who]].tolist() for who in range(3)]
    assert chosen == [[19, 18], [6, 5], [18, 16]]
    customer, at = _first_without(sparse.csr_matrix(np.ones((1, 4))), np.arange(4), 2)
    assert len(at) == 0
