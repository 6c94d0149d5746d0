"""Intervals of rates are those of SciPy, for many rates at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from portrait_assets.methods.statistics.intervals import exact, wilson

RATES = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(RATES, min_size=1, max_size=5))
def test_wilson_intervals_are_those_of_scipy_and_hold_their_rates(rates: list[tuple[int, int]]):
    hits, sizes = np.array(rates).T
    low, high = wilson(hits, sizes)
    expected = [binomtest(*each).proportion_ci(method="wilson") for each in rates]
    assert low == pytest.approx(np.array([each.low for each in expected]), abs=1e-7)
    assert high == pytest.approx(np.array([each.high for each in expected]), abs=1e-7)
    assert (low <= hits / sizes + 1e-12).all()
    assert (high >= hits / sizes - 1e-12).all()


def test_a_rate_of_nobody_has_no_interval():
    low, high = wilson(np.array([0, 1]), np.array([0, 2]))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False]


def test_whichever_rate_is_picked_its_exact_interval_holds_in_95_of_100_cases():
    """The rate farthest from that of all is picked, as the lift of a tag's value is."""
    rng, values, size = np.random.default_rng(4), 30, 3_000
    sizes = rng.multinomial(size, np.full(values, 1 / values), 1_000)
    missed = {}
    for rate in (0.05, 0.3):
        hits = rng.binomial(sizes, rate)
        plain, together = wilson(hits, sizes), exact(hits, sizes, values)
        missed[rate] = [
            np.mean(((low > rate) | (high < rate)).any(axis=1)) for low, high in (plain, together)
        ]
    assert all(plain > 0.6 and together <= 0.05 for plain, together in missed.values())


def test_one_exact_interval_is_that_of_scipy():
    hits, sizes = np.array([0, 3, 20]), np.array([9, 40, 20])
    low, high = exact(hits, sizes)
    expected = [binomtest(*each).proportion_ci() for each in zip(hits, sizes, strict=True)]
    assert low == pytest.approx(np.array([each.low for each in expected]))
    assert high == pytest.approx(np.array([each.high for each in expected]))
    assert np.isnan(exact(np.array([0]), np.array([0]))[0]).all()
