"""Families of clusterings: each is one object, found by being in the package; so is a new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.families import FAMILIES, find_families
from portrait_assets.methods.clustering.families.family import Candidate, Family, label_means
from portrait_assets.methods.clustering.final_fit import fit_prototypes
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.selection.candidates import (
    candidates_for,
    fit_candidates,
    fit_one,
)
from portrait_assets.methods.clustering.selection.choice import Choice
from portrait_assets.methods.clustering.selection.scoring import candidates_table, scored
from portrait_assets.methods.clustering.selection_rule import RULE, Compared, SelectionRule
from portrait_assets.testing.worlds.clusters import Labels, as_features, blobs, two_rings

CORNERS = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
TRUTH = np.repeat([0, 1, 2], 100)
BY_NAME = {family.name: family for family in FAMILIES}

BY_ANGLE = '''
from dataclasses import dataclass

import numpy as np

from portrait_assets.methods.clustering.families.family import Family


@dataclass(frozen=True, eq=False)
class ByAngle(Family):
    """Equal sectors around the origin, from the first axis on."""

    def fit(self, sample, parameter, k):
        x, y = sample.points[:, 0], sample.points[:, 1]
        return (np.arctan2(y, x) % (2 * np.pi) * k / (2 * np.pi)).astype(np.int64)

    def supports(self, rows, dims, k):
        return dims == 2 and k <= 4


FAMILY = ByAngle("by angle", order=-1)
'''


@pytest.fixture(scope="module")
def by_angle(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """A family that somebody added as one file of a package."""
    folder = tmp_path_factory.mktemp("added") / "added_families"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "by_angle.py").write_text(BY_ANGLE)
    (folder / "helper.py").write_text("NOT_A_FAMILY = 1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder.parent))
        (found,) = find_families([str(folder)], "added_families")
    return found


def with_family(family: Family) -> SelectionRule:
    return replace(RULE, compared=Compared(families=(*FAMILIES, family)))


def in_quadrants(each: int = 60) -> np.ndarray:
    return blobs([[3.0, 3.0], [-3.0, 3.0], [-3.0, -3.0], [3.0, -3.0]], each)


def three_segments(family: Family) -> Candidate:
    """The family's candidate by the middle of its parameters."""
    parameter = family.parameters[len(family.parameters) // 2]
    return Candidate(family, parameter, 0 if family.finds_number else 3)


def chosen(candidate: Candidate, labels: Labels) -> Choice:
    """A choice of labels, whose numbers do not matter."""
    return Choice(candidate, labels, candidates_table([], None), "", True, "separate")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_finds_three_clear_groups(family: Family) -> None:
    assert adjusted_rand_score(fit_one(blobs(CORNERS), three_segments(family)), TRUTH) > 0.98


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_keeps_its_segments_when_refitted_to_more_customers(family: Family) -> None:
    order = np.random.default_rng(0).permutation(1800)
    points, truth = blobs(CORNERS, each=600)[order], np.repeat([0, 1, 2], 600)[order]
    small, candidate = points[:300], three_segments(family)
    labels = fit_one(small, candidate)
    prototypes = fit_prototypes(points, chosen(candidate, labels), 0, RULE.final_fit)
    nearest = prototypes.segments[nearest_rows(points, prototypes.centres)]
    assert adjusted_rand_score(nearest, truth) > 0.98
    assert adjusted_rand_score(candidate.assign(points, small, labels), truth) > 0.98


def test_a_label_s_mean_is_of_its_points_in_the_order_of_labels() -> None:
    points = np.array([[9.0, 1.0], [0.0, 0.0], [1.0, 0.0], [5.0, 3.0]])
    assert label_means(points, np.array([7, 2, 2, 2])).tolist() == [[2.0, 1.0], [9.0, 1.0]]


def test_few_rows_have_few_candidates() -> None:
    assert max(c.k for c in candidates_for(60, 2, RULE.compared)) <= 12
    names = {c.family.name for c in candidates_for(60, 40, RULE.compared)}
    assert "ward" in names
    assert "mixture" not in names
    assert not {"density", "dbscan"} & {c.family.name for c in candidates_for(9, 2, RULE.compared)}
    assert any(c.k == 17 for c in candidates_for(60, 2, RULE.compared, also=17))


def test_a_file_in_the_package_is_a_family_that_is_compared_chosen_and_assigned(
    by_angle: Family,
) -> None:
    points = in_quadrants()
    features, uses = as_features(points)
    model = fit_model(features, uses, geometry="coordinates", rule=with_family(by_angle))
    tried = model.candidates.filter(family="by angle")
    assert sorted(tried["k"].to_list()) == [2, 3, 4]
    assert (model.algorithm, len(model.segment_ids)) == ("by angle", 4)
    assert tried.filter("chosen")["k"].to_list() == [4]
    assert model.reason.startswith("by angle with 4 segments: stability 1.000")
    segments = assign(model, features)["segment_id"].to_numpy()
    assert adjusted_rand_score(segments - 1, np.repeat(np.arange(4), 60)) == 1.0


def test_a_family_that_is_no_evidence_speaks_for_no_other(by_angle: Family) -> None:
    """Two others must agree with Ward: Genie does, and the added one where it is evidence."""
    points = in_quadrants()
    ward = Candidate(BY_NAME["ward"], 0, 4)
    agreements = {}
    for is_evidence in (True, False):
        added = Candidate(replace(by_angle, is_evidence=is_evidence), 0, 4)
        lines = scored(fit_candidates(points, [ward, Candidate(BY_NAME["genie"], 0.3, 4), added]))
        agreements[is_evidence] = lines[0].number("agreement")
    assert agreements == {True: 1.0, False: -1.0}


def test_a_family_of_centroids_has_one_prototype_per_segment() -> None:
    points, truth = two_rings()
    counts = {}
    for name in ("k-means", "genie"):
        choice = chosen(Candidate(BY_NAME[name], 0.3, 2), truth)
        counts[name] = len(fit_prototypes(points, choice, 0, RULE.final_fit).centres)
    assert counts["k-means"] == 2
    assert counts["genie"] > 2


def test_two_families_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "twice_families"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name in ("one", "other"):
        (folder / f"{name}.py").write_text(BY_ANGLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        with pytest.raises(ValueError, match="the same name"):
            find_families([str(folder)], "twice_families")
