"""Bells that decide: more of them than a first winner has segments, and long ones side by side."""

import numpy as np
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.families import FAMILIES
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.families.mixture import sphered
from portrait_assets.methods.clustering.selection.bells import from_sphered, more_bells
from portrait_assets.methods.clustering.selection.scoring import Scored
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.testing.shapes.blocks import Data, box, gaussians
from portrait_assets.testing.shapes.touching import cigars

BY_NAME = {family.name: family for family in FAMILIES}


def scored(family: str, labels: np.ndarray) -> Scored:
    shares = np.bincount(labels) / len(labels)
    numbers = {"segments": float(len(shares)), "smallest_share": float(shares.min())}
    return Scored(Candidate(BY_NAME[family], 0.0, len(shares)), labels, numbers)


def two_pairs() -> Data:
    """Four normals: two that overlap, far from two others that do."""
    centres = [[0.0, 0.0], [3.6, 0.0], [30.0, 0.0], [33.6, 0.0]]
    return gaussians(np.random.default_rng(0), centres, 300, 1.0)


def test_a_mixture_of_more_bells_takes_the_place_of_two_far_groups() -> None:
    points, truth = two_pairs()
    first, four = scored("genie", truth // 2), scored("mixture", truth)
    found = more_bells(first, [first, four], points, points[:0], RULE)
    assert found is not None
    assert found.line is four
    assert "two overlapping normals" in found.reason


def test_as_many_bells_or_cuts_through_bells_do_not() -> None:
    points, truth = two_pairs()
    two, four = scored("mixture", truth // 2), scored("mixture", truth)
    assert more_bells(scored("genie", truth), [two, four], points, points[:0], RULE) is None
    cut = scored("mixture", truth // 2 * 2 + (points[:, 1] > 0))
    assert more_bells(scored("genie", truth // 2), [cut], points, points[:0], RULE) is None


def test_pieces_of_a_box_beside_a_group_do_not() -> None:
    rng = np.random.default_rng(0)
    points = np.vstack([box(rng, 600, 0, 4, 0, 1), rng.normal([20, 0], 1.0, (300, 2))])
    pieces = np.r_[(points[:600, 0] > 2).astype(np.int64), np.full(300, 2)]
    first = scored("genie", pieces // 2)
    line = scored("mixture", pieces)
    assert more_bells(first, [line], points, points[:0], RULE) is None


def test_long_bells_side_by_side_are_found_from_sphered_points() -> None:
    points, truth = cigars(np.random.default_rng(1), (250, 250), 4.0, 4.0)
    two = next(line for line in from_sphered([], points, 0, RULE) if line.number("segments") == 2)
    assert adjusted_rand_score(truth, two.labels) > 0.7


def test_sphered_points_have_the_identity_as_covariance_and_flat_directions_stay_flat() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(200, 2)) @ np.array([[5.0, 1.0], [0.0, 0.2]])
    assert np.allclose(np.cov(sphered(points).T), np.eye(2))
    flat = sphered(np.column_stack([points, np.ones(200)]))
    assert np.sort(flat.std(axis=0))[0] < 1e-6
