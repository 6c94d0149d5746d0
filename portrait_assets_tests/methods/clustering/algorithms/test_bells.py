import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.mixture import GaussianMixture

from portrait_assets.methods.clustering.algorithms.bells import fit_bells, form, line_between
from portrait_assets.testing.shapes.blocks import disc, ring
from portrait_assets.testing.worlds.clusters import blobs

PAIR = blobs([[0.0, 0.0], [3.2, 0.5]], each=300, sd=1.0)
TRUTH = np.repeat([0, 1], 300)
EVEN = np.ones(2000)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_bells_are_those_of_scikit_learn() -> None:
    model = GaussianMixture(2, means_init=[[0, 0], [3.2, 0.5]], random_state=0).fit(PAIR)
    found = fit_bells(PAIR, TRUTH, PAIR)
    assert found.bic == pytest.approx(model.bic(PAIR), rel=1e-3)
    assert (found.labels == model.predict(PAIR)).mean() > 0.99
    assert found.shares.sum(axis=1) == pytest.approx(1)


def test_of_two_and_three_bells_the_right_number_has_the_least_bic() -> None:
    three = np.where(PAIR[:, 1] > 0.5, 2, TRUTH)
    assert fit_bells(PAIR, TRUTH, PAIR).bic < fit_bells(PAIR, three, PAIR).bic


def test_a_bell_that_nothing_belongs_to_does_no_harm() -> None:
    labels = np.repeat([0, 1], [598, 2])
    assert np.isfinite(fit_bells(PAIR, labels, PAIR[:300]).bic)


def test_the_line_is_that_of_the_linear_discriminant() -> None:
    stretched = PAIR @ np.array([[1.0, 2.0], [0.0, 0.5]])
    between = line_between(stretched, TRUTH, 0, 1)
    expected = LinearDiscriminantAnalysis().fit(stretched, TRUTH).transform(stretched)[:, 0]
    assert abs(np.corrcoef(between.at, expected)[0, 1]) == pytest.approx(1, abs=1e-6)
    assert between.in_first.sum() == 300


def test_a_normal_is_neither_flat_nor_bent() -> None:
    found = form(rng().normal(size=(2000, 3)) @ np.diag([1.0, 5.0, 0.1]), EVEN)
    assert found.flatness == pytest.approx(0, abs=0.06)
    assert found.flatness_beyond_chance < 3
    assert found.bend == pytest.approx(0, abs=0.01)
    assert found.bend_by_chance > 0.05


def test_a_disc_is_flat_and_a_crescent_bent() -> None:
    flat = form(disc(rng(), 2000, 0, 0, 1), EVEN)
    assert flat.flatness == pytest.approx(1 / 3, abs=0.03)
    assert flat.flatness_beyond_chance == pytest.approx(1 / 3 * np.sqrt(2000), rel=0.1)
    around = ring(rng(), 4000, 1.0, 0.05)
    bent = form(around[around[:, 1] > 0][:2000], EVEN[: (around[:, 1] > 0).sum()])
    assert bent.bend > 0.3
    assert bent.bend_by_chance < 1e-6


def test_only_what_has_weight_counts() -> None:
    points = np.vstack([rng().normal(size=(500, 2)), np.full((50, 2), 40.0)])
    weights = np.repeat([1.0, 0.0], [500, 50])
    assert form(points, weights) == pytest.approx(form(points[:500], weights[:500]))
