"""Probabilities that come true, without a row changing places."""

import numpy as np
import pytest

from portrait_assets.methods.prediction.calibration import calibrated, fit_curve
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.evidence.proof import by_tenth
from portrait_assets.methods.prediction.fitting import fit_number
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets_tests.methods.prediction.world import World, world


def expit(margin: np.ndarray) -> np.ndarray:
    probability: np.ndarray = 1 / (1 + np.exp(-margin))
    return probability


def test_a_margin_that_is_wrong_by_scale_and_shift_is_set_right():
    rng = np.random.default_rng(0)
    truth = rng.normal(-2, 1.5, 40_000)
    outcome = (rng.random(len(truth)) < expit(truth)).astype(float)
    curve = fit_curve(3 * truth + 2, outcome)
    others = rng.normal(-2, 1.5, 40_000)
    error = expit(curve(3 * others + 2)) - expit(others)
    assert np.abs(error).mean() < 0.01
    assert np.abs(error).max() < 0.06
    # Without it the probabilities are far off.
    assert np.abs(expit(3 * others + 2) - expit(others)).mean() > 0.1


def test_a_curve_has_a_hundred_levels_at_most():
    """The later a row, the more often it happens: no two hundreds of rows are alike."""
    place = np.arange(40_000.0)
    happened = np.floor((place + 1) ** 2 / 80_000) > np.floor(place**2 / 80_000)
    assert len(fit_curve(place, happened.astype(float)).margins) == 100


def test_what_is_predicted_happens_to_those_that_were_calibrated_on(
    strangers: World, models: dict[str, PredictionModel]
):
    for model in models.values():
        found = calibrated(model, strangers.frame, strangers.outcome).probability(strangers.frame)
        assert found.mean() == pytest.approx(strangers.outcome.mean(), abs=1e-9)


def test_the_rate_of_each_tenth_of_others_is_what_was_predicted(
    strangers: World, models: dict[str, PredictionModel]
):
    others = world(10_000, seed=7)
    model = calibrated(models["logistic"], strangers.frame, strangers.outcome)
    tenths = by_tenth(model.probability(others.frame), others.outcome.astype(float))
    assert tenths["rows"].to_list() == [1_000] * 10
    assert np.abs(tenths["predicted"] - tenths["happened"]).max() < 0.06
    assert tenths["happened"].to_list()[0] > 0.85
    assert tenths["happened"].to_list()[-1] < 0.15


def test_no_two_rows_change_places(strangers: World, models: dict[str, PredictionModel]):
    for model in models.values():
        margins = np.sort(model.margin(strangers.frame))
        curve = fit_curve(model.margin(strangers.frame), strangers.outcome.astype(float))
        assert (np.diff(curve(margins)) >= -1e-12).all()
        assert np.isfinite(curve(np.array([-1e6, 1e6]))).all()


def test_of_few_events_only_the_mean_is_learned():
    margins = np.linspace(-1, 1, 200)
    outcome = (np.arange(200) >= 180).astype(float)
    curve = fit_curve(margins, outcome)
    moved = curve(margins) - margins
    assert np.ptp(moved) < 1e-9
    assert expit(curve(margins)).mean() == pytest.approx(0.1, abs=1e-9)


def test_nobody_is_certain():
    margins = np.linspace(-1, 1, 4_000)
    outcome = (margins > 0).astype(float)
    found = expit(fit_curve(margins, outcome)(margins))
    assert 0 < found.min() < 0.02
    assert 0.98 < found.max() < 1


def test_outcomes_of_one_kind_and_numbers_are_not_calibrated_on(
    people: World, models: dict[str, PredictionModel]
):
    with pytest.raises(PredictionError, match="outcomes of one kind"):
        calibrated(models["logistic"], people.frame, np.ones(people.frame.height))
    number = fit_number(people.frame, people.number, "linear")
    with pytest.raises(PredictionError, match="only probabilities are calibrated"):
        calibrated(number, people.frame, people.outcome)
