"""Intervals of rates are those of SciPy, for many rates at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from portrait_assets.methods.statistics.intervals import wilson

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
