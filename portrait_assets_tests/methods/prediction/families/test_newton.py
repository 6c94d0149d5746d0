"""Newton's steps end where the loss is least, wherever they begin and however many columns."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families import newton
from portrait_assets.methods.prediction.families.newton import Logistic

RNG = np.random.default_rng(4)
DESIGN = RNG.normal(size=(600, 8)) * np.linspace(0.1, 3, 8)
OUTCOME = (RNG.random(600) < 1 / (1 + np.exp(1.5 - DESIGN @ np.linspace(-1, 1, 8)))).astype(float)
ZEROS = np.zeros(9)


def fit_logistic(design: Floats, outcome: Floats, strength: float, start: Floats) -> Floats:
    return Logistic(design, outcome).fit(strength, start)


def gradient(found: Floats, strength: float) -> Floats:
    """Of the penalised loss, by hand."""
    apart = 1 / (1 + np.exp(-(DESIGN @ found[:-1] + found[-1]))) - OUTCOME
    return np.append(DESIGN.T @ apart + found[:-1] / strength, apart.sum())


@pytest.mark.parametrize("strength", [0.001, 0.1, 10.0])
def test_the_coefficients_are_those_of_scikit_learn(strength: float):
    oracle = LogisticRegression(C=strength, tol=1e-12, max_iter=1_000).fit(DESIGN, OUTCOME)
    found = fit_logistic(DESIGN, OUTCOME, strength, ZEROS)
    assert found == pytest.approx([*oracle.coef_[0], oracle.intercept_[0]], abs=1e-4)
    assert np.abs(gradient(found, strength)).max() < 1e-5


def test_where_the_steps_begin_changes_nothing():
    found = fit_logistic(DESIGN, OUTCOME, 0.1, ZEROS)
    for start in (np.full(9, 5.0), fit_logistic(DESIGN, OUTCOME, 0.01, ZEROS)):
        assert fit_logistic(DESIGN, OUTCOME, 0.1, start) == pytest.approx(found, abs=5e-7)


def test_what_was_fitted_before_on_the_same_rows_changes_nothing():
    rows = Logistic(DESIGN, OUTCOME)
    before = rows.fit(10.0, ZEROS)
    for strength in (0.001, 0.1, 10.0):
        alone = fit_logistic(DESIGN, OUTCOME, strength, ZEROS)
        assert rows.fit(strength, before) == pytest.approx(alone, abs=1e-6)


def test_a_curvature_serves_until_a_step_promises_too_little(monkeypatch: pytest.MonkeyPatch):
    counted: list[float] = []
    curved = Logistic._curved

    def counting(self: Logistic, margin: Floats) -> Floats:
        counted.append(float(np.abs(margin).max()))
        return curved(self, margin)

    monkeypatch.setattr(Logistic, "_curved", counting)
    rows = Logistic(DESIGN, OUTCOME)
    found = rows.fit(0.1, ZEROS)
    far, near = len(counted), rows.fit(0.11, found)
    assert (far, len(counted)) == (4, 4)
    assert near != pytest.approx(found, abs=1e-7)
    monkeypatch.setattr(newton, "SLOW", 0.0)
    assert rows.fit(0.1, ZEROS) == pytest.approx(found, abs=1e-6)
    assert len(counted) > far + 2


def test_the_curvature_is_that_of_all_rows_in_whatever_blocks(monkeypatch: pytest.MonkeyPatch):
    at_once = fit_logistic(DESIGN, OUTCOME, 0.1, ZEROS)
    monkeypatch.setattr(newton, "BLOCK", 7)
    assert fit_logistic(DESIGN, OUTCOME, 0.1, ZEROS) == pytest.approx(at_once, abs=1e-7)


def test_many_columns_are_solved_by_gradients_to_the_same_end(monkeypatch: pytest.MonkeyPatch):
    by_newton = fit_logistic(DESIGN, OUTCOME, 0.1, ZEROS)
    monkeypatch.setattr(newton, "MOST_BY_NEWTON", 7)
    assert fit_logistic(DESIGN, OUTCOME, 0.1, ZEROS) == pytest.approx(by_newton, abs=1e-3)


def test_a_column_that_gives_the_outcome_away_has_a_finite_coefficient():
    found = fit_logistic(OUTCOME[:, None] - 0.5, OUTCOME, 10.0, np.zeros(2))
    # By hand: with x = y - 1/2 half of each row's error pulls, and the prior pulls back.
    errors = 1 / (1 + np.exp(found[0] / 2 + found[1] * np.sign(OUTCOME - 0.5)))
    assert found[0] == pytest.approx(10.0 * errors.sum() / 2, rel=1e-4)
    assert found[0] < 30
