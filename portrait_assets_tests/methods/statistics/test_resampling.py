"""What is measured from counts is what it would be from customers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from portrait_assets.methods.statistics import resampling, scores
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.methods.statistics.scores import Counts

RNG = np.random.default_rng(3)
SIZE, BUCKETS = 4_000, 5


def world() -> tuple[np.ndarray, np.ndarray, np.ndarray, Counts]:
    """Customers with a score of five levels, hits that follow it, and their counts."""
    score = RNG.integers(0, BUCKETS, SIZE)
    said = (score + 0.5) / BUCKETS
    hit = (RNG.random(SIZE) < said).astype(float)
    group = RNG.integers(0, GROUPS, SIZE)
    cells = np.zeros((6, GROUPS, BUCKETS))
    for row, values in enumerate((np.ones(SIZE), hit, hit * 3, said, said**2, said * hit)):
        np.add.at(cells[row], (group, score), values)
    return score, said, hit, scores.resampled(cells, np.arange(GROUPS))


def test_auc_and_brier_score_are_those_of_the_customers():
    score, said, hit, counts = world()
    assert scores.auc(counts)[0] == pytest.approx(roc_auc_score(hit, score))
    assert scores.brier(counts)[0] == pytest.approx(brier_score_loss(hit, said))


def test_the_interval_holds_the_value_and_is_as_wide_as_the_bootstrap_of_customers():
    score, _, hit, counts = world()
    found = resampling.interval(scores.auc(counts))
    assert found.low < found.value < found.high
    drawn = []
    for _ in range(200):
        chosen = RNG.integers(0, SIZE, SIZE)
        drawn.append(roc_auc_score(hit[chosen], score[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.high - found.low == pytest.approx(high - low, rel=0.35)


def test_a_bucket_that_the_top_tenth_cuts_through_gives_in_proportion():
    cells = np.zeros((6, GROUPS, 2))
    cells[0, 0] = [80, 20]
    cells[1, 0] = [0, 20]
    counts = scores.resampled(cells, np.array([0]))
    assert scores.lift_of_top(counts)[0] == pytest.approx(5.0)


def test_what_says_the_rate_that_comes_is_calibrated_and_what_says_another_is_not():
    cells = np.zeros((6, GROUPS, 1))
    for group in range(GROUPS):
        cells[:, group, 0] = [10, 3, 0, 3, 0.9, 0.9]
    true = scores.resampled(cells, np.arange(GROUPS))
    assert scores.calibration_error(true)[0] == pytest.approx(0)
    cells[3] *= 2
    false = scores.resampled(cells, np.arange(GROUPS))
    assert scores.calibration_error(false)[0] == pytest.approx(0.3)


def test_without_hits_nothing_is_measured():
    cells = np.zeros((6, GROUPS, 2))
    cells[0, :3] = 10
    found = resampling.interval(scores.auc(scores.resampled(cells, np.arange(3))))
    assert np.isnan([found.value, found.low, found.high]).all()
