"""Population stability and distances of samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.statistics.stability import Numbers, binned, ks, psi, psi_by_chance

_NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50).map(np.array)


@given(_NUMBERS, _NUMBERS)
def test_distances_are_zero_for_the_same_and_never_negative(one: Numbers, two: Numbers):
    assert psi(*binned(one, one)) == pytest.approx(0)
    assert psi(*binned(one, two)) >= 0
    assert ks(one, one) == 0
    assert 0 <= ks(one, two) <= 1


def test_psi_of_a_known_shift():
    # (0.8 - 0.5) ln 1.6 + (0.2 - 0.5) ln 0.4
    shift = psi({"a": 5000, "b": 5000}, {"a": 8000, "b": 2000})
    assert shift == pytest.approx(0.415888, abs=1e-3)


def test_two_draws_from_one_population_seldom_exceed_what_chance_gives():
    draws = np.random.default_rng(1).multinomial(200, [0.5, 0.3, 0.15, 0.05], size=(400, 2))
    counted = [tuple({str(i): int(n) for i, n in enumerate(s)} for s in pair) for pair in draws]
    beyond = [psi(*pair) > psi_by_chance(*pair) for pair in counted]
    assert 0.02 < np.mean(beyond) < 0.08


def test_an_empty_bin_leaves_psi_finite():
    assert 0 < psi({"a": 50}, {"b": 50}) < 20


def test_missing_numbers_are_a_bin_of_their_own():
    before, after = binned(np.array([1.0, 2.0, np.nan]), np.array([np.nan] * 3))
    assert (before["missing"], after["missing"]) == (1, 3)
