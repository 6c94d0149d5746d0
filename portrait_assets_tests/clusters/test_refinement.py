import numpy as np
import pytest

from portrait_assets.clusters.choice import choose
from portrait_assets.clusters.evidence import adjusted_rand
from portrait_assets.clusters.refinement import Split, refine
from portrait_assets_tests.clusters.worlds import Matrix, blobs, two_rings

PAIRS = blobs([[0.0, 0.0], [3.0, 0.0], [40.0, 0.0], [43.0, 0.0]], each=200)
TWO = np.repeat([0, 1], 400)


def by_sign(above: float, valley: float, second: float, points: Matrix) -> Split:
    labels = (points[:, 0] > points[:, 0].mean()).astype(np.int64)
    return Split(labels, above, valley, second)


def test_groups_of_groups_are_split_again() -> None:
    refined = refine(PAIRS, TWO, lambda p: by_sign(0.5 if np.ptp(p[:, 0]) > 3 else 0.0, 1, 0.5, p))
    assert adjusted_rand(refined, np.repeat([0, 1, 2, 3], 200)) > 0.99


def test_an_unclear_split_is_not_made() -> None:
    for above, valley, second in [(0.05, 1.0, 0.5), (0.2, -0.1, 0.5), (0.5, 1.0, 0.1)]:
        refined = refine(PAIRS, TWO, lambda p, a=above, v=valley, s=second: by_sign(a, v, s, p))
        assert (refined == TWO).all()


def test_curves_are_left_alone() -> None:
    points, truth = two_rings(400)
    assert (refine(points, truth, lambda p: by_sign(0.9, 9.0, 0.5, p)) == truth).all()


@pytest.mark.slow
def test_far_groups_do_not_hide_the_groups_within() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 2.2, (6, 8)) + np.repeat([[0.0], [25.0]], 3, axis=0)
    points = blobs(centres.tolist(), each=200, sd=1.0)
    assert adjusted_rand(choose(points).labels, np.repeat(np.arange(6), 200)) > 0.85
