"""Which parts of segments earn it: each rule at its limit and beside it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from portrait_assets.methods.clustering.asked.support import AGREE_AT
from portrait_assets.stages.clusters.micro.finding import FEWEST, SMALLEST_SHARE, Tried, taken


def division(segment: int = 1, parts: int = 2, outcome: str = "silence", **differing: Any) -> Tried:
    of: Any = SimpleNamespace(segments=parts)
    given: dict[str, Any] = {
        **{"smallest": FEWEST, "smallest_share": SMALLEST_SHARE, "agreement": AGREE_AT},
        "low": 0.01,
    }
    given |= differing
    saved: Any = SimpleNamespace(mean=0.02, low=given["low"], high=0.03)
    counts = given["smallest"], given["smallest_share"], given["agreement"]
    return Tried(segment, of, outcome, *counts, saved, 1)


@pytest.mark.parametrize(
    ("differing", "reason"),
    [
        ({}, "the parts predict it better out of time"),
        ({"smallest": FEWEST - 1}, "its smallest part is too small: 1.0% of all customers"),
        ({"smallest_share": SMALLEST_SHARE - 0.001}, "its smallest part is too small: 0.9% of"),
        ({"agreement": AGREE_AT - 0.01}, f"refits agree at {AGREE_AT - 0.01:.2f}, below"),
        ({"low": 0.0}, "no sure gain out of time: the interval reaches 0"),
        ({"low": -0.1, "smallest": FEWEST - 1}, "its smallest part is too small"),
        ({"low": -0.1, "agreement": 0.1}, "refits agree at 0.10"),
    ],
)
def test_parts_earn_it_at_each_limit(differing: dict[str, Any], reason: str):
    assert (FEWEST, SMALLEST_SHARE) == (200, 0.01)
    found = division(**differing)
    assert found.earns_it is (not differing)
    assert found.reason[0].startswith(reason)


def test_the_fewest_parts_are_taken_and_of_these_the_surest_outcome():
    divisions = [
        division(1, 3, "spend", low=0.9),
        division(1, 2, "spend", low=0.02),
        division(1, 2, "response", low=0.02),
        division(1, 2, "overdue", low=0.01),
        division(1, 2, "complaint", low=0.5, agreement=0.1),
        division(2, 3, "spend", low=0.1),
        division(3, 2, "spend", low=0.0),
    ]
    assert taken(divisions) == {1: divisions[2], 2: divisions[5]}
