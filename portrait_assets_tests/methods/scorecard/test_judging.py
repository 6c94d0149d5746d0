"""Cross-validation is honest, and the curves are those counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.scorecard.judging.crossvalidation import Judged, cross_validate
from portrait_assets.methods.scorecard.judging.curves import credit_curve, vintages
from portrait_assets.methods.scorecard.judging.trees import matrix_of, trees
from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets_tests.methods.scorecard.worlds import loans


@pytest.fixture(scope="module")
def judged() -> Judged:
    return cross_validate(*loans(), CardRules())


def test_measures_are_those_of_scores_of_other_rows(judged: Judged):
    bads, probability = judged.bads, judged.probability
    assert judged.card.auc.value == pytest.approx(roc_auc_score(bads, probability), abs=0.002)
    assert judged.card.brier.value == pytest.approx(brier_score_loss(bads, probability))
    cuts = np.unique(probability)
    apart = [abs((probability[bads] <= c).mean() - (probability[~bads] <= c).mean()) for c in cuts]
    assert judged.card.ks.value == pytest.approx(max(apart), abs=0.005)
    for measure in (judged.card.auc, judged.card.ks, judged.card.brier):
        assert measure.low < measure.value < measure.high
    gap = judged.trees.auc.value - judged.card.auc.value
    assert judged.gain.value == pytest.approx(gap)
    assert judged.gain.low < gap < judged.gain.high


def test_the_card_knows_something_and_is_calibrated(judged: Judged):
    assert judged.card.auc.low > 0.6
    assert judged.card.brier.value < judged.base_rate_brier
    assert judged.probability.mean() == pytest.approx(judged.bads.mean(), rel=0.05)


def test_shuffled_outcomes_are_not_predicted():
    frame, outcome = loans()
    shuffled = np.random.default_rng(1).permutation(outcome)
    found = cross_validate(frame, shuffled, CardRules())
    assert found.card.auc.value == pytest.approx(0.5, abs=0.04)
    assert found.trees.auc.low < 0.5 < found.trees.auc.high + 0.02


def test_rows_without_an_outcome_are_not_judged():
    frame, outcome = loans(400)
    outcome[::4] = np.nan
    found = cross_validate(frame.select("income"), outcome, CardRules())
    assert found.known.tolist() == [n for n in range(400) if n % 4]
    assert len(found.bads) == len(found.score) == 300


def test_a_table_without_inputs_is_the_base_rate():
    outcome = np.array([0.0, 0.0, 1.0] * 40)
    found = cross_validate(pl.DataFrame({"one": [1] * 120}), outcome, CardRules())
    assert found.card.auc.value == 0.5
    assert found.trees.auc.value == 0.5
    assert found.card.brier.value == pytest.approx(found.base_rate_brier, abs=0.002)


def test_the_same_seed_gives_the_same_numbers():
    frame, outcome = loans(400)
    first, again, other = (
        cross_validate(frame.select("debt"), outcome, replace(CardRules(), seed=seed))
        for seed in (0, 0, 1)
    )
    assert first.card == again.card
    assert first.card != other.card


def test_ten_bad_rows_are_one_sentence():
    frame, _ = loans(200)
    with pytest.raises(ScorecardError, match="Only 10 of 200 known rows have the outcome 1"):
        cross_validate(frame, np.array([1.0] * 10 + [0.0] * 190), CardRules())


def test_trees_take_numbers_words_and_nulls():
    frame = pl.DataFrame(
        {
            "x": [1.0, None] * 50,
            "w": ["a", "b"] * 50,
            "nothing": [None] * 100,
            "high": [float("inf"), 2.0, 1.0, float("nan")] * 25,
        }
    )
    matrix, are_text = matrix_of(frame)
    assert are_text == [False, True, False]
    assert matrix[:3, 2].tolist() == [2, 2, 1]
    bads = np.array([True, False] * 50)
    found = trees(matrix[:80], are_text, bads[:80], matrix[80:], seed=0)
    assert (found > 0.9).tolist() == bads[80:].tolist()
    nothing = np.full((80, 1), np.nan)
    assert trees(nothing, [False], bads[:80], nothing, seed=0).tolist() == [0.5] * 80


def test_the_credit_curve_by_hand():
    found = credit_curve(
        pl.Series([500, 500, 520, 540]),
        pl.Series([0.4, 0.4, 0.2, 0.1]),
        pl.Series([1, 0, 1, None]),
    )
    assert found["cut"].to_list() == [500, 520, 540]
    assert found["approved"].to_list() == [4, 2, 1]
    assert found["approval_share"].to_list() == [1, 0.5, 0.25]
    assert found["expected_bad_rate"].to_list() == pytest.approx([0.275, 0.15, 0.1])
    assert found["known"].to_list() == [3, 1, 0]
    assert found["actual_bad_rate"].to_list() == [2 / 3, 1, None]
    low, high = wilson(np.array([2]), np.array([3]))
    assert (found["low"][0], found["high"][0]) == (low[0], high[0])
    assert found["low"][2] is None


def test_cuts_of_a_step_are_its_multiples():
    score = pl.Series([501, 519, 521])
    found = credit_curve(score, pl.Series([0.1] * 3), pl.Series([0, 1, 0]), step=20)
    assert found["cut"].to_list() == [500, 520]
    assert found["approved"].to_list() == [3, 1]


def test_vintages_by_hand():
    month = pl.Series(["2024-02", "2024-01", "2024-01", *["2024-02"] * 99])
    outcome = pl.Series([1, 0, None, *[1] * 99])
    probability = pl.Series([0.1, 0.2, 0.4, *[0.1] * 99])
    found = vintages(month, probability, outcome)
    assert found["month"].to_list() == ["2024-01", "2024-02"]
    assert found["rows"].to_list() == [2, 100]
    assert found["expected_bad_rate"].to_list() == pytest.approx([0.3, 0.1])
    assert found["expected_of_known"].to_list() == pytest.approx([0.2, 0.1])
    assert found["actual_bad_rate"].to_list() == [0, 1]
    assert found["is_apart"].to_list() == [False, True]
    assert found["months_on_book"].null_count() == 2


def test_vintages_by_months_on_book():
    found = vintages(
        pl.Series(["2024-01"] * 3),
        pl.Series([0.5] * 3),
        pl.Series([None, 0, 1]),
        pl.Series([3, 6, 6]),
    )
    assert found.select("months_on_book", "known", "bads").rows() == [(3, 0, 0), (6, 2, 1)]
    assert found["is_apart"].to_list() == [None, False]
