"""Intervals from redraws of groups: the same each time, and as wide as theory has them."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.methods.statistics.resampling import DRAWS, bounds, draws, interval


def test_the_first_draw_is_the_sample_and_each_redraw_has_as_many_groups():
    drawn = draws(50)
    assert drawn.shape == (1 + DRAWS, 50)
    assert (drawn[0] == 1).all()
    assert (drawn.sum(axis=1) == 50).all()
    draws.cache_clear()
    assert np.array_equal(draws(50), drawn)


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_has_it():
    values = np.random.default_rng(2).normal(10, 3, 50)
    found = interval(draws(50) @ values / 50)
    assert found.value == pytest.approx(values.mean())
    expected = 2 * 1.96 * values.std() / np.sqrt(50)
    assert found.high - found.low == pytest.approx(expected, rel=0.15)


def test_bounds_are_the_ends_of_the_middle_95_percent_of_what_is_defined():
    redraws = np.arange(201.0)
    low, high = bounds(np.column_stack([np.r_[-9, redraws], np.r_[1, np.full(201, np.nan)]]))
    assert (low[0], high[0]) == (5.0, 195.0)
    assert np.isnan([low[1], high[1]]).all()
    with_gaps = np.r_[0, np.full(100, np.nan), np.arange(101.0)]
    assert [end[0] for end in bounds(with_gaps[:, None])] == [2.0, 98.0]
