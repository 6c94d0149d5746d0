import numpy as np
import pytest
from scipy.stats import binom

from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.methods.clustering.valleys.boundaries import (
    Boundary,
    Windows,
    _valley_probability,
    find_boundaries,
)
from portrait_assets.testing.worlds.clusters import Matrix, blobs, two_rings


def boundaries(points: Matrix, labels: np.ndarray, unseen: Matrix) -> list[Boundary]:
    return find_boundaries(points, labels, unseen, RULE.boundaries)


def clearest(points: Matrix, labels: np.ndarray, unseen: Matrix) -> float:
    return min((found.p_value for found in boundaries(points, labels, unseen)), default=1.0)


def test_between_two_groups_lies_a_valley() -> None:
    centres = [[0.0, 0.0], [4.0, 0.0]]
    known, unseen = blobs(centres, each=100, sd=1.0), blobs(centres, each=100, sd=1.0, seed=1)
    assert clearest(known, np.repeat([0, 1], 100), unseen) < 1e-4


def test_around_a_ring_lies_a_valley() -> None:
    (known, labels), (unseen, _) = two_rings(300), two_rings(300, seed=1)
    assert clearest(known, labels, unseen) < 1e-6


@pytest.mark.parametrize("kind", ["normal", "uniform", "exponential"])
@pytest.mark.parametrize("dims", [1, 2, 6])
def test_within_data_without_structure_lies_none(kind: str, dims: int) -> None:
    rng = np.random.default_rng(3)
    turned = rng.normal(size=(dims, dims))
    points = getattr(rng, kind)(size=(3000, dims)) @ turned
    known, unseen = points[:1000], points[1000:]
    labels = (known[:, 0] > np.median(known[:, 0])).astype(np.int64)
    assert clearest(known, labels, unseen) > 0.01


def test_each_segment_has_boundaries_with_its_neighbours_only() -> None:
    points = blobs([[0.0, 0.0], [5.0, 0.0], [10.0, 0.0]], each=60)
    found = boundaries(points, np.repeat([0, 1, 2], 60), points)
    assert [(boundary.first, boundary.second) for boundary in found] == [(0, 1), (1, 2)]


def test_equal_customers_have_no_clear_boundary() -> None:
    assert clearest(np.ones((40, 2)), np.repeat([0, 1], 20), np.ones((40, 2))) == 1.0


def test_a_valley_is_as_sure_as_against_the_lower_of_its_sides() -> None:
    """Ten in two bins between 60 in three and 30 in two."""
    cumulated = np.array([0, 20, 40, 60, 65, 70, 90, 100], dtype=float)
    found = _valley_probability(cumulated, Windows((0, 3), (3, 5), (5, 7)))
    assert found == pytest.approx(binom.cdf(10, 40, 2 / 4))
    assert found > binom.cdf(10, 70, 2 / 5)
