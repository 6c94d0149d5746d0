"""Each further look of a choice, by data that are chosen otherwise without it."""

import numpy as np
import pytest

from portrait_assets.methods.clustering.families.mixture import SPHERED
from portrait_assets.methods.clustering.selection.choice import choose
from portrait_assets.testing.shapes.touching import cigars
from portrait_assets_tests.methods.clustering.algorithms.test_ridges import arc
from portrait_assets_tests.methods.clustering.selection.test_more_bells import two_pairs


@pytest.mark.slow
def test_of_two_pairs_that_overlap_four_are_found_and_not_the_two_that_lie_apart() -> None:
    points, _ = two_pairs()
    assert choose(points).labels.max() + 1 == 4


def test_counts_are_no_segments_on_their_grid() -> None:
    counts = np.random.default_rng(0).poisson(2, (400, 2)).astype(float)
    assert choose(counts).labels.max() == 0


def test_few_different_counts_are_few_customers_to_tell_apart() -> None:
    counts = np.random.default_rng(1).poisson(2, (300, 1)).astype(float)
    found = choose(counts)
    assert found.labels.max() == 0
    assert found.reason == f"{len(np.unique(counts))} different customers are too few to tell apart"


@pytest.mark.slow
def test_a_valley_on_straight_lines_alone_cuts_no_arc() -> None:
    points = arc(6_000, 2)
    assert choose(points[:600], unseen=points[600:]).labels.max() == 0


@pytest.mark.slow
def test_what_starts_from_sphered_points_is_compared_and_shown_as_others_are() -> None:
    points, _ = cigars(np.random.default_rng(1), (250, 250), 4.0, 4.0)
    found = choose(points)
    assert found.candidate is not None
    assert found.candidate.family is SPHERED
    (chosen,) = found.candidates.filter(found.candidates["chosen"]).rows(named=True)
    assert chosen["family"] == SPHERED.name
    assert chosen["agreement"] > 0.5
    assert not choose(points, segments=7).supported
