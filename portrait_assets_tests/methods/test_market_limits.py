"""How many months, changes and baskets are enough, at the limit and just beside it."""

from __future__ import annotations

from decimal import Decimal

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
    eleven = departures.departures([*usual * 2, *[1_000.0] * 11, 10.0, 1_000.0])
    assert eleven[-1] is not None
    assert eleven[-1].is_alarm, "the run was broken"


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
