"""Areas of single rows, and differences of two scores of the same rows."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.methods.statistics.discrimination.paired import (
    auc,
    auc_gain,
    auc_interval,
    mean_gain,
)


def test_the_area_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(0)
    score, happened = rng.integers(0, 5, 300).astype(float), rng.random(300) < 0.3
    assert auc(score, happened) == pytest.approx(roc_auc_score(happened, score))
    found = auc_interval(score, happened)
    assert found.value == pytest.approx(auc(score, happened))
    assert found.low < found.value < found.high
    assert np.isnan(auc(score, np.zeros(300, dtype=bool)))
    assert np.isnan(auc(np.where(np.arange(300) < 1, np.nan, score), happened)), "not known of all"


def test_the_gain_has_the_variance_of_delong():
    # By its definition: the covariance of the placements of each kind over all pairs.
    rng = np.random.default_rng(1)
    happened = np.arange(60) < 25
    one, other = (happened + rng.normal(0, s, 60).round(1) for s in (0.8, 1.2))
    placements = []
    for score in (one, other):
        apart = score[happened][:, None] - score[~happened]
        wins = (apart > 0) + 0.5 * (apart == 0)
        placements.append((wins.mean(), wins.mean(axis=1), wins.mean(axis=0)))
    of_hits, of_others = (placements[0][k] - placements[1][k] for k in (1, 2))
    variance = of_hits.var(ddof=1) / 25 + of_others.var(ddof=1) / 35
    gain = auc_gain(one, other, happened)
    assert gain.value == pytest.approx(placements[0][0] - placements[1][0])
    half = (gain.high - gain.low) / 2
    assert half == pytest.approx(2.001 * np.sqrt(variance * 60 / 59), rel=1e-3)


def test_a_score_gains_nothing_over_itself():
    score, happened = np.arange(50.0), np.arange(50) % 2 == 0
    gain = auc_gain(score, score * 3, happened)
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_intervals_cover_no_difference_in_95_of_100_samples():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        happened = rng.random(200) < 0.3
        base = happened + rng.normal(size=200)
        gain = auc_gain(base + rng.normal(size=200), base + rng.normal(size=200), happened)
        covered += gain.low <= 0 <= gain.high
    assert 370 <= covered <= 392


def test_rows_of_one_group_count_as_one():
    # Each row ten times: without groups the interval would be too narrow by the root of ten.
    rng = np.random.default_rng(3)
    happened = rng.random(300) < 0.4
    one, other = (happened + rng.normal(0, s, 300) for s in (1.0, 1.3))
    alone = auc_gain(one, other, happened)
    at = np.repeat(np.arange(300), 10)
    grouped = auc_gain(one[at], other[at], happened[at], at)
    assert grouped.value == pytest.approx(alone.value)
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.01)
    naive = auc_gain(one[at], other[at], happened[at])
    assert naive.high - naive.low < 0.4 * (alone.high - alone.low)


def test_the_gain_of_a_mean_is_students():
    losses, other = np.array([1.0, 2.0, 4.0, 1.0]), np.array([2.0, 2.0, 6.0, 4.0])
    gain = mean_gain(losses, other)
    # Differences 1, 0, 2, 3: mean 1.5, standard deviation 1.291, t of 3 degrees 3.182.
    assert gain.value == 1.5
    assert gain.high - 1.5 == pytest.approx(3.182 * 1.291 / 2, rel=1e-3)
