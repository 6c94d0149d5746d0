from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.selection.choice import choose
from portrait_assets.methods.clustering.selection.refinement import (
    Split,
    _candidates,
    _without_strays,
)
from portrait_assets.methods.clustering.selection.refinement import refine as refine_by
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.testing.worlds.clusters import Matrix, blobs, two_rings

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


@pytest.mark.parametrize(
    ("p_value", "second", "is_clear"),
    [
        (RULE.refinement.clear, 0.5, False),
        (RULE.refinement.clear / 2, RULE.refinement.second_share, True),
        (RULE.refinement.clear / 2, RULE.refinement.second_share - 0.01, False),
    ],
)
def test_a_split_is_clear(p_value: float, second: float, is_clear: bool) -> None:
    assert Split(TWO, p_value, second).is_clear(RULE.refinement) is is_clear


def test_segments_are_split_so_many_levels_deep() -> None:
    """Each split takes the right end off, as long as there is one."""
    rule = replace(RULE.refinement, depth=3, fewest_rows=1, compact=0.0, stray_share=0.0, few=99)
    points = np.column_stack([np.repeat(np.arange(9.0), 20), np.zeros(180)])

    def ends(of: Matrix, _: Matrix) -> Split | None:
        last = of[:, 0] == of[:, 0].max()
        return None if last.all() else Split(last.astype(np.int64), 1e-9, 0.5)

    found = refine_by(points, NOBODY, np.zeros(180, dtype=np.int64), ends, rule)
    assert [int(found[20 * at]) for at in range(9)] == [0] * 6 + [3, 2, 1]


def test_segments_are_looked_into_from_so_many_rows_on_and_where_they_are_compact() -> None:
    fewest = RULE.refinement.fewest_rows
    line = np.column_stack([np.linspace(0, 1, fewest), np.zeros(fewest)])
    points = np.vstack([line, line[:-1] + np.array([100.0, 0.0])])
    labels = np.repeat([0, 1], [fewest, fewest - 1])
    assert _candidates(points, labels, RULE.refinement) == [0]
    apart = replace(RULE.refinement, fewest_rows=1)
    mixed = np.tile([0, 1], fewest)[: len(points)]
    assert _candidates(points, labels, apart) == [0, 1]
    assert _candidates(points, mixed, apart) == []
    # Among more than a few segments only those that are large beside the others.
    sizes = [30, 30, 30, 44, 45]
    four = np.repeat(np.arange(5), sizes)
    places = np.column_stack([four * 10.0, np.zeros(len(four))])
    large = replace(apart, large=1.5, few=3)
    assert _candidates(places, four, large) == [4]
    assert _candidates(places, four, replace(large, few=5)) == [0, 1, 2, 3, 4]


def test_parts_too_small_to_act_on_join_their_neighbours() -> None:
    rule = replace(RULE.refinement, stray_share=0.02, stray_part=1.0)
    labels = np.repeat([0, 1, 2, 3], [50, 46, 2, 1]).astype(np.int64)
    labels = np.append(labels, 0)
    points = np.column_stack(
        [np.repeat([0.0, 10.0, 20.0, 11.0, 0.0], [50, 46, 2, 1, 1]), labels * 0]
    )
    found = _without_strays(points, labels, rule)
    # Two of a hundred are enough; the one between the others goes to the nearest.
    assert np.bincount(found).tolist() == [51, 47, 2]
    assert found[98] == 1
