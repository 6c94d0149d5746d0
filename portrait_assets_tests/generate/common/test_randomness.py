"""Numbers that depend on what they are for and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.synthetic.common.randomness import Draws, lookup_by_weight, to_poisson

COUNT = 200_000


@pytest.fixture(scope="module")
def draws() -> Draws:
    return Draws.of(7, "test", np.arange(COUNT))


def test_an_item_has_its_numbers_in_any_company(draws: Draws) -> None:
    some = Draws.of(7, "test", np.arange(500, 600))
    assert (some.uniform("x") == draws.uniform("x")[500:600]).all()
    assert (draws[np.arange(3)].word("x") == draws.word("x")[:3]).all()


def test_labels_kinds_and_seeds_are_kept_apart(draws: Draws) -> None:
    rows = [
        draws.uniform("x"),
        draws.uniform("y"),
        Draws.of(8, "test", np.arange(COUNT)).uniform("x"),
        Draws.of(7, "other", np.arange(COUNT)).uniform("x"),
        draws.child("x", np.zeros(COUNT, np.int64)).uniform("x"),
    ]
    assert np.abs(np.corrcoef(rows) - np.eye(len(rows))).max() < 0.012


def test_uniform_and_normal_have_their_moments(draws: Draws) -> None:
    uniform, normal = draws.uniform("u"), draws.normal("n")
    assert 0 <= uniform.min() < uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.003
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01


@pytest.mark.parametrize("mean", [0.02, 0.7, 5.0, 80.0])
def test_poisson_counts_have_mean_and_variance(draws: Draws, mean: float) -> None:
    counts = to_poisson(draws.uniform("p"), np.full(COUNT, mean))
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / COUNT)
    assert abs(counts.var() / mean - 1) < 0.05
    assert (to_poisson(np.array([0.5]), np.array([0.0])) == 0).all()


def test_pick_and_lookup_follow_the_weights(draws: Draws) -> None:
    shares = np.bincount(draws.pick("p", [1, 2, 5])) / COUNT
    assert np.abs(shares - [0.125, 0.25, 0.625]).max() < 0.01
    table = lookup_by_weight(np.array([[1.0, 2.0, 5.0], [0.0, 1.0, 0.0]]), 256)
    assert np.bincount(table[0]).tolist() == [32, 64, 160]
    assert set(table[1].tolist()) == {1}


def test_whole_numbers_include_both_ends(draws: Draws) -> None:
    assert set(draws.whole("w", 3, 5).tolist()) == {3, 4, 5}
