"""Thresholds are found where people set them, and replaced in the rule's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.validation.thresholds import SHARES, thresholds, with_number


def test_what_is_compared_is_a_threshold_and_what_stands_in_a_function_is_not():
    found = thresholds(load_catalogue().tag("lapse_risk"))
    assert [(each.value, each.number) for each in found] == [
        ("high", 3.0),
        ("high", 30.0),
        ("medium", 1.5),
        ("medium", 14.0),
    ]


def test_a_number_is_replaced_in_the_text_and_nothing_else(tmp_path: Path):
    catalogue = load_catalogue()
    tag = catalogue.tag("lapse_risk")
    draft = with_number(tag, thresholds(tag)[1], "45", catalogue)
    before, after = tag.values[0].when.text, draft.values[0].when.text
    assert after == before.replace("recency_days > 30", "recency_days > 45")
    assert draft.values[1:] == tag.values[1:]
    assert draft.definition_hash != tag.definition_hash


@pytest.mark.parametrize(("code", "shares"), [("campaign_response", True), ("recency_band", False)])
def test_shares_are_tried_in_twentieths_and_days_by_factors(code: str, shares: bool):
    tried = thresholds(load_catalogue().tag(code))[0].alternatives()
    if shares:
        assert set(map(float, tried)) < set(SHARES)
    else:
        assert all(float(each) > 0 and float(each) == int(each) for each in tried)
