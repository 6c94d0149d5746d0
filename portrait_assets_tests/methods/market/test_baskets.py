"""Items that are in one basket, counted in arrays, against sets."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from portrait_assets.methods.market import baskets
from portrait_assets.methods.market.baskets import NOTHING, Baskets

ITEMS, GROUPS = 6, 3
WORLD = [
    # customer, group, items
    (0, 2, {0, 1, 5}),
    (0, 2, {0, 1}),
    (1, 0, {NOTHING}),
    (2, 0, {NOTHING, 3}),
    (2, 0, {0, 1, 2, 3, 4, 5}),
    (3, 1, {4, 5}),
    (0, 2, {0, 5}),
]
PAIRS = [
    (customer, group, pair)
    for customer, group, of in WORLD
    for pair in combinations(sorted(of - {NOTHING}), 2)
]


def world() -> Baskets:
    rows = [(b, i, c, g) for b, (c, g, items) in enumerate(WORLD, 1) for i in sorted(items)]
    return Baskets(*np.array(rows).T)


def place_of(*pairs: tuple[int, int]) -> np.ndarray:
    place = np.full((ITEMS, ITEMS), NOTHING)
    for at, pair in enumerate(pairs):
        place[pair] = at
    return place


@pytest.fixture(params=[1, 4, 1_000])
def pairs_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baskets, "CHUNK_PAIRS", request.param)


def test_baskets_and_items_are_counted_by_group() -> None:
    assert world().counted(GROUPS).tolist() == [3, 1, 3]
    single = world().with_item(ITEMS, GROUPS)
    assert single[3].tolist() == [2, 0, 0]
    assert single.sum() == sum(len(items - {NOTHING}) for *_, items in WORLD)


@pytest.mark.usefixtures("pairs_at_once")
def test_pairs_are_those_of_sets_however_many_stand_in_memory() -> None:
    expected = Counter(pair for *_, pair in PAIRS)
    found = world().together(ITEMS)
    assert {tuple(p): found[*p] for p in np.argwhere(found).tolist()} == expected


@pytest.mark.usefixtures("pairs_at_once")
def test_baskets_with_both_are_counted_by_group_and_customer() -> None:
    wanted = [(0, 5), (1, 4), (0, 1)]
    both = world().with_both(place_of(*wanted), GROUPS)
    customers = world().customers(place_of(*wanted))
    for at, pair in enumerate(wanted):
        of_pair = [(customer, group) for customer, group, other in PAIRS if other == pair]
        assert both[at].tolist() == [sum(g == at_ for _, g in of_pair) for at_ in range(GROUPS)]
        assert customers[at] == len({customer for customer, _ in of_pair})


def test_of_no_basket_and_of_no_pair_there_is_nothing() -> None:
    none = Baskets(*np.zeros((4, 0), dtype=np.int64))
    assert none.counted(GROUPS).tolist() == [0, 0, 0]
    assert none.together(ITEMS).sum() == 0
    assert none.customers(place_of((0, 1))).tolist() == [0]
    assert world().with_both(place_of(), GROUPS).shape == (0, GROUPS)
