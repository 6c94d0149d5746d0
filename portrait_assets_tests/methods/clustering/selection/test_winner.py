import numpy as np
import pytest

from portrait_assets.methods.clustering.families import genie, kmeans
from portrait_assets.methods.clustering.families.family import Candidate, Family
from portrait_assets.methods.clustering.selection.scoring import Scored
from portrait_assets.methods.clustering.selection.winner import Proof, find_winner
from portrait_assets.methods.clustering.selection_rule import RULE

MANY_DIMENSIONS = RULE.scoring.many_dimensions


def line(family: Family, k: int, stability: float, agreement: float) -> Scored:
    """A candidate of k segments of the same size."""
    numbers = {
        "segments": float(k),
        "smallest_share": 1 / k,
        "largest_share": 1 / k,
        "stability": stability,
        "agreement": agreement,
        "score": stability + agreement,
    }
    return Scored(Candidate(family, 0, k), np.arange(400) % k, numbers)


GROUPS_OF_GROUPS = [
    line(genie.FAMILY, 2, stability=0.99, agreement=0.95),
    line(kmeans.FAMILY, 8, stability=0.98, agreement=0.6),
    line(kmeans.FAMILY, 9, stability=0.91, agreement=0.6),
    line(kmeans.FAMILY, 12, stability=0.98, agreement=0.5),
]


def prove(line: Scored) -> Proof:
    """Everything but the twelve has valleys all around."""
    return Proof(1e-9, 0.3 if line.candidate.k == 12 else 1.0)


@pytest.mark.parametrize(("dims", "segments"), [(2, 2), (MANY_DIMENSIONS, 8)])
def test_in_many_dimensions_stable_and_clear_centres_need_no_agreement(
    dims: int, segments: int
) -> None:
    winner = find_winner(GROUPS_OF_GROUPS, prove, RULE, dims)
    assert winner is not None
    assert winner.line.candidate.k == segments
    assert winner.by_centres == (segments == 8)


def test_without_any_valley_many_dimensions_change_nothing() -> None:
    winner = find_winner(GROUPS_OF_GROUPS, lambda _: Proof(0.5, 0.0), RULE, MANY_DIMENSIONS)
    assert winner is not None
    assert not winner.is_real


@pytest.mark.parametrize(("clear_share", "segments"), [(0.9, 5), (0.65, 2)])
def test_cuts_must_be_clear_where_they_are_made(clear_share: float, segments: int) -> None:
    """Half of the customers stay as they were: that they are apart says nothing of the cuts."""
    rings = line(genie.FAMILY, 2, stability=1.0, agreement=1.0)
    cut = line(kmeans.FAMILY, 5, stability=0.99, agreement=0.96)
    cut.labels[:] = np.where(rings.labels == 0, 0, 1 + np.arange(400) // 2 % 4)
    winner = find_winner(
        [rings, cut], lambda given: Proof(1e-9, 1.0 if given is rings else clear_share), RULE
    )
    assert winner is not None
    assert winner.line.candidate.k == segments


TOP = 1.96
NEAR, EVENLY_NEAR = TOP - RULE.winning.near_score, TOP - RULE.winning.near_score_of_even
LARGEST, CLEAR = RULE.winning.dominant_share, RULE.winning.least_clear_share
STABLE, MOSTLY_CLEAR = RULE.winning.very_stable, RULE.winning.mostly_clear


def segments_found(*lines: Scored, dims: int = 1, **clear: float) -> int:
    """How many the winner has, where the candidates of so many segments are so clear."""
    winner = find_winner(
        [*lines], lambda given: Proof(1e-9, clear.get(f"of_{given.candidate.k}", 1.0)), RULE, dims
    )
    assert winner is not None
    return winner.line.candidate.k


def with_numbers(line: Scored, **numbers: float) -> Scored:
    line.numbers.update(numbers)
    return line


@pytest.mark.parametrize(
    ("largest", "score", "clear", "largest_of_even", "segments"),
    [
        (LARGEST, EVENLY_NEAR, CLEAR, 0.5, 2),
        (LARGEST + 1e-6, EVENLY_NEAR, CLEAR, 0.5, 3),
        (LARGEST + 1e-6, EVENLY_NEAR - 1e-6, CLEAR, 0.5, 2),
        (LARGEST + 1e-6, EVENLY_NEAR, CLEAR - 1e-6, 0.5, 2),
        (LARGEST + 1e-6, EVENLY_NEAR, CLEAR, LARGEST, 3),
        (LARGEST + 1e-6, EVENLY_NEAR, CLEAR, LARGEST + 1e-6, 2),
    ],
)
def test_a_dominant_segment_gives_way_to_even_and_clear_ones_of_nearly_the_score(
    largest: float, score: float, clear: float, largest_of_even: float, segments: int
) -> None:
    two = with_numbers(line(genie.FAMILY, 2, 1.0, 0.96), largest_share=largest)
    three = line(genie.FAMILY, 3, 0.9, 0.9)
    three = with_numbers(three, score=score, largest_share=largest_of_even)
    assert segments_found(two, three, of_3=clear) == segments


@pytest.mark.parametrize(("largest", "segments"), [(LARGEST, 3), (LARGEST + 1e-6, 2)])
def test_more_segments_alike_in_score_win_unless_one_is_dominant(
    largest: float, segments: int
) -> None:
    two, three = line(genie.FAMILY, 2, 1.0, 0.96), line(genie.FAMILY, 3, 0.99, 0.96)
    assert segments_found(two, with_numbers(three, largest_share=largest)) == segments


@pytest.mark.parametrize(
    ("stability", "score", "clear", "segments"),
    [
        (STABLE, NEAR, MOSTLY_CLEAR, 5),
        (STABLE - 1e-6, NEAR, MOSTLY_CLEAR, 2),
        (STABLE, NEAR - 1e-6, MOSTLY_CLEAR, 2),
        (STABLE, NEAR, MOSTLY_CLEAR - 1e-6, 2),
    ],
)
def test_more_segments_win_where_they_are_stable_near_and_mostly_clear(
    stability: float, score: float, clear: float, segments: int
) -> None:
    two = line(genie.FAMILY, 2, 1.0, 0.96)
    five = with_numbers(line(genie.FAMILY, 5, stability, 0.9), score=score)
    assert segments_found(two, five, of_5=clear) == segments


@pytest.mark.parametrize(("clear", "segments"), [(0.6, 3), (0.61, 5)])
def test_more_segments_must_have_more_clear_ones(clear: float, segments: int) -> None:
    """Of three all are clear: five of which three are clear are no gain."""
    three, five = line(genie.FAMILY, 3, 1.0, 0.96), line(genie.FAMILY, 5, 0.99, 0.9)
    assert segments_found(three, five, of_5=clear) == segments


@pytest.mark.parametrize(
    ("stability", "clear", "centres", "segments"),
    [
        (STABLE, CLEAR, 4, 4),
        (STABLE - 1e-6, CLEAR, 4, 3),
        (STABLE, CLEAR - 1e-6, 4, 3),
        (STABLE, CLEAR, 2, 3),
    ],
)
def test_centres_of_no_fewer_segments_win_in_many_dimensions_where_stable_and_clear(
    stability: float, clear: float, centres: int, segments: int
) -> None:
    three = line(genie.FAMILY, 3, 1.0, 0.96)
    centred = line(kmeans.FAMILY, centres, stability, 0.1)
    clears = {f"of_{centres}": clear}
    assert segments_found(three, centred, dims=MANY_DIMENSIONS, **clears) == segments
    assert segments_found(three, centred, dims=MANY_DIMENSIONS - 1, **clears) == 3


@pytest.mark.parametrize(("clear", "segments"), [(RULE.winning.clear_part, 4), (0.24, 3)])
def test_of_candidates_alike_the_most_segments_win_that_are_clear_enough(
    clear: float, segments: int
) -> None:
    three, four = line(genie.FAMILY, 3, 0.9, 0.9), line(genie.FAMILY, 4, 0.89, 0.9)
    assert segments_found(three, four, of_4=clear) == segments
