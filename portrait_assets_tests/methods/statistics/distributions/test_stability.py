"""Population stability and distances of samples: as worked out by hand, by SciPy, and by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from portrait_assets.methods.statistics.distributions.binning import (
    counts_by_tenth,
    counts_by_value,
)
from portrait_assets.methods.statistics.distributions.stability import (
    chi_square,
    ks,
    psi,
    psi_by_chance,
    psi_expected,
    smoothed_shares,
)

REFERENCE, CURRENT = pl.col("reference"), pl.col("current")
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50).map(np.array)


def counted(reference: list[int], current: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"reference": reference, "current": current})


def psi_of(counts: pl.DataFrame) -> float:
    """PSI of two counted samples."""
    shares: Any = (smoothed_shares(each) for each in (REFERENCE, CURRENT))
    return float(counts.select(psi(*shares)).item())


def test_psi_of_a_known_shift():
    # (0.8 - 0.5) ln 1.6 + (0.2 - 0.5) ln 0.4
    shares = pl.DataFrame({"reference": [0.5, 0.5], "current": [0.8, 0.2]})
    assert shares.select(psi(REFERENCE, CURRENT)).item() == pytest.approx(0.415888, abs=1e-6)
    assert psi_of(counted([5000, 5000], [8000, 2000])) == pytest.approx(0.415888, abs=1e-3)


def test_an_empty_bin_of_a_sample_is_smoothed_and_one_of_shares_counts_as_the_floor():
    assert 0 < psi_of(counted([50, 0], [0, 50])) < 20
    shares = pl.DataFrame({"reference": [1.0, 0.0], "current": [0.9, 0.1]})
    found = shares.select(psi(REFERENCE, CURRENT, floor=0.001)).item()
    assert found == pytest.approx(-0.1 * np.log(0.9) + 0.099 * np.log(100))


def test_smoothed_shares_add_up_to_one():
    counts = counted([3, 0, 0], [1, 1, 2])
    assert counts.select(smoothed_shares(REFERENCE)).to_series().to_list() == [
        pytest.approx(3.5 / 4.5),
        *[pytest.approx(0.5 / 4.5)] * 2,
    ]


def test_two_draws_from_one_population_seldom_exceed_what_chance_gives():
    draws = np.random.default_rng(1).multinomial(200, [0.5, 0.3, 0.15, 0.05], size=(400, 2))
    found = np.array([psi_of(counted(*pair.tolist())) for pair in draws])
    assert 0.02 < np.mean(found > psi_by_chance(4, 200, 200)) < 0.08
    assert found.mean() == pytest.approx(float(psi_expected(4, 200, 200)), rel=0.1)


@given(NUMBERS, NUMBERS)
def test_psi_is_zero_for_the_same_and_never_negative(one: np.ndarray, two: np.ndarray):
    assert psi_of(counts_by_tenth(one, one)) == pytest.approx(0)
    assert psi_of(counts_by_tenth(one, two)) >= 0


@given(NUMBERS, NUMBERS)
def test_the_distance_of_two_samples_is_that_of_scipy(one: np.ndarray, two: np.ndarray):
    found = counts_by_value(one, two).select(ks(REFERENCE, CURRENT)).item()
    assert found == pytest.approx(ks_2samp(one, two, method="asymp").statistic, abs=1e-12)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 99)), min_size=2, max_size=9))
def test_chi_square_is_that_of_scipy(counts: list[tuple[int, int]]):
    reference, current = (list(side) for side in zip(*counts, strict=True))
    if sum(current) > 0:
        expected = chi2_contingency([reference, current], correction=False).statistic
        found = counted(reference, current).select(chi_square(REFERENCE, CURRENT)).item()
        assert found == pytest.approx(expected, abs=1e-9)
