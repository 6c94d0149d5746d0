"""Seasons, trends, departures, correlations and bundles, against small oracles."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import theilslopes

from portrait_assets.methods.market.baskets import NOTHING, Baskets
from portrait_assets.methods.market.bundles import LEAST_BASKETS, Counts, bundles
from portrait_assets.methods.market.correlation import correlation_of_changes
from portrait_assets.methods.market.departures import departures
from portrait_assets.methods.market.seasons import seasons_of
from portrait_assets.methods.market.trend import trend_of

INDEX = np.array([1.2, 0.9, 0.9, 1, 1, 1, 1, 1, 1, 0.9, 1, 1.1])


def noise(count: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


# -- seasons ----------------------------------------------------------------------------------


def test_the_season_of_two_years_is_found_beside_their_growth() -> None:
    values = 100 * np.resize(INDEX - 1, 24) + 94.25 + 0.5 * np.arange(24)
    found = seasons_of(values)
    assert found is not None
    assert found.level == pytest.approx(100)
    np.testing.assert_allclose(found.index, INDEX, atol=1e-12)
    assert found.p_value == 0
    np.testing.assert_allclose(found.adjusted(values), 94.25 + 0.5 * np.arange(24))


def test_intervals_of_seasons_are_those_of_least_squares() -> None:
    """Against the regression on a line and a column per month of the year, solved as it stands."""
    values = 80 + 10 * np.resize(INDEX - 1, 36) + noise(36)
    found = seasons_of(values)
    assert found is not None
    months = np.resize(np.eye(12), (36, 12)) - 1 / 12
    design = np.column_stack([np.ones(36), np.arange(36), months[:, :11] - months[:, 11:]])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ values
    residual = values - design @ beta
    error = math.sqrt(residual @ residual / (36 - 13) * inverse[2, 2])
    assert found.index[0] == pytest.approx(1 + beta[2] / values.mean())
    half = 2.0687 * error / values.mean()
    assert found.high[0] - found.index[0] == pytest.approx(half, rel=1e-4)


def test_chance_is_called_a_season_as_often_as_asked_for() -> None:
    rows = np.random.default_rng(3).normal(10, 1, (600, 24))
    found = [s.p_value < 0.05 for row in rows if (s := seasons_of(row))]
    assert len(found) == 600
    assert 0.02 < np.mean(found) < 0.08


@pytest.mark.parametrize("values", [np.ones(23), np.zeros(24), np.full(24, -3.0)])
def test_too_few_months_or_no_level_have_no_season(values: np.ndarray) -> None:
    assert seasons_of(values) is None


def test_a_series_that_never_changes_has_no_season() -> None:
    found = seasons_of(np.full(24, 0.1))
    assert found is not None
    assert found.p_value == 1


# -- trends -----------------------------------------------------------------------------------


def test_the_slope_and_its_interval_are_those_of_theil_and_sen() -> None:
    values = 5 + 0.3 * np.arange(24) + np.resize([1.0, -1.0], 24) * np.abs(noise(24))
    found, oracle = trend_of(values), theilslopes(values)
    assert found is not None
    assert found.slope == pytest.approx(oracle.slope)
    # Signs that alternate leave the variance as it is; the ends are within a pair of SciPy's.
    assert found.low == pytest.approx(oracle.low_slope, abs=0.01)
    assert found.high == pytest.approx(oracle.high_slope, abs=0.01)
    assert found.p_value < 1e-5


def test_one_odd_month_moves_no_trend() -> None:
    values = 100 + 0.2 * noise(24)
    odd = values + 500 * (np.arange(24) == 20)
    for series in (values, odd):
        found = trend_of(series)
        assert found is not None
        assert abs(found.slope) < 0.03
        assert found.low < 0 < found.high


@pytest.mark.parametrize(("alike", "most"), [(0.0, 0.07), (0.4, 0.11)])
def test_months_that_resemble_one_another_are_seldom_a_trend(alike: float, most: float) -> None:
    shocks = np.random.default_rng(5).normal(size=(400, 44))
    series = np.zeros_like(shocks)
    for month in range(1, 44):
        series[:, month] = alike * series[:, month - 1] + shocks[:, month]
    found = [t.p_value < 0.05 for row in series if (t := trend_of(row[20:]))]
    assert np.mean(found) <= most


def test_a_flat_series_has_a_trend_of_nothing_and_a_short_one_none() -> None:
    flat = trend_of(np.ones(12))
    assert flat is not None
    assert (flat.low, flat.slope, flat.high, flat.p_value) == (0, 0, 0, 1)
    assert trend_of(np.arange(7.0)) is None


# -- departures -------------------------------------------------------------------------------


def test_a_rise_is_found_while_it_lasts_and_not_after() -> None:
    values = 0.04 * noise(24)
    values[11:16] += 0.6
    alarms = [place for place, d in enumerate(departures(list(values))) if d and d.is_alarm]
    assert alarms == [11, 12, 13, 14, 15]


def test_a_departure_is_judged_by_students_interval_of_a_further_value() -> None:
    values: list[float | None] = [1.0, 2.0, 3.0, 2.0, None, 1.0, 3.0, 5.0]
    found = departures(values)[-1]
    assert found is not None
    # Mean 2, standard deviation 0.8944 of six; 2.5706 is t of five degrees of freedom.
    half = 2.5706 * 0.8944 * math.sqrt(7 / 6)
    assert (found.usual, found.high) == pytest.approx((2.0, 2 + half), rel=1e-4)
    assert departures(values)[:6] == [None] * 6


def test_a_series_that_settles_elsewhere_is_usual_there() -> None:
    found = departures([*(1 + 0.01 * noise(12)), *(2 + 0.01 * noise(20, 5))])
    assert found[12] is not None
    assert found[12].is_alarm
    last = found[-1]
    assert last is not None
    assert not last.is_alarm


def test_what_never_moved_moves_by_any_change() -> None:
    found = departures([0.1] * 8 + [0.1, 0.15])
    assert [d.p_value for d in found[-2:] if d] == [1.0, 0.0]


def test_quiet_series_alarm_once_in_a_thousand_months() -> None:
    rows = np.random.default_rng(8).normal(size=(400, 24))
    judged = [d for row in rows for d in departures(list(row)) if d]
    assert sum(d.is_alarm for d in judged) / len(judged) < 0.004


# -- correlations -----------------------------------------------------------------------------


def test_a_correlation_is_fishers_over_the_changes() -> None:
    one = np.cumsum(noise(24, 1))
    other = -one + np.cumsum(0.5 * noise(24, 2))
    found = correlation_of_changes(one, other)
    assert found is not None
    changes = np.diff(one), np.diff(other)
    assert found.value == pytest.approx(np.corrcoef(*changes)[0, 1])
    assert found.months == 23
    assert found.low < found.value < found.high < 0


def test_two_series_that_only_grow_are_not_correlated() -> None:
    one = np.arange(24) + 0.1 * noise(24, 1)
    other = np.arange(24) + 0.1 * noise(24, 2)
    found = correlation_of_changes(one, other)
    assert found is not None
    assert np.corrcoef(one, other)[0, 1] > 0.99
    assert found.low < 0 < found.high


def test_a_correlation_needs_months_that_are_known_and_change() -> None:
    assert correlation_of_changes(np.arange(24.0), noise(24)) is None
    gap = noise(12)
    gap[4:8] = np.nan
    assert correlation_of_changes(gap, noise(12, 2)) is None


# -- bundles ----------------------------------------------------------------------------------


def counted(baskets: list[tuple[int, set[str]]]) -> Counts:
    """Numbers of baskets by group; items are numbered in the order of their names."""
    names = sorted({item for _, basket in baskets for item in basket})
    rows = [(n, names.index(i), g) for n, (g, basket) in enumerate(baskets) for i in sorted(basket)]
    basket, item, group = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    own = Baskets(basket, item, basket, group)
    pairs = np.argwhere(own.together(len(names)) > 0)
    place = np.full((len(names), len(names)), NOTHING)
    place[*pairs.T] = np.arange(len(pairs))
    return Counts(own.counted(50), own.with_item(len(names), 50), pairs, own.with_both(place, 50))


def test_lift_and_support_of_a_planted_bundle() -> None:
    """In each of 50 groups: 2 baskets of bread and butter, 1 of each, 6 of tea, of nothing else."""
    one_group = [{"bread", "butter"}] * 2 + [{"bread"}, {"butter"}] + [{"tea"}] * 6
    found = bundles(counted([(g, b) for g in range(50) for b in one_group]))
    assert found.height == 1
    row = found.row(0, named=True)
    assert (row["item"], row["other_item"], row["baskets"]) == (0, 1, 100), "bread and butter"
    assert row["support"] == pytest.approx(0.2)
    assert row["confidence"] == row["other_confidence"] == pytest.approx(2 / 3)
    assert row["lift"] == pytest.approx(0.2 / 0.3**2)


def test_one_customer_with_many_baskets_proves_nothing() -> None:
    quiet = [(g, {"a"} if n % 2 else {"b"}) for g in range(50) for n in range(4)]
    found = bundles(counted([*quiet, *[(7, {"a", "b"})] * 200]))
    assert found["q_value"].item() > 0.05


def test_items_that_are_bought_independently_are_no_bundles() -> None:
    rng = np.random.default_rng(6)
    bought = rng.random((6_000, 12)) < 0.15
    baskets = [
        (int(n % 50), {f"i{at:02}" for at in np.flatnonzero(row)} or {"none"})
        for n, row in enumerate(bought)
    ]
    found = bundles(counted(baskets)).filter(pl.col("lift") > 1)
    assert found.height > 5
    assert found.filter(pl.col("q_value") <= 0.05).height == 0


def test_a_bundle_rests_on_twenty_baskets() -> None:
    alone = [(g, {"a"}) for g in range(50)] + [(g, {"b"}) for g in range(50)]
    for times in (LEAST_BASKETS - 1, LEAST_BASKETS):
        found = bundles(counted([*alone, *((g, {"a", "b"}) for g in range(times))]))
        assert found.height == times - LEAST_BASKETS + 1


def test_nothing_bought_is_no_bundle() -> None:
    assert bundles(counted([])).is_empty()
