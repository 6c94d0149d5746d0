"""What is measured from counts is what scikit-learn measures from customers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from portrait_assets.methods.statistics import resampling
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.discrimination.scores import Counts, resampled, sampled
from portrait_assets.methods.statistics.resampling import GROUPS

RNG = np.random.default_rng(3)
SIZE, BUCKETS = 4_000, 5


def world() -> tuple[np.ndarray, np.ndarray, np.ndarray, Counts]:
    """Customers with a score of five levels, hits that follow it, and their counts."""
    score = RNG.integers(0, BUCKETS, SIZE)
    predicted = (score + 0.5) / BUCKETS
    hit = (RNG.random(SIZE) < predicted).astype(float)
    group = RNG.integers(0, GROUPS, SIZE)
    sums = (np.ones(SIZE), hit, hit * 3, predicted, predicted**2, predicted * hit)
    cells = np.zeros((len(sums), GROUPS, BUCKETS))
    for row, values in enumerate(sums):
        np.add.at(cells[row], (group, score), values)
    return score, predicted, hit, resampled(cells)


def one_group(customers: list[float], hits: list[float]) -> Counts:
    """The counts of a sample that is all in one group."""
    return sampled(np.array([[customers], [hits]], dtype=float))


def test_auc_and_brier_score_are_those_of_the_customers():
    score, predicted, hit, counts = world()
    assert scores.auc(counts)[0] == pytest.approx(roc_auc_score(hit, score))
    assert scores.brier(counts)[0] == pytest.approx(brier_score_loss(hit, predicted))
    constant = np.full(SIZE, hit.mean())
    base = scores.brier_of_base_rate(counts)[0]
    assert base == pytest.approx(brier_score_loss(hit, constant))


def test_the_area_of_hanley_and_mcneil_1982():
    """Their 109 tomographic images, rated from definitely normal to definitely abnormal."""
    normal, abnormal = np.array([33, 6, 6, 11, 2]), np.array([3, 2, 2, 11, 33])
    counts = one_group((normal + abnormal).tolist(), abnormal.tolist())
    assert scores.auc(counts)[0] == pytest.approx(0.893, abs=5e-4)


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
    assert scores.lift_of_top(one_group([80, 20], [0, 20]))[0] == pytest.approx(5.0)


def test_the_top_tenth_brings_its_share_of_the_amount():
    cells = np.array([[[90, 10]], [[0, 0]], [[60, 40]]], dtype=float)
    assert scores.amount_of_top(sampled(cells))[0] == pytest.approx(0.4)


def test_a_prediction_of_the_rate_is_calibrated_and_one_of_another_is_not():
    cells = np.array([[[10]], [[3]], [[0]], [[3]]], dtype=float)
    assert scores.calibration_error(sampled(cells))[0] == pytest.approx(0)
    cells[3] *= 2
    assert scores.calibration_error(sampled(cells))[0] == pytest.approx(0.3)


def test_merged_buckets_are_added_up_and_a_rate_of_nobody_is_none():
    counts = one_group([4, 0, 6], [1, 0, 3])
    assert counts.rates[0].tolist() == [0.25, pytest.approx(np.nan, nan_ok=True), 0.5]
    assert counts.merged([0, 1, 1]).customers.tolist() == [[4, 6]]


def test_only_groups_with_customers_are_drawn():
    cells = np.zeros((2, GROUPS, 1))
    cells[:, [3, 7], 0] = 10
    drawn = resampled(cells, np.array([3, 7])).customers
    assert (drawn == 20).all()


def test_without_hits_nothing_is_measured():
    cells = np.zeros((2, GROUPS, 2))
    cells[0, :3] = 10
    found = resampling.interval(scores.auc(resampled(cells, np.arange(3))))
    assert np.isnan([found.value, found.low, found.high]).all()


@pytest.mark.parametrize("customers", [200, 400, 1_000])
def test_a_calibrated_score_is_within_what_calibration_gives_by_chance(customers: int):
    """An error of 0.05 and more is common among few customers, all of them calibrated."""
    rng, size = np.random.default_rng(5), customers // 20
    probability = (np.arange(20) + 0.5) / 20
    errors, beyond = [], []
    for _ in range(200):
        hits = rng.binomial(size, probability)
        rows = np.stack([np.full(20, size), hits, np.zeros(20), size * probability])
        counts = sampled(rows[:, None, :].astype(float))
        error = scores.calibration_error(counts)[0]
        errors.append(error)
        beyond.append(error > np.quantile(scores.calibration_error_by_chance(counts), 0.975))
    assert np.mean(beyond) <= 0.05
    if customers == 200:
        assert np.mean(errors) > 0.05


def test_an_error_beyond_chance_is_seen():
    size, probability = 50, (np.arange(20) + 0.5) / 20
    rows = np.stack([np.full(20, size), size * probability**2, np.zeros(20), size * probability])
    counts = sampled(rows[:, None, :].astype(float))
    by_chance = scores.calibration_error_by_chance(counts)
    assert scores.calibration_error(counts)[0] > by_chance[-1]


def test_buckets_of_nobody_change_no_error():
    rows = np.array([[30.0, 20.0], [9.0, 15.0], [0.0, 0.0], [10.0, 14.0]])
    some = sampled(rows[:, None, :])
    with_empty = sampled(np.insert(rows, 1, 0.0, axis=1)[:, None, :])
    assert scores.calibration_error(with_empty)[0] == pytest.approx((1 + 1) / 50)
    by_chance = scores.calibration_error_by_chance(with_empty)
    np.testing.assert_array_equal(by_chance, scores.calibration_error_by_chance(some))
