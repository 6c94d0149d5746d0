"""Targets that a source declares reach tags, backtests and the tables of targets."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.stages.tags.catalogue.load import load_catalogue, source_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.targets.checks import targets_checks
from portrait_assets.stages.targets.contract import BALANCE_TARGET, TARGET
from portrait_assets.stages.targets.declared.entries import TargetError
from portrait_assets.stages.targets.declared.outcomes import Targets, source_targets
from portrait_assets.stages.validation.backtests.claims import claims_of_catalogue
from portrait_assets.stages.validation.fairness.tags import selections
from portrait_assets.testing.worlds.features import sale
from portrait_assets_tests.targets.target_world import TargetWorld

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05"]

DECLARED = """
targets:
  - code: silence
    horizons: [2]
  - code: big_return
    name: {en: big return, zh: 大额回流}
    meaning: {en: An amount above 100., zh: 金额超过100。}
    hit: spend > 100
    eligible: purchases_before = 0
    amount: spend
    horizons: [4]
    of_segments: true
    prediction_horizon: 4
"""


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Targets:
    folder = tmp_path_factory.mktemp("source")
    (folder / "targets.yaml").write_text(DECLARED, encoding="utf-8")
    return source_targets(folder)


@pytest.fixture(scope="module")
def catalogue(targets: Targets) -> Catalogue:
    return load_catalogue(targets=targets)


def test_segments_and_tags_are_tested_on_what_the_source_declares(catalogue: Catalogue):
    claims = {claim.name: claim for claim in claims_of_catalogue(catalogue)}
    assert claims["segment_id / big_return"].outcome.hit == "spend > 100"
    assert claims["lapse_risk / silence"].outcome.horizons == (2,)
    assert claims["segment_id / spend"].outcome.horizons == (1, 2, 3)


def test_a_tag_may_stand_for_a_target_of_the_source(catalogue: Catalogue):
    tags = tuple(
        replace(tag, target="big_return") if tag.code == "value_tier" else tag
        for tag in catalogue.tags
    )
    own = replace(catalogue, tags=tags)
    claims = {claim.name for claim in claims_of_catalogue(own)}
    assert "value_tier / big_return" in claims
    assert "value_tier / big_return" not in {c.name for c in claims_of_catalogue(catalogue)}


def test_fairness_judges_by_what_is_known_after_a_month(catalogue: Catalogue):
    """Of silence it is known after two only."""
    chosen = selections(catalogue, claims_of_catalogue(catalogue), "2024-03")
    outcomes = {str(outcome) for each in chosen for outcome in each.outcomes}
    assert "silence" not in outcomes
    assert {each.source_outcome for each in chosen} == {None}


def test_a_window_of_the_source_s_own_is_stored_and_checked(targets: Targets):
    shop = TargetWorld(
        MONTHS,
        ["ann", "bob"],
        targets,
        transactions=[
            *(sale("ann", "2024-02-05", 60), sale("ann", "2024-05-06", 50)),
            *(sale("bob", "2024-01-08", 7), sale("bob", "2024-03-08", 700)),
        ],
    )
    own = targets.derived["big_return"]
    assert shop.labels(own, "2024-01") == {"ann": (True, True, 110.0), "bob": (False, None, None)}
    horizons = {horizon for _, horizon, _ in shop.stored("target")}
    assert horizons == {1, 2, 3, 4}
    assert [check.name for check in targets_checks(targets)[TARGET]] == [
        *("adds_up", "ends_with_month")
    ]
    assert targets.horizons("customer_balance_month") == (1, 3)
    assert BALANCE_TARGET in targets_checks(targets)


def test_a_mistake_ends_the_reading_of_the_source_s_tags(tmp_path: Path):
    folder = Path(shutil.copytree(PACKAGED_SOURCES / "corner_shop", tmp_path / "corner_shop"))
    wrong = "targets: [{code: silence, hit: purchase = 0}]"
    (folder / "targets.yaml").write_text(wrong, "utf-8")
    with pytest.raises(TargetError, match=r"targets\.yaml, line 1: hit of target silence: there"):
        source_catalogue(folder)
