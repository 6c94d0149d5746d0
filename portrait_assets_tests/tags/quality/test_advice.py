"""Whether a tag is advised to be kept, reviewed or retired, on both sides of the limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.tag import Kind
from portrait_assets.stages.tags.quality.advice import Lift, Measures, advise
from portrait_assets.testing.worlds.tags import JUNE, TIER, catalogue_of

LIFTED = Lift("purchased", "high", 2.0, 1.5, 2.5)
GOOD = Measures(1000, 0.9, 3, 0.5, 0.01, 0.005, 0.1, 0.0, ("other", 0.2), LIFTED)


@pytest.mark.parametrize(
    ("measured", "advice", "why"),
    [
        ({}, "keep", "steady"),
        ({"coverage": 0.005}, "retire", "under 1%"),
        ({"top_share": 1.0}, "retire", "nobody apart"),
        ({"coverage": 0.2}, "review", "under 30%"),
        ({"psi": 0.3}, "review", "shifted"),
        ({"psi": 0.3, "psi_by_chance": 0.4}, "keep", "steady"),
        ({"share_changed": 0.6}, "review", "changed value"),
        ({"age_months": 0.9}, "review", "months old"),
        ({"overlap": ("twin", 0.95)}, "review", "same as twin"),
    ],
)
def test_the_advice_gives_its_reason(
    tmp_path: Path, measured: dict[str, object], advice: str, why: str
):
    tag = catalogue_of(tmp_path, TIER).tag("tier")
    measures = Measures(**{**GOOD.__dict__, **measured})

    found, reason_en, reason_zh = advise(tag, measures)

    assert found == advice
    assert why in reason_en
    assert reason_zh


def test_a_prediction_that_tells_nothing_apart_is_reviewed(tmp_path: Path):
    tag = catalogue_of(tmp_path, TIER.replace("code: tier", "code: tier\n    kind: predictive"))
    measures = Measures(**{**GOOD.__dict__, "lift": Lift("purchased", "high", 1.1, 0.8, 1.4)})

    assert advise(tag.tag("tier"), measures)[0] == "review"


def test_shares_that_a_rule_sets_are_not_called_steady(tmp_path: Path):
    ranked = TIER.replace("spend >= 100", "rank_share(spend) >= 0.8")
    ranked = ranked.replace("spend < 100", "rank_share(spend) < 0.8")
    for text, reason in ((ranked, "of shares that its rule sets by rank"), (TIER, "steady")):
        tag = catalogue_of(tmp_path, text).tag("tier")
        _, reason_en, _ = advise(tag, Measures(**GOOD.__dict__))
        assert reason_en.endswith(reason)
    listed = catalogue_rows(catalogue_of(tmp_path, ranked), JUNE)
    assert listed["is_by_rank"].to_list() == [True]


FINE = Measures(1_000, 0.5, 3, 0.4, 0.1, 0.05, 0.1, 0.0, ("other", 0.5), None)
LIFT = Lift("purchased", "high", 1.4, 1.1, 1.7)


@pytest.mark.parametrize(
    ("changed", "advised"),
    [
        ({}, "keep"),
        ({"coverage": 0.0099}, "retire"),
        ({"coverage": 0.01}, "review"),
        ({"coverage": 0.2999}, "review"),
        ({"coverage": 0.3}, "keep"),
        ({"top_share": 0.9989}, "keep"),
        ({"top_share": 0.999}, "retire"),
        ({"psi": 0.2499}, "keep"),
        ({"psi": 0.25}, "review"),
        ({"psi": 0.3, "psi_by_chance": 0.31}, "keep"),
        ({"psi": 0.3, "psi_by_chance": None}, "review"),
        ({"share_changed": 0.4999}, "keep"),
        ({"share_changed": 0.5}, "review"),
        ({"age_months": 1.0}, "keep"),
        ({"age_months": 1.01}, "review"),
        ({"overlap": ("other", 0.8999)}, "keep"),
        ({"overlap": ("other", 0.9)}, "review"),
        ({"lift": LIFT}, "keep"),
        ({"lift": replace(LIFT, low=1.0)}, "review"),
        ({"lift": replace(LIFT, low=0.5, high=1.0)}, "review"),
        ({"lift": replace(LIFT, low=0.5, high=0.99)}, "keep"),
    ],
)
def test_the_advice_turns_at_its_limits(tmp_path: Path, changed: dict[str, object], advised: str):
    tag = catalogue_of(tmp_path, TIER).tag("tier")
    predictive = replace(tag, kind=Kind.PREDICTIVE, valid_months=2)
    assert advise(predictive, replace(FINE, **changed))[0] == advised  # type: ignore[arg-type]
