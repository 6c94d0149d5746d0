from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.bells import fit_bells
from portrait_assets.methods.clustering.families import FAMILIES
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.selection import bells
from portrait_assets.methods.clustering.selection.bells import Found
from portrait_assets.methods.clustering.selection.choice import choose
from portrait_assets.methods.clustering.selection.evidence import neighbourhood
from portrait_assets.methods.clustering.selection.scoring import Scored
from portrait_assets.methods.clustering.selection.second_look import look_again
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.methods.clustering.valleys.boundaries import least_contrast
from portrait_assets.testing.shapes.blocks import Data, Matrix, box, ring
from portrait_assets.testing.shapes.touching import arms, pair, path_around

BY_NAME = {family.name: family for family in FAMILIES}


def scored(family: str, labels: np.ndarray, agreement: float = 0.9) -> Scored:
    shares = np.bincount(labels) / len(labels)
    numbers = {
        "segments": float(len(shares)),
        "smallest_share": float(shares.min()),
        "agreement": agreement,
    }
    return Scored(Candidate(BY_NAME[family], 0.0, len(shares)), labels, numbers)


def look(points: Matrix, *lines: Scored, unseen: Matrix | None = None) -> Found | None:
    further = points[:0] if unseen is None else unseen
    return look_again(list(lines), neighbourhood(points), points, further, RULE)


def halves(points: Matrix) -> np.ndarray:
    return (points[:, 0] > np.median(points[:, 0])).astype(np.int64)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def two_bells() -> Data:
    return pair(rng(), (300, 300), (1.0, 1.0), 3.2)


def ring_and_bell() -> Data:
    return path_around(rng(1), 200, 1, 150, 2.2, 0.6)


@pytest.mark.slow
def test_two_bells_that_touch_are_found_without_their_number() -> None:
    points, truth = two_bells()
    found = choose(points)
    assert adjusted_rand_score(found.labels, truth) > 0.7
    assert (found.nature, found.supported) == ("separate", True)
    assert "two overlapping normals" in found.reason
    assert found.candidates.filter(found.candidates["chosen"])["score"].null_count() == 0


@pytest.mark.slow
def test_the_number_that_a_second_look_finds_is_supported_when_requested() -> None:
    assert choose(two_bells()[0], segments=2).supported


def test_arms_of_few_customers_are_found_by_the_gaps_between_them() -> None:
    points, truth = arms(rng(), 60, 3, 0.7, 0.12)
    found = look(points, scored("genie", truth), scored("k-means", halves(points)))
    assert found is not None
    assert found.line.labels is truth
    assert "lie farther apart" in found.reason


def test_gaps_need_the_agreement_of_other_families() -> None:
    points, truth = arms(rng(), 60, 3, 0.7, 0.12)
    assert look(points, scored("genie", truth, agreement=0.4)) is None


def test_a_bell_within_an_open_ring_is_found_by_its_valley() -> None:
    points, truth = ring_and_bell()
    found = look(points, scored("genie", truth, agreement=0.6))
    assert found is not None
    assert "standard errors" in found.reason


def test_a_valley_of_a_family_that_follows_no_gaps_is_not_looked_for() -> None:
    points, truth = ring_and_bell()
    line = scored("k-means", truth, agreement=0.6)
    rule = replace(RULE, second_look=replace(RULE.second_look, most_from_sphered=1))
    assert look_again([line], neighbourhood(points), points, points[:0], rule) is None


def test_a_ring_has_no_valley_between_its_halves() -> None:
    points = ring(rng(), 400, 1.0, 0.08)
    assert least_contrast(points, halves(points), RULE.second_look.valleys) < 3


@pytest.mark.parametrize("kind", ["normal", "uniform", "exponential", "laplace", "lognormal"])
@pytest.mark.parametrize("dims", [1, 2, 5])
def test_halves_of_data_without_structure_are_nothing(kind: str, dims: int) -> None:
    points = getattr(rng(1), kind)(size=(400, dims))
    lines = [scored(family, halves(points)) for family in ("mixture", "genie", "k-means")]
    assert look(points, *lines) is None


def test_pieces_of_boxes_are_no_bells() -> None:
    """Two boxes as two bells would be far likelier than one peak, but each is flat."""
    points = np.vstack([box(rng(), 400, 0, 1, 0, 1), box(rng(1), 400, 0.8, 1.8, 0.8, 1.8)])
    assert look(points, scored("mixture", np.repeat([0, 1], 400))) is None


@pytest.mark.parametrize("is_first", [True, False])
def test_one_piece_that_is_no_bell_is_enough_against_a_mixture(is_first: bool) -> None:
    labels = np.repeat([0, 1], 400)

    def gain(*pieces: Matrix) -> float:
        points = np.vstack(pieces if is_first else pieces[::-1])
        return bells._gain_of_bells(points, fit_bells(points, labels, points), RULE.second_look)

    bell, other = rng().normal(0, 0.3, (400, 2)), rng(1).normal((2.1, 0.0), 0.3, (400, 2))
    square = box(rng(1), 400, 1.6, 2.6, -0.5, 0.5)
    assert gain(bell, other) > RULE.second_look.gain_of_more
    assert gain(bell, square) == gain(square, square + 4) == -np.inf


HOW = RULE.second_look
LIMIT = SimpleNamespace(
    flatness=HOW.flat,
    flatness_beyond_chance=HOW.flat_by_errors,
    bend=HOW.bent,
    bend_by_chance=HOW.bent_by_chance,
)


@pytest.mark.parametrize(
    ("beyond", "is_bell"),
    [
        ((), True),
        (("flatness",), True),
        (("flatness_beyond_chance",), True),
        (("flatness", "flatness_beyond_chance"), False),
        (("bend",), True),
        (("bend_by_chance",), True),
        (("bend", "bend_by_chance"), False),
        (("flatness", "bend"), True),
    ],
)
def test_no_bell_is_flat_or_bent_by_size_and_beyond_chance(
    beyond: tuple[str, ...], is_bell: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each number at its limit, and then some a little beyond it: a chance below, others above."""
    found = SimpleNamespace(**vars(LIMIT))
    for name in beyond:
        step = -1e-9 if name == "bend_by_chance" else 1e-9
        setattr(found, name, getattr(found, name) + step)
    monkeypatch.setattr(bells, "form", lambda *_: found)
    assert bells._is_bell(np.zeros((1, 1)), np.ones(1), HOW) == is_bell


def test_unseen_customers_tell_bells_that_are_nearer() -> None:
    points, truth = pair(rng(1), (1500, 1500), (1.0, 1.0), 2.6)
    order = rng().permutation(3000)
    points, truth = points[order], truth[order]
    assert look(points[:400], scored("mixture", truth[:400])) is None
    assert look(points[:400], scored("mixture", truth[:400]), unseen=points[400:]) is not None


def test_of_mixtures_that_hold_the_one_with_the_least_bic_counts() -> None:
    points, truth = two_bells()
    four = truth * 2 + (points[:, 1] > np.median(points[:, 1]))
    found = look(points, scored("mixture", four), scored("mixture", truth))
    assert found is not None
    assert found.line.labels is truth


def test_in_many_dimensions_and_of_small_segments_there_is_no_second_look() -> None:
    points, truth = pair(rng(), (300, 300), (1.0, 1.0), 4.0, RULE.scoring.many_dimensions)
    assert look(points, scored("mixture", truth)) is None
    points, truth = pair(rng(), (590, 24), (1.0, 1.0), 6.0)
    assert look(points, scored("mixture", truth)) is None


def test_what_is_asked_for_is_in_the_rule() -> None:
    points, truth = two_bells()
    strict = replace(RULE, second_look=replace(RULE.second_look, gain=500.0))
    lines = [scored("mixture", truth)]
    assert look_again(lines, neighbourhood(points), points, points[:0], strict) is None
    assert look_again(lines, neighbourhood(points), points, points[:0], RULE) is not None
