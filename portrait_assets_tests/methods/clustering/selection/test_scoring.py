from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from portrait_assets.methods.clustering.families import dbscan, genie, kmeans, ward
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.selection import scoring
from portrait_assets.methods.clustering.selection.candidates import candidates_for, fit_candidates
from portrait_assets.methods.clustering.selection.scoring import (
    Scored,
    add_stability,
    is_allowed,
    is_eligible,
    scored,
)
from portrait_assets.methods.clustering.selection_rule import RULE, Scoring

FOUR = Candidate(kmeans.FAMILY, 0, 4)
SCORING = RULE.scoring
MANY_DIMENSIONS = SCORING.many_dimensions


def overlapping(customers: int, dims: int) -> np.ndarray:
    """Four kinds of customers whose clouds touch."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (4, dims))
    return centres[rng.integers(0, 4, customers)] + rng.normal(0, 1, (customers, dims))


def stability_of_four(dims: int, unseen: int) -> float:
    everyone = overlapping(5_000, dims)
    points, others = everyone[:120], everyone[120 : 120 + unseen]
    lines = scored(fit_candidates(points, [FOUR]))
    add_stability(lines, points, SCORING, segments=4, unseen=others)
    return lines[0].number("stability")


@pytest.mark.slow  # Seven fits of thousands of customers.
def test_in_many_dimensions_the_stability_of_centres_is_that_over_more_customers() -> None:
    assert stability_of_four(MANY_DIMENSIONS, unseen=4_000) > 0.95
    assert stability_of_four(MANY_DIMENSIONS, unseen=0) < 0.95


def test_in_few_dimensions_it_is_that_of_the_points() -> None:
    few = MANY_DIMENSIONS - 1
    assert stability_of_four(few, unseen=4_000) == stability_of_four(few, unseen=0)


def test_dbscan_is_no_evidence_for_others_and_wins_only_where_its_segments_are_separated() -> None:
    labels, other = np.arange(90) % 3, np.arange(90) % 2
    found = {Candidate(kmeans.FAMILY, 0, 3): labels, Candidate(ward.FAMILY, 0, 3): other}
    chained = Candidate(dbscan.FAMILY, 0.9, 0)
    found |= {Candidate(genie.FAMILY, 0, 3): other, chained: labels}
    with_it, without = scored(found), scored(dict(list(found.items())[:3]))
    assert with_it[0].number("agreement") == without[0].number("agreement") < 1
    least = SCORING.least_separation
    assert not is_eligible(Scored(chained, labels, {"separation": least - 0.1}), SCORING)
    assert is_eligible(Scored(chained, labels, {"separation": least}), SCORING)
    assert is_eligible(Scored(Candidate(genie.FAMILY, 0.9, 2), labels, {}), SCORING)


@pytest.mark.parametrize(
    ("customers", "segments", "least"),
    [
        # A hundredth of many, fifteen of fewer, a twentieth of few, part of an even share of lots;
        # and never fewer than ten.
        (100_000, 2, SCORING.smallest_share),
        (500, 2, 15 / 500),
        (250, 2, 0.05),
        (1_000, 20, 0.3 / 20),
        (60, 2, 10 / 60),
    ],
)
def test_a_candidate_with_a_segment_that_is_just_large_enough_is_allowed(
    customers: int, segments: int, least: float
) -> None:
    def allowed(share: float) -> bool:
        numbers = {"segments": float(segments), "smallest_share": share}
        return is_allowed(Scored(FOUR, np.zeros(customers, dtype=np.int64), numbers), SCORING)

    assert allowed(least)
    assert not allowed(least - 1e-9)


@pytest.mark.parametrize("dims", [3, pytest.param(MANY_DIMENSIONS, marks=pytest.mark.slow)])
def test_candidates_that_come_near_a_score_have_the_same_with_and_without_the_others(
    dims: int,
) -> None:
    everyone = overlapping(1_000, dims)
    points, unseen = everyone[:200], everyone[200:]
    everything = candidates_for(len(points), dims, RULE.compared)
    wanted = [c for c in everything if 0 < c.k <= 6]
    fitted = fit_candidates(points, wanted)
    lines, few = scored(fitted), scored(fitted)
    add_stability(lines, points, SCORING, unseen=unseen)
    scores = {line.candidate: line.numbers["score"] for line in lines if "score" in line.numbers}
    least = sorted(scores.values())[-3]
    add_stability(few, points, SCORING, unseen=unseen, least=least)
    found = {line.candidate: line.numbers["score"] for line in few if "score" in line.numbers}
    near = {candidate: score for candidate, score in scores.items() if score >= least}
    assert len(near) <= len(found) < len(scores)
    assert found.items() >= near.items()
    assert found.items() <= scores.items()


def test_who_is_left_of_candidates_does_not_depend_on_how_many_subsets_are_fitted_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = overlapping(120, 2)
    wanted = [Candidate(family.FAMILY, 0.0, k) for family in (ward, genie) for k in range(2, 8)]
    fitted = fit_candidates(points, wanted)

    def scores(at_once: int, least: float = float("-inf")) -> dict[Candidate, float]:
        monkeypatch.setattr(scoring, "workers", lambda: at_once)
        lines = scored(fitted)
        add_stability(lines, points, SCORING, least=least)
        return {each.candidate: each.numbers["score"] for each in lines if "score" in each.numbers}

    reached = scores(1)
    assert len(reached) > 2
    for least in sorted(reached.values())[-3:]:
        assert scores(1, least) == scores(SCORING.subsets, least)


def listed(*lines: tuple[float, float]) -> list[tuple[float, float]]:
    """What is short-listed of candidates with these agreements and numbers of segments."""
    group = [
        SimpleNamespace(number={"agreement": agreement, "segments": segments}.get, line=line)
        for line in lines
        for agreement, segments in [line]
    ]
    rule = SimpleNamespace(shortlist=0.25, most_listed=2, least_agreement=0.5)
    found = scoring._shortlist(cast("list[Scored]", group), cast("Scoring", rule))
    return [cast(Any, each).line for each in found]


def test_the_short_list_is_of_who_is_near_the_best_and_the_best_of_each_number():
    assert listed((0.75, 4), (1.0, 3), (0.74, 5)) == [
        *((1.0, 3), (0.75, 4)),
        *((1.0, 3), (0.75, 4), (0.74, 5)),
    ]
    assert listed((0.9, 3), (1.0, 3), (0.8, 3))[:2] == [(1.0, 3), (0.9, 3)], "two at most"
    assert listed((0.5, 2), (0.49, 3), (1.0, 4)) == [(1.0, 4), (1.0, 4), (0.5, 2)]
    assert listed() == []
