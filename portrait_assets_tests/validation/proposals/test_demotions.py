"""A prediction that other tags rest on has to beat a rule of one line, or that is proposed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.stages.tags.catalogue.governance import approve
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, TagError
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.targets.declared.outcome import Baseline
from portrait_assets.stages.validation.backtests.backtest import backtest
from portrait_assets.stages.validation.backtests.claims import claims_of_catalogue
from portrait_assets.stages.validation.judging import proposals
from portrait_assets.stages.validation.proposals.demotions import _gain, _has_not_beaten, conditions
from portrait_assets.stages.validation.proposals.drafts import draft_file
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.validation.small_world import SmallWorld

MONTHS = [f"2024-{month:02d}" for month in range(1, 4)]
CUSTOMERS = 1_200
TAGS = """
defaults: {kind: rule, valid_months: 1, on_missing: clear, status: active, version: 1}
tags:
  - code: at_risk
    name: {en: At risk, zh: 风险}
    description: {en: Will be silent, zh: 将沉默}
    element: principle
    category: [risk, attrition, attrition]
    kind: predictive
    target: silence
    values:
      - {value: "high", en: High, zh: 高, when: "purchases_6m >= 50"}
      - {value: "low", en: Low, zh: 低, when: "purchases_6m < 50"}
    owner: retention
  - code: call
    name: {en: Call, zh: 致电}
    description: {en: Call them, zh: 致电}
    element: principle
    category: [risk, attrition, attrition]
    expression: "at_risk = 'high'"
    type: boolean
    owner: retention
"""


def catalogue_of(folder: Path, tags: str = TAGS) -> Catalogue:
    (folder / "tags.yaml").write_text(tags, encoding="utf-8")
    return load_catalogue(overrides=folder / "tags.yaml")


def world(folder: Path, catalogue: Catalogue, knows: bool) -> Warehouse:
    """Customers whose silence follows recency; what the tag reads foretells it, or nothing."""
    rng = np.random.default_rng(9)
    small = SmallWorld(folder, portrait_matrix_table(catalogue), CUSTOMERS)
    silent = np.zeros(CUSTOMERS, dtype=bool)
    for month in MONTHS:
        stayed_away = silent
        recency = rng.integers(0, 100, CUSTOMERS)
        silent = rng.random(CUSTOMERS) < recency / 100
        read = np.where(silent, 60, 40) if knows else rng.integers(0, 100, CUSTOMERS)
        small.add(
            month,
            tags={"at_risk": np.where(read >= 50, "high", "low")},
            features={"recency_days": recency, "purchases_6m": read},
            did={"purchases": np.where(stayed_away, 0, 1)},
        )
    return small.close()


def proposed(warehouse: Warehouse, catalogue: Catalogue) -> pl.DataFrame:
    matrix, claims = portrait_matrix_table(catalogue), claims_of_catalogue(catalogue)
    found = backtest(warehouse, matrix, [], claims, targets=catalogue.targets, areas_of=MONTHS)
    return proposals(warehouse, catalogue, MONTHS, found.areas)


def test_a_tag_that_does_not_beat_its_baseline_is_to_be_that_baseline(tmp_path: Path):
    catalogue = catalogue_of(tmp_path)
    warehouse = world(tmp_path, catalogue, knows=False)
    found = proposed(warehouse, catalogue)
    assert found.select("tag_code", "outcome").rows() == [("at_risk", "silence")]
    row = found.row(0, named=True)
    high = warehouse.select(
        "SELECT avg((at_risk = 'high')::INTEGER) AS share FROM tags.portrait_matrix "
        f"WHERE as_of = DATE '{last_day(MONTHS[-1])}'"
    )["share"][0]
    limit = f"{1 - round(high, 3):g}"
    assert row["rule_after"].splitlines() == [
        f"high: coalesce(rank_share(recency_days), 1) >= {limit}",
        f"low: coalesce(rank_share(recency_days), 1) < {limit}",
    ]
    assert row["auc_before"] == pytest.approx(0.5, abs=0.05)
    assert row["auc_after"] > 0.7
    assert row["gain_low"] > 0
    assert row["customers"] == CUSTOMERS
    counts = [part.split(": ")[1].split(" -> ") for part in row["effect"].split("; ")]
    assert all(abs(int(before) - int(after)) <= 15 for before, after in counts), "same shares"


def test_a_tag_that_beats_its_baseline_stays(tmp_path: Path):
    catalogue = catalogue_of(tmp_path)
    assert proposed(world(tmp_path, catalogue, knows=True), catalogue).is_empty()


@pytest.mark.parametrize(
    ("verdicts", "baseline", "value", "expected"),
    [
        (["fail", "warn"], [0.7, 0.6], [0.6, 0.7], True),
        (["fail", "pass"], [0.9, 0.6], [0.5, 0.7], False),
        (["warn", "warn"], [0.6, 0.6], [0.65, 0.6], False),
        ([], [], [], False),
    ],
    ids=["as good on average", "beaten in a month", "less on average", "never tested"],
)
def test_a_tag_has_not_beaten_a_baseline_that_was_as_good_in_all_months(
    verdicts: list[str], baseline: list[float], value: list[float], expected: bool
):
    tests = pl.DataFrame(
        {"verdict": verdicts, "baseline_value": baseline, "value": value},
        schema={"verdict": pl.String, "baseline_value": pl.Float64, "value": pl.Float64},
    )
    assert _has_not_beaten(tests) == expected


def test_a_demotion_takes_effect_by_approval(tmp_path: Path):
    catalogue = catalogue_of(tmp_path)
    found = proposed(world(tmp_path, catalogue, knows=False), catalogue)
    _, _, entries = draft_file(found["draft"].to_list()).partition("tags:\n")
    with_draft = catalogue_of(tmp_path, TAGS + entries)
    approvals = tmp_path / "tag_approvals.yaml"
    approve(
        with_draft, approvals, "at_risk", "Li", "no better", "2024-04", date(2024, 4, 1), "2024-03"
    )
    approved = load_catalogue(overrides=tmp_path / "tags.yaml", approvals=approvals)
    active = {tag.code: tag for tag in approved.active("2024-04")}
    assert active["at_risk"].reads == ("recency_days",)
    assert active["call"].reads == ("at_risk",)
    assert with_draft.tag("at_risk", 1) in with_draft.active("2024-03")


def test_a_number_becomes_the_rates_of_fifths_by_the_baseline(tmp_path: Path):
    values = TAGS[TAGS.index("    values:") : TAGS.index("    owner:")]
    number = TAGS.replace(values, '    expression: "purchases_6m / 100.0"\n    type: number\n')
    number = number.replace("at_risk = 'high'", "at_risk > 0.5")
    catalogue = catalogue_of(tmp_path, number)
    rng = np.random.default_rng(2)
    small = SmallWorld(tmp_path, portrait_matrix_table(catalogue), CUSTOMERS)
    silent = np.zeros(CUSTOMERS, dtype=bool)
    for month in MONTHS:
        did = {"purchases": np.where(silent, 0, 1)}
        recency = rng.permutation(CUSTOMERS)
        silent = recency >= CUSTOMERS * 3 // 5
        features = {"recency_days": recency, "purchases_6m": rng.integers(0, 100, CUSTOMERS)}
        small.add(month, {"at_risk": features["purchases_6m"] / 100.0}, features, did)
    (after,) = proposed(small.close(), catalogue)["rule_after"]
    rates = [float(part.split(" ")[0]) for part in after.split("THEN ")[1:]]
    assert rates == [1, 1, pytest.approx(0, abs=0.01), 0, 0]


def test_a_tag_that_is_its_baseline_already_is_left_alone(tmp_path: Path):
    own = TAGS.replace("purchases_6m >= 50", "recency_days >= 50").replace(
        "purchases_6m < 50", "recency_days < 50"
    )
    catalogue = catalogue_of(tmp_path, own)
    assert proposed(world(tmp_path, catalogue, knows=False), catalogue).is_empty()


def test_a_prediction_that_decides_others_names_its_target(tmp_path: Path):
    with pytest.raises(TagError, match="at_risk predicts, decides call and names no target"):
        catalogue_of(tmp_path, TAGS.replace("    target: silence\n", ""))
    path = tmp_path / "tags.yaml"
    path.write_text(TAGS[: TAGS.index("  - code: call")].replace("    target: silence\n", ""))
    assert load_catalogue(overrides=path).tag("at_risk").target is None, "it decides nothing"


def test_a_target_is_a_claim_whose_likeliest_value_stands_first(tmp_path: Path):
    claims = {claim.name: claim for claim in claims_of_catalogue(catalogue_of(tmp_path))}
    assert claims["at_risk / silence"].order == ("high", "low")
    assert claims["lapse_risk / silence"].order == ("high", "medium", "low")


def test_lapse_risk_is_what_is_predicted_and_recency_while_nothing_is():
    tag = load_catalogue().tag("lapse_risk")
    assert tag.reads == ("predicted_silence_band", "recency_days")
    assert (tag.target, tag.is_by_rank) == ("silence", True)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Baseline("a", "x"), ["(x), 0) >= 0.8", "(x), 0) >= 0.3", "(x), 0) < 0.3"]),
        (Baseline("a", "x", falls=True), ["(x), 1) < 0.2", "(x), 1) < 0.7", "(x), 1) >= 0.7"]),
        (
            Baseline("a", "x", falls=True, unknown_is_likely=True),
            ["(x), 0) < 0.2", "(x), 0) < 0.7", "(x), 0) >= 0.7"],
        ),
        (
            Baseline("a", "x", unknown_is_likely=True),
            ["(x), 1) >= 0.8", "(x), 1) >= 0.3", "(x), 1) < 0.3"],
        ),
    ],
    ids=["more", "less", "less or unknown", "more or unknown"],
)
def test_the_likeliest_come_first_and_the_unknown_where_the_baseline_has_them(
    rule: Baseline, expected: list[str]
):
    found = conditions(rule, [0.2, 0.5, 0.3])
    assert found == [f"coalesce(rank_share{text}" for text in expected]


def test_a_demotion_gains_what_the_baseline_does_less_what_cutting_costs():
    tests = pl.DataFrame(
        {
            "value": [0.6, 0.62, 0.64],
            "baseline_value": [0.7, 0.7, 0.75],
            "gain_low": [-0.2, -0.2, -0.15],
            "gain_high": [-0.1, -0.1, -0.05],
        }
    )
    assert _gain(tests, [0.71, 0.69, 0.73]) == {
        "fit_auc_before": 0.61,
        "fit_auc_after": 0.7,
        "auc_before": 0.64,
        "auc_after": 0.73,
        "gain_low": pytest.approx(0.05 - 0.02),
        "gain_high": pytest.approx(0.15 - 0.02),
    }
