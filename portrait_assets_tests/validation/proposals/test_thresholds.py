"""Thresholds are found where people set them, and replaced in the rule's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.validation.proposals.thresholds import (
    FACTORS,
    SHARES,
    Threshold,
    thresholds,
    with_number,
)

GAPS = """
tags:
  - code: lapse_risk
    version: 4
    values:
      - {value: high, en: High, zh: 高, when: "purchases_12m = 0 OR recency_days > 3.0 * least(tenure_days + 1, 365) / nullif(purchases_12m, 0) AND recency_days > 30"}
      - {value: medium, en: Medium, zh: 中, when: "recency_days > 1.5 * least(tenure_days + 1, 365) / nullif(purchases_12m, 0) AND recency_days > 14"}
      - {value: low, en: Low, zh: 低, when: "recency_days >= 0"}
"""  # noqa: E501


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """A risk by the customer's own gaps between purchases."""
    (tmp_path / "tags.yaml").write_text(GAPS, encoding="utf-8")
    return load_catalogue(overrides=tmp_path / "tags.yaml")


def test_what_is_compared_is_a_threshold_and_what_stands_in_a_function_is_not(
    catalogue: Catalogue,
):
    found = thresholds(catalogue.tag("lapse_risk"))
    assert [(each.value, each.number) for each in found] == [
        ("high", 3.0),
        ("high", 30.0),
        ("medium", 1.5),
        ("medium", 14.0),
    ]


def test_a_number_is_replaced_in_the_text_and_nothing_else(catalogue: Catalogue):
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


@pytest.mark.parametrize("number", [1, 2, 30])
def test_a_whole_number_is_never_tried_as_none_nor_as_itself(number: int):
    tried = Threshold("high", 0, 1, number, is_whole=True).alternatives()
    expected = {float(round(number * factor)) for factor in FACTORS} - {0.0, float(number)}
    assert [float(each) for each in tried] == sorted(expected)
