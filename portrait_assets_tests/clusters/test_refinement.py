from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.selection.choice import choose
from portrait_assets.methods.clustering.selection.refinement import Split
from portrait_assets.methods.clustering.selection.refinement import refine as refine_by
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.testing.cluster_worlds import Matrix, blobs, two_rings

PAIRS = blobs([[0.0, 0.0], [3.0, 0.0], [40.0, 0.0], [43.0, 0.0]], each=200)
NOBODY = np.zeros((0, 2))
TWO = np.repeat([0, 1], 400)

BestSplit = Callable[[Matrix, Matrix], Split | None]


def refine(points: Matrix, unseen: Matrix, labels: np.ndarray, best_split: BestSplit) -> np.ndarray:
    return refine_by(points, unseen, labels, best_split, RULE.refinement)


def by_sign(p_value: float, second: float, points: Matrix) -> Split:
    labels = (points[:, 0] > points[:, 0].mean()).astype(np.int64)
    return Split(labels, p_value, second)


def test_groups_of_groups_are_split_again() -> None:
    refined = refine(
        PAIRS, NOBODY, TWO, lambda p, _: by_sign(1e-9 if np.ptp(p[:, 0]) > 3 else 1.0, 0.5, p)
    )
    assert adjusted_rand_score(refined, np.repeat([0, 1, 2, 3], 200)) > 0.99


def test_an_unclear_split_is_not_made() -> None:
    for p_value, second in [(0.05, 0.5), (1e-9, 0.1)]:

        def split(points: Matrix, _: Matrix, p: float = p_value, s: float = second) -> Split:
            return by_sign(p, s, points)

        refined = refine(PAIRS, NOBODY, TWO, split)
        assert (refined == TWO).all()


def test_the_unseen_are_given_with_the_segment_that_they_are_near_to() -> None:
    unseen = np.array([[0.5, 0.0], [41.0, 0.0], [42.0, 0.0]])
    given: list[int] = []
    refine(PAIRS, unseen, TWO, lambda _, u: given.append(len(u)))
    assert given == [1, 2]


def test_curves_are_left_alone() -> None:
    points, truth = two_rings(400)
    assert (refine(points, NOBODY, truth, lambda p, _: by_sign(1e-9, 0.5, p)) == truth).all()


@pytest.mark.slow
def test_far_groups_do_not_hide_the_groups_within() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 2.2, (6, 8)) + np.repeat([[0.0], [25.0]], 3, axis=0)
    points = blobs(centres.tolist(), each=200, sd=1.0)
    assert adjusted_rand_score(choose(points).labels, np.repeat(np.arange(6), 200)) > 0.85
