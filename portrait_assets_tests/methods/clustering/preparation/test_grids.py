"""Values on a grid are spread over their cells, and all others are left alone."""

import numpy as np

from portrait_assets.methods.clustering.preparation.grids import off_grid

RNG = np.random.default_rng(0)


def test_counts_are_spread_within_half_a_step() -> None:
    counts = RNG.poisson(6, (500, 2)).astype(float)
    known, unseen = off_grid(counts[:300], counts[300:], seed=0)
    spread = np.vstack([known, unseen])
    assert np.abs(spread - counts).max() <= 0.5
    assert len(np.unique(spread[:, 0])) == 500
    assert (len(known), len(unseen)) == (300, 200)


def test_a_wide_gap_between_values_stays() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 100.0, 101.0, 102.0], 50)[:, None]
    spread, _ = off_grid(values, values[:0], seed=0)
    assert spread[:150].max() <= 2.5
    assert spread[150:].min() >= 99.5


def test_measures_and_categories_are_as_they_were() -> None:
    points = np.column_stack([RNG.normal(size=200), RNG.integers(0, 3, 200)])
    same, none = off_grid(points, points[:0], seed=0)
    assert np.array_equal(same, points)
    assert none.shape == (0, 2)


def test_the_points_that_were_given_are_not_changed_and_equal_seeds_give_equal_values() -> None:
    counts = RNG.poisson(6, (300, 1)).astype(float)
    before = counts.copy()
    first, _ = off_grid(counts, counts[:0], seed=1)
    again, _ = off_grid(counts, counts[:0], seed=1)
    assert np.array_equal(counts, before)
    assert np.array_equal(first, again)
