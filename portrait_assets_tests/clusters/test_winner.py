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
