"""Dips on every way between segments: an arc has none between its halves, two groups have one."""

from dataclasses import replace

import numpy as np
import pytest

from portrait_assets.methods.clustering.families import FAMILIES
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.selection.choice import _Chooser
from portrait_assets.methods.clustering.selection.scoring import Scored
from portrait_assets.methods.clustering.selection.winner import Proof, Winner
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.methods.clustering.valleys.boundaries import find_boundaries
from portrait_assets.methods.clustering.valleys.ridges import _saddle, dips
from portrait_assets.testing.shapes.blocks import Matrix
from portrait_assets.testing.worlds.clusters import blobs, two_rings

RULES = RULE.ridges


def arc(rows: int, dims: int, seed: int = 0) -> Matrix:
    """A bent band of even density in a plane, and noise in further dimensions."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0.2 * np.pi, 0.9 * np.pi, rows), rng.uniform(2.6, 3.4, rows)
    noise = rng.normal(0, 0.3, (rows, dims - 2))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), noise])


def halves_of(points: Matrix) -> np.ndarray:
    angle = np.arctan2(points[:, 1], points[:, 0])
    halves: np.ndarray = (angle > np.median(angle)).astype(np.int64)
    return halves


def deepest(points: Matrix, labels: np.ndarray) -> float:
    return max(dips(points, labels, RULES), default=-np.inf)


def test_the_halves_of_an_arc_have_a_valley_on_a_straight_line_and_no_dip() -> None:
    points = arc(6000, 5)
    labels = halves_of(points)
    lines = find_boundaries(points[:1500], labels[:1500], points[1500:], RULE.boundaries)
    assert lines[0].p_value < 1e-4
    assert deepest(points[:1500], labels[:1500]) < RULES.dip


@pytest.mark.parametrize("dims", [2, 5])
def test_two_groups_have_a_dip_between_them(dims: int) -> None:
    centres = np.zeros((2, dims))
    centres[1, 0] = 5.0
    points = blobs(centres.tolist(), each=300, sd=1.0)
    assert deepest(points, np.repeat([0, 1], 300)) > RULES.dip_of_weak


def test_two_rings_have_a_dip_between_them() -> None:
    points, labels = two_rings(300)
    assert deepest(points, labels) > RULES.dip_of_weak


def test_where_segments_are_too_small_nothing_is_measured() -> None:
    points = blobs([[0.0, 0.0], [9.0, 0.0]], each=8)
    assert list(dips(points, np.repeat([0, 1], 8), RULES)) == []


def test_the_saddle_is_the_lowest_point_of_the_best_way() -> None:
    """From point 0 to point 4 by 1, 2 and 3, or by 5: the lowest counts are 3 and 2."""
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [0, 5], [5, 4]])
    counts = np.array([9.0, 5.0, 3.0, 6.0, 8.0, 2.0])
    first, second = np.arange(6) == 0, np.arange(6) == 4
    assert _saddle(pairs, counts, 8.0, (first, second)) == 3.0
    assert _saddle(pairs[1:5], counts, 8.0, (first, second)) == 0.0


def test_a_winner_without_a_dip_is_not_apart_and_the_reason_says_why() -> None:
    chooser = _Chooser(RULE, seed=0)
    points = arc(1000, 5)
    line = Scored(Candidate(FAMILIES[0], 0.0, 2), halves_of(points), {"segments": 2.0})
    winner = Winner(line, Proof(1e-6, 1.0), is_real=True)
    assert not chooser.is_apart(winner, points)
    assert "on straight lines only" in chooser.why_one(winner)
    assert not chooser.is_apart(winner._replace(is_real=False), points)
    many = np.column_stack([points, np.zeros((1000, RULE.scoring.many_dimensions))])
    assert chooser.is_apart(winner, many)


def test_a_weak_valley_needs_a_deeper_dip() -> None:
    points = blobs([[0.0, 0.0], [3.5, 0.0]], each=150, sd=1.0)
    labels = np.repeat([0, 1], 150)
    rule = replace(RULE, ridges=replace(RULES, dip=deepest(points, labels), dip_of_weak=99.0))
    line = Scored(Candidate(FAMILIES[0], 0.0, 2), labels, {"segments": 2.0})
    strong, weak = Winner(line, Proof(1e-6, 1.0), True), Winner(line, Proof(0.1, 1.0), True)
    assert _Chooser(rule, seed=0).is_apart(strong, points)
    assert not _Chooser(rule, seed=0).is_apart(weak, points)
