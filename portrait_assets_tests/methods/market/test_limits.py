"""How many months, changes and baskets are enough, at the limit and just beside it."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import permutations

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.market import bundles, correlation, departures, seasons, trend
from portrait_assets.methods.market.decomposition import Sold
from portrait_assets.methods.market.departures import ALARM, Departure


def wave(count: int) -> np.ndarray:
    return 100 + 10 * np.sin(np.arange(count) * 2 * np.pi / 12) + np.arange(count) % 5


def test_so_many_months_are_needed():
    draw = np.random.default_rng(1).normal(size=60)
    assert seasons.seasons_of(wave(seasons.LEAST_MONTHS)) is not None
    assert seasons.seasons_of(wave(seasons.LEAST_MONTHS - 1)) is None
    assert trend.trend_of(draw[: trend.LEAST_MONTHS]) is not None
    assert trend.trend_of(draw[: trend.LEAST_MONTHS - 1]) is None
    enough = correlation.LEAST_CHANGES + 1  # a change lies between two months
    other = np.random.default_rng(2).normal(size=60)
    found = correlation.correlation_of_changes(draw[:enough], other[:enough])
    assert found is not None
    assert found.months == correlation.LEAST_CHANGES
    assert correlation.correlation_of_changes(draw[: enough - 1], other[: enough - 1]) is None


def test_the_newest_whole_years_have_the_season():
    whole, more = wave(24), np.concatenate([[9_999.0], wave(24)])
    one, other = seasons.seasons_of(whole), seasons.seasons_of(more)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.index, other.index)
    assert seasons.seasons_of(np.zeros(24)) is None, "without a level"


@pytest.mark.parametrize(
    ("p_value", "is_alarm"), [(ALARM, True), (ALARM + 1e-9, False), (0.0, True)]
)
def test_an_alarm_is_seen_once_in_a_thousand(p_value: float, is_alarm: bool):
    assert ALARM == 0.001
    assert Departure(1.0, 0.0, 0.0, 0.0, p_value).is_alarm is is_alarm


def test_months_are_judged_by_six_before_and_twelve_away_are_usual():
    usual = [10.0, 11.0, 9.0, 10.0, 11.0, 9.0]
    found = departures.departures([*usual, 10.0])
    assert [each is None for each in found] == [True] * departures.LEAST_MONTHS + [False]
    assert departures.departures([*usual[:5], None, 10.0])[-1] is None, "five were known"
    away = departures.departures([*usual * 2, *[1_000.0, 1_001.0] * 7])
    alarms = [each is not None and each.is_alarm for each in away]
    # Twelve in a row are away; from then on they are what is usual.
    assert alarms == [False] * 12 + [True] * 12 + [False] * 2
    eleven = departures.departures([*usual * 2, *[1_000.0] * 11, 10.0, 1_000.0, 1_000.0])
    for broken in eleven[-2:]:
        assert broken is not None
        assert broken.is_alarm, "the run was broken"


@pytest.mark.parametrize(
    ("quantity", "purchases", "is_sold"),
    [("1", 1, True), ("0", 1, False), ("1", 0, False), ("-1", 1, False), ("0.01", 1, True)],
)
def test_an_item_is_sold_by_quantity_and_purchases(quantity: str, purchases: int, is_sold: bool):
    assert Sold(Decimal(5), Decimal(quantity), purchases).is_sold is is_sold


def baskets(together: int, one: int = 50) -> pl.DataFrame:
    """Two items in 1,000 baskets of ten groups."""
    both = np.zeros((1, 10), dtype=np.int64)
    both[0, :2] = together - together // 2, together // 2
    single = np.array([[one // 10] * 10, [10] * 10])
    return bundles.bundles(bundles.Counts(np.full(10, 100), single, np.array([[0, 1]]), both))


def test_a_bundle_and_each_of_its_items_are_in_twenty_baskets():
    assert bundles.LEAST_BASKETS == 20
    assert (baskets(20).height, baskets(19).height) == (1, 0)
    assert (baskets(20, one=20).height, baskets(20, one=10).height) == (1, 0)
    (row,) = baskets(20).iter_rows(named=True)
    assert row["support"] == 0.02
    assert (row["confidence"], row["other_confidence"]) == (20 / 50, 20 / 100)
    assert row["lift"] == pytest.approx(0.02 / (0.05 * 0.1))
    assert row["q_value"] == row["p_value"], "two items in so many baskets are one pair to test"


@pytest.mark.parametrize(("groups", "height"), [(1, 0), (2, 1)])
def test_two_groups_of_customers_say_how_sure_a_bundle_is(groups: int, height: int):
    every, single, both = np.zeros(3, int), np.zeros((2, 3), int), np.zeros((1, 3), int)
    every[:groups], single[:, :groups], both[:, :groups] = 100, 30, 20
    found = bundles.bundles(bundles.Counts(every, single, np.array([[0, 1]]), both))
    assert found.height == height


def test_the_variance_of_a_trend_with_ties_is_that_of_all_orders():
    """Every order of the months is as likely where there is no trend (M. Kendall 1975)."""
    values = np.array([3.0, 0, 2, 0, 2, 0, 1, 1])  # Months alternate, so none resembles the last.
    first, second = np.triu_indices(8, 1)
    orders = np.array(list(permutations(values)))
    scores = np.sign(orders[:, second] - orders[:, first]).sum(axis=1)
    score = np.sign(values[second] - values[first]).sum()
    found = trend.trend_of(values)
    assert found is not None
    assert score < -1
    z = (abs(score) - 1) / scores.std()
    assert found.p_value == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-9)


def test_months_that_resemble_those_before_vary_a_score_more():
    """Of 20 in order the correlation of ranks is 0.85, corrected to more than is believed."""
    expected = 1 + 2 * sum((1 - lag / 20) * 0.95**lag for lag in range(1, 20))
    assert trend._inflation(np.arange(20.0)) == pytest.approx(expected)
    assert trend._inflation(np.resize([1.0, -1.0], 20)) == 1
    assert trend._inflation(np.ones(20)) == 1


def test_no_more_changes_are_independent_than_there_are():
    """One series swings and the other drifts: by the product of both there would be more."""
    draw = np.random.default_rng(3)
    swings = np.resize([1.0, -1.0], 24) + 0.5 * draw.normal(size=24)
    drifts = np.sin(np.arange(24) / 3) + 0.5 * draw.normal(size=24)
    one, other = (np.concatenate([[0.0], np.cumsum(each)]) for each in (swings, drifts))
    found = correlation.correlation_of_changes(one, other)
    assert found is not None
    value = np.corrcoef(swings, drifts)[0, 1]
    half = 1.959964 / math.sqrt(24 - 3)
    assert found.value == pytest.approx(value)
    assert found.low == pytest.approx(np.tanh(np.arctanh(value) - half), abs=1e-6)
    assert found.high == pytest.approx(np.tanh(np.arctanh(value) + half), abs=1e-6)
