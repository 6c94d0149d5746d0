"""Intervals of areas under curves hold what they promise, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from portrait_assets.methods.statistics.discrimination.roc import (
    auc_gain,
    auc_intervals,
    auc_p_values,
)
from portrait_assets.methods.statistics.resampling import GROUPS

SAMPLES = 4_000


def drawn(
    area: float, hits: int, others: int, buckets: int = 20, samples: int = SAMPLES
) -> tuple[np.ndarray, np.ndarray, float]:
    """Samples of normal scores in buckets of equal size, and the area of all that they are from."""
    rng = np.random.default_rng(7)
    moved = norm.ppf(area) * np.sqrt(2)
    everyone = np.concatenate(
        [rng.normal(moved, 1, 200_000 * hits // (hits + others)), rng.normal(0, 1, 200_000)]
    )
    edges = np.r_[-np.inf, np.quantile(everyone, np.arange(1, buckets) / buckets), np.inf]
    of_hits, of_others = np.diff(norm.cdf(edges - moved)), np.diff(norm.cdf(edges))
    true = (of_hits * (np.cumsum(of_others) - of_others / 2)).sum()
    counts = rng.multinomial(hits, of_hits, samples), rng.multinomial(others, of_others, samples)
    return counts[0].astype(float), counts[1].astype(float), float(true)


@pytest.mark.parametrize("area", [0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize(("hits", "others"), [(20, 180), (20, 1_980), (50, 450), (300, 700)])
def test_95_of_100_intervals_hold_the_area(area: float, hits: int, others: int):
    counts = drawn(area, hits, others)
    _, low, high = auc_intervals(*counts[:2])
    covered = np.mean((low <= counts[2]) & (counts[2] <= high))
    assert 0.94 <= covered <= 0.99


@pytest.mark.parametrize("buckets", [2, 3, 5])
def test_so_do_those_of_tags_with_few_values(buckets: int):
    hits, others, true = drawn(0.75, 30, 300, buckets)
    _, low, high = auc_intervals(hits, others)
    assert np.mean((low <= true) & (true <= high)) >= 0.94


def test_the_area_is_that_of_scikit_learn_and_lies_in_its_interval():
    hits, others, _ = drawn(0.8, 40, 160, samples=50)
    area, low, high = auc_intervals(hits, others)
    for row in range(50):
        scores = np.repeat(np.tile(np.arange(20), 2), np.r_[hits[row], others[row]].astype(int))
        is_hit = np.repeat([1, 0], [40, 160])
        assert area[row] == pytest.approx(roc_auc_score(is_hit, scores))
    assert ((low <= area) & (area <= high)).all()


def test_hits_that_all_score_highest_leave_room_for_doubt():
    area, low, high = auc_intervals(np.array([[0.0, 20.0]]), np.array([[180.0, 0.0]]))
    assert area[0] == high[0] == 1
    assert 0.8 < low[0] < 0.9


def test_without_hits_or_with_one_score_there_is_no_interval():
    hits = np.array([[0.0, 0.0], [0.0, 20.0]])
    others = np.array([[9.0, 9.0], [0.0, 80.0]])
    _, low, high = auc_intervals(hits, others)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert np.isnan(auc_p_values(hits, others)).all()


def test_p_values_are_even_where_a_score_says_nothing():
    p_values = auc_p_values(*drawn(0.5, 30, 300)[:2])
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.015)
    assert auc_p_values(*drawn(0.7, 100, 300)[:2]).max() < 0.05


def cells(score: np.ndarray, hit: np.ndarray, group: np.ndarray, buckets: int) -> np.ndarray:
    """Customers and hits by group and bucket of a standard normal score."""
    bucket = np.minimum(norm.cdf(score) * buckets, buckets - 1).astype(int)
    counted = np.zeros((2, GROUPS, buckets))
    np.add.at(counted[0], (group, bucket), 1)
    np.add.at(counted[1], (group, bucket), hit)
    return counted


def test_the_gain_over_another_score_of_the_same_customers_has_a_95_percent_interval():
    """Two scores that are alike but for noise: their areas are the same, and so is the gain, 0."""
    rng, size, covered, widths, apart = np.random.default_rng(1), 600, [], [], []
    for _ in range(400):
        hit = rng.random(size) < 0.1
        shared = rng.normal(size=size) + hit
        group = rng.integers(0, GROUPS, size)
        one, two = (cells((shared + rng.normal(size=size)) / 1.5, hit, group, 10) for _ in range(2))
        gain = auc_gain(one, two)
        covered.append(gain.low <= 0 <= gain.high)
        widths.append(gain.high - gain.low)
        areas = auc_intervals(one[1].sum(axis=0)[None], (one[0] - one[1]).sum(axis=0)[None])
        apart.append(2 * (areas[2] - areas[1])[0] / np.sqrt(2))
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)
    assert np.mean(widths) < np.mean(apart), "narrower than if customers were not the same"


def test_the_gain_of_few_groups_has_the_error_of_their_sum():
    """Three groups of two customers: the one hit of each is first by the tag and last by the other.

    Of the third group the tag has both in the lower bucket.
    """
    tag = np.array([[[1, 1], [1, 1], [2, 0]], [[0, 1], [0, 1], [1, 0]]], dtype=float)
    other = np.array([[[1, 1], [1, 1], [1, 1]], [[1, 0], [1, 0], [1, 0]]], dtype=float)
    found = auc_gain(tag, other)
    assert found.value == pytest.approx(5 / 6)
    # Influences: hits beat 1, 1 and 1/2 of the others, who are beaten by 5/6 each.
    apart = np.array([1 - 5 / 6, 1 - 5 / 6, 0.5 - 5 / 6]) / 3
    half = student.ppf(0.975, 2) * np.sqrt((apart**2).sum() * 3 / 2)
    assert found.high - found.value == pytest.approx(half)
    assert found.value - found.low == pytest.approx(half)


def test_the_interval_of_a_gain_is_that_of_the_influence_of_each_group():
    """Placements of DeLong et al. counted pair by pair, added up by group."""
    rng = np.random.default_rng(4)
    hit, group = rng.random(60) < 0.4, rng.integers(0, 3, 60)
    scores = [rng.integers(0, 5, 60) + shift * hit for shift in (2, 1)]
    areas, influence = [], np.zeros(60)
    for sign, score in zip((1, -1), scores, strict=True):
        wins = (score[hit][:, None] > score[~hit]) + 0.5 * (score[hit][:, None] == score[~hit])
        areas.append(wins.mean())
        influence[hit] += sign * (wins.mean(axis=1) - wins.mean()) / hit.sum()
        influence[~hit] += sign * (wins.mean(axis=0) - wins.mean()) / (~hit).sum()
    sums = np.array([influence[group == each].sum() for each in range(3)])
    half = student.ppf(0.975, 2) * np.sqrt(3 / 2 * (sums**2).sum())
    found = auc_gain(*(cells(norm.ppf((s + 0.5) / 7), hit, group, 7) for s in scores))
    gain = areas[0] - areas[1]
    assert (found.value, found.low, found.high) == pytest.approx((gain, gain - half, gain + half))
