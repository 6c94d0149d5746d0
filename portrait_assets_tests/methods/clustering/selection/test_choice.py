from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.selection.choice import Choice, _Chooser, choose
from portrait_assets.methods.clustering.selection.scoring import CANDIDATES_SCHEMA
from portrait_assets.methods.clustering.selection.winner import Proof
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.testing.worlds.clusters import blobs, two_rings

CORNERS = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]
TRUTH = np.repeat([0, 1, 2, 3], 60)


@pytest.fixture(scope="module")
def four() -> Choice:
    return choose(blobs(CORNERS, each=60))


def test_four_clear_groups_are_found(four: Choice) -> None:
    assert adjusted_rand_score(four.labels, TRUTH) > 0.98
    assert four.supported


def test_every_candidate_is_in_the_table_and_one_is_chosen(four: Choice) -> None:
    table = four.candidates
    assert dict(table.schema) == CANDIDATES_SCHEMA
    assert {"k-means", "mixture", "ward", "genie", "density", "dbscan"} <= set(table["family"])
    assert table["chosen"].sum() == 1
    assert table["chosen"][0]


def test_a_silhouette_is_never_without_shares(four: Choice) -> None:
    shown = four.candidates.filter(pl.col("silhouette").is_not_null())
    assert shown.height > 0
    assert shown["smallest_share"].null_count() == shown["largest_share"].null_count() == 0


def test_the_reason_states_the_numbers(four: Choice) -> None:
    for word in ("stability", "agreement", "smallest share", "4 segments", "valley"):
        assert word in four.reason


def test_a_split_has_the_share_of_its_second_largest_part() -> None:
    corners = [*CORNERS[:1] * 6, *CORNERS[1:2] * 3, CORNERS[2]]
    found = _Chooser(RULE, 0).best_split(blobs(corners, each=30), np.zeros((0, 2)))
    assert found is not None
    assert sorted(np.bincount(found.labels)) == [30, 90, 180]
    assert found.second_share == 0.3


@pytest.mark.slow
def test_rings_are_found_without_their_number() -> None:
    points, truth = two_rings()
    assert adjusted_rand_score(choose(points).labels, truth) == 1.0


@pytest.mark.parametrize(
    "kind",
    [
        "uniform",
        pytest.param("gaussian", marks=pytest.mark.slow),
        pytest.param("exponential", marks=pytest.mark.slow),
    ],
)
def test_data_without_structure_are_one_segment(kind: str) -> None:
    rng = np.random.default_rng(4)
    draw = {"gaussian": "normal", "uniform": "uniform", "exponential": "exponential"}[kind]
    choice = choose(getattr(rng, draw)(size=(400, 2)))
    assert choice.labels.max() == 0
    assert "no separate segments" in choice.reason
    assert not choice.supported


def test_a_number_that_data_do_not_bear_out_is_made_but_not_supported() -> None:
    points = blobs(CORNERS[:2], each=80)
    choice = choose(points, segments=5)
    assert len(np.unique(choice.labels)) == 5
    assert not choice.supported
    assert "the data support 2 segments" in choice.reason


def test_the_right_number_is_supported_when_requested() -> None:
    choice = choose(blobs(CORNERS[:2], each=80), segments=2)
    assert choice.supported
    assert "was asked for and the data support it" in choice.reason


def test_a_handful_of_customers_is_one_segment() -> None:
    choice = choose(np.random.default_rng(0).normal(size=(10, 3)))
    assert choice.labels.tolist() == [0] * 10
    assert "too few" in choice.reason


def test_equal_customers_are_one_segment() -> None:
    assert choose(np.ones((50, 2))).labels.max() == 0


@pytest.mark.slow
def test_same_points_and_seed_choose_the_same() -> None:
    points = blobs(CORNERS[:3], each=50, sd=0.8)
    first, second = choose(points, seed=3), choose(points, seed=3)
    assert first.candidates.equals(second.candidates)
    assert (first.labels == second.labels).all()


@pytest.mark.parametrize(
    ("halves", "whole"),
    [
        ([Proof(0.25, 0.5), Proof(0.125, 1.0)], Proof(0.25, 0.75)),
        ([Proof(0.75, 0.0), Proof(0.625, 0.5)], Proof(1.0, 0.25)),
    ],
)
def test_of_two_halves_the_clearer_valley_counts_at_twice_its_probability(
    halves: list[Proof], whole: Proof
):
    """Bonferroni's bound: either of two may be clear by chance."""
    rule = SimpleNamespace(samples=SimpleNamespace(fewest_rows=4))
    left = iter(halves)
    chooser: Any = SimpleNamespace(
        rule=rule,
        refit=lambda known, candidate: np.zeros(len(known), dtype=np.int64),
        proof=lambda known, labels, other: next(left),
    )
    line: Any = SimpleNamespace(candidate=SimpleNamespace(k=2), labels=None)
    points, unseen = np.zeros((5, 1)), np.zeros((1, 1))
    assert _Chooser.prove(chooser, points, line, unseen) == whole
