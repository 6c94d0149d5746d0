import numpy as np
import pytest

from portrait_assets.methods.clustering.selection.evidence import (
    agreement,
    neighbourhood,
    pairwise_recovery,
    purity,
    separation,
)
from portrait_assets.testing.worlds.clusters import blobs

FAR = blobs([[0.0, 0.0], [9.0, 0.0]], each=100)
HALVES = np.repeat([0, 1], 100)
ONE_CLOUD = blobs([[0.0, 0.0]], each=200)
LEFT_RIGHT = (ONE_CLOUD[:, 0] > 0).astype(np.int64)


def test_agreement_needs_two_other_families() -> None:
    similar = np.array([[1, 0.9, 0.2, 0.9], [0.9, 1, 0.2, 1], [0.2, 0.2, 1, 0.2], [0.9, 1, 0.2, 1]])
    found = agreement(similar, ["k-means", "ward", "genie", "ward"])
    assert found.tolist() == pytest.approx([0.2, 0.2, 0.2, 0.2])


def test_two_far_groups_are_pure_and_separate() -> None:
    near = neighbourhood(FAR)
    assert purity(near, HALVES) == 1.0
    assert separation(near, HALVES) > 0.8


def test_a_cut_through_one_cloud_is_neither() -> None:
    near = neighbourhood(ONE_CLOUD)
    assert purity(near, LEFT_RIGHT) < 0.97
    assert separation(near, LEFT_RIGHT) < 0.0


def test_recovery_is_high_for_real_groups_and_low_for_thrown_dice() -> None:
    assert pairwise_recovery(FAR, HALVES) == {0: 1.0, 1: 1.0}
    dice = np.random.default_rng(0).integers(0, 2, 200)
    assert max(pairwise_recovery(FAR, dice).values()) < 0.75
