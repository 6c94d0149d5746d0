import numpy as np
import pytest

from portrait_assets.methods.clustering.selection.families import (
    Candidate,
    candidates_for,
    fit_candidates,
)
from portrait_assets.methods.clustering.selection.scoring import (
    LEAST_SEPARATION,
    MANY_DIMENSIONS,
    Scored,
    add_stability,
    is_eligible,
    scored,
)

FOUR = Candidate("k-means", 0, 4)


def overlapping(customers: int, dims: int) -> np.ndarray:
    """Four kinds of customers whose clouds touch."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (4, dims))
    return centres[rng.integers(0, 4, customers)] + rng.normal(0, 1, (customers, dims))


def stability_of_four(dims: int, unseen: int) -> float:
    everyone = overlapping(5_000, dims)
    points, others = everyone[:120], everyone[120 : 120 + unseen]
    lines = scored(fit_candidates(points, [FOUR]))
    add_stability(lines, points, 4, seed=0, unseen=others)
    return lines[0].number("stability")


def test_in_many_dimensions_the_stability_of_centres_is_that_over_more_customers() -> None:
    assert stability_of_four(MANY_DIMENSIONS, unseen=4_000) > 0.95
    assert stability_of_four(MANY_DIMENSIONS, unseen=0) < 0.95


def test_in_few_dimensions_it_is_that_of_the_points() -> None:
    few = MANY_DIMENSIONS - 1
    assert stability_of_four(few, unseen=4_000) == stability_of_four(few, unseen=0)


def test_dbscan_is_no_evidence_for_others_and_wins_only_where_its_segments_are_separated() -> None:
    labels, other = np.arange(90) % 3, np.arange(90) % 2
    found = {Candidate("k-means", 0, 3): labels, Candidate("ward", 0, 3): other}
    found |= {Candidate("genie", 0, 3): other, Candidate("dbscan", 0.9, 0): labels}
    with_it, without = scored(found), scored(dict(list(found.items())[:3]))
    assert with_it[0].number("agreement") == without[0].number("agreement") < 1
    chained = Scored(Candidate("dbscan", 0.9, 0), labels, {"separation": LEAST_SEPARATION - 0.1})
    apart = Scored(Candidate("dbscan", 0.9, 0), labels, {"separation": LEAST_SEPARATION})
    assert not is_eligible(chained)
    assert is_eligible(apart)
    assert is_eligible(Scored(Candidate("genie", 0.9, 2), labels, {}))


@pytest.mark.parametrize("dims", [3, MANY_DIMENSIONS])
def test_candidates_that_come_near_a_score_have_the_same_with_and_without_the_others(
    dims: int,
) -> None:
    everyone = overlapping(1_000, dims)
    points, unseen = everyone[:200], everyone[200:]
    wanted = [c for c in candidates_for(*points.shape) if c.k <= 6 and c.kind != "density"]
    fitted = fit_candidates(points, wanted)
    lines, few = scored(fitted), scored(fitted)
    add_stability(lines, points, None, seed=0, unseen=unseen)
    scores = {line.candidate: line.numbers["score"] for line in lines if "score" in line.numbers}
    least = sorted(scores.values())[-3]
    add_stability(few, points, None, seed=0, unseen=unseen, least=least)
    found = {line.candidate: line.numbers["score"] for line in few if "score" in line.numbers}
    near = {candidate: score for candidate, score in scores.items() if score >= least}
    assert len(near) <= len(found) < len(scores)
    assert found.items() >= near.items()
    assert found.items() <= scores.items()
