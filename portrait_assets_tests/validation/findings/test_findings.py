"""Findings with their verdicts, each shown both ways."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.stages.cleaned.accounting.account import account
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.cleaned.contract import QUALITY, REJECTS
from portrait_assets.stages.clusters.contract import CLUSTER_DECISION
from portrait_assets.stages.features.contract import FEATURE_SELECTION
from portrait_assets.stages.raw.contract import RECEIPTS, UNPLACED
from portrait_assets.stages.validation.backtests.claims import CLAIMS
from portrait_assets.stages.validation.checks import VERDICTS
from portrait_assets.stages.validation.contract import BACKTEST, VALIDATION_REPORT, Area
from portrait_assets.stages.validation.findings import data as findings
from portrait_assets.stages.validation.findings.backtest import backtest_findings
from portrait_assets.stages.validation.findings.evidence import cluster_quality, feature_health
from portrait_assets.stages.validation.judging import holders
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets.testing.golden.file import changes, read
from portrait_assets_tests.validation import finding_cases
from portrait_assets_tests.validation.town_world import MATRIX, MONTHS, TAGS, Town


def receipt(**changed: object) -> pl.DataFrame:
    row = {
        "month": "2024-01",
        "table_name": "transactions",
        "is_provided": True,
        "rows_received": 10,
        "rows_in_file": 25,
        "rows_placed": 22,
        "rows_unplaced": 3,
    }
    return pl.DataFrame([row | changed], schema=RECEIPTS.polars_schema)


def reject(row: int, severity: str, rule: str = "unreadable") -> dict[str, object]:
    return {
        "month": "2024-01",
        "table_name": "transactions",
        "source_file": "f",
        "source_row": row,
        "rule": rule,
        "severity": severity,
    }


def balance(rows_kept: int, **changed: object) -> pl.DataFrame:
    """The account of ten lines of which one is set aside, one merged and one unplaced."""
    counts = {"month": ["2024-01"], "table_name": ["transactions"], "kept": [rows_kept]}
    stray = {"month": "2024-01", "table_name": "transactions", "source_file": "f", "reason": "x"}
    unplaced = pl.DataFrame([stray | {"source_row": 4}], schema=UNPLACED.polars_schema)
    return account(receipt(**changed), pl.DataFrame(counts), unplaced, SET_ASIDE)


SET_ASIDE = pl.DataFrame(
    [
        reject(1, "row"),
        reject(1, "row", "required and missing"),
        reject(2, "merged"),
        reject(3, "value"),
        reject(4, "unplaced"),
    ],
    schema=REJECTS.polars_schema,
)


def test_rows_kept_set_aside_and_merged_balance_those_received():
    found = findings.conservation(balance(7)).row(0, named=True)
    assert (found["value"], found["verdict"]) == (0, "pass")
    assert "10 rows received = 7 kept + 1 set aside + 1 merged + 1 unpl" in found["advice_en"]


@pytest.mark.parametrize(
    ("changed", "rows_kept", "lost"),
    [({}, 6, 1), ({}, 8, 1), ({"rows_placed": 20}, 7, 2), ({"rows_placed": 23}, 6, 2)],
    ids=["lost in cleaning", "invented", "lost in reading", "one lost and another read twice"],
)
def test_a_row_that_goes_missing_fails(changed: dict[str, object], rows_kept: int, lost: int):
    found = findings.conservation(balance(rows_kept, **changed)).row(0, named=True)
    assert (found["value"], found["verdict"]) == (lost, "fail")


def test_what_is_not_given_is_reported_once_with_the_tags_and_features_it_costs():
    lacking = {
        "contacts_12m": ("contacts",),
        "response_rate_12m": ("contacts", "responses"),
        "discount_depth_12m": ("transactions.discount_amount",),
    }
    active = pl.DataFrame(
        {
            "tag_code": ["value_tier", "contact_pressure", "campaign_response"],
            "lacks": [None, ["contacts"], ["contacts", "responses"]],
        }
    )
    found = findings.not_given(lacking, active)
    assert found.select("subject", "value", "verdict").rows() == [
        ("contacts", 2, "not judged"),
        ("responses", 1, "not judged"),
        ("transactions.discount_amount", 0, "not judged"),
    ]
    assert found["advice_en"][0] == (
        "The source gives no contacts: 2 of the tags (campaign_response, contact_pressure) and 2 "
        "of the features (contacts_12m, response_rate_12m) have no value."
    )
    assert found["advice_zh"][2] == (
        "数据源未提供transactions.discount_amount：0个标签与1个特征（discount_depth_12m）没有取值。"
    )
    assert findings.not_given({}, active.head(1)).is_empty()


def test_a_feature_that_the_source_gives_nothing_for_is_not_judged_by_itself():
    selection = pl.DataFrame(
        [
            {"feature": "contacts_12m", "reason": "empty", "value": 1.0},
            {"feature": "top_brand", "reason": "empty", "value": 1.0},
            {"feature": "spend_12m", "reason": None, "value": None},
        ],
        schema_overrides=FEATURE_SELECTION.polars_schema,
    ).with_columns(other_feature=pl.lit(None, dtype=pl.String))
    as_yet = feature_health(selection, {"contacts_12m"}, {"top_brand", "spend_12m"})
    assert as_yet["verdict"].to_list() == ["not judged", "pass"]
    found = feature_health(selection, {"contacts_12m"})
    assert found.select("subject", "verdict").rows() == [
        ("top_brand", "warn"),
        ("spend_12m", "pass"),
    ]


@pytest.mark.parametrize(
    ("passed", "severity", "verdict"),
    [(True, "ERROR", "pass"), (False, "WARN", "warn"), (False, "ERROR", "fail")],
)
def test_check_results_become_verdicts(passed: bool, severity: str, verdict: str):
    assert check_results(("t", severity, passed))["verdict"].to_list() == [verdict]


def test_a_check_fails_by_the_severity_of_the_tables_that_it_failed_on():
    found = check_results(("a", "ERROR", True), ("b", "WARN", False))
    assert found.select("verdict", "advice_en").rows() == [("warn", "Failed on 1 of 2: b (x).")]


def check_results(*of_tables: tuple[str, str, bool]) -> pl.DataFrame:
    """The findings on one check of tables: each with the severity there and whether it passed."""
    rows = [
        {
            "month": "2024-01",
            "table_name": table,
            "check_name": "c",
            "severity": severity,
            "is_blocking": False,
            "passed": passed,
            "failures": 0,
            "detail": "x",
        }
        for table, severity, passed in of_tables
    ]
    return findings.check_results(pl.DataFrame(rows, schema=CHECK_RESULTS.polars_schema))


def test_a_segment_of_nearly_everyone_or_hardly_anyone_is_warned_of():
    segments = pl.DataFrame(
        {
            "segment_id": [1, 2, 3],
            "name_en": ["a", "b", "c"],
            "customers": [950, 45, 5],
            "share": [0.95, 0.045, 0.005],
        }
    )
    assert findings.segment_sizes(segments)["verdict"].to_list() == ["warn", "pass", "warn"]


def test_tags_with_few_holders_or_none_are_warned_of():
    holders = pl.DataFrame({"tag_code": ["common", "rare"], "holders": [3, 1]})
    found = findings.tag_coverage(holders, ["common", "rare", "nobody"], customers=4)
    assert found.select("subject", "value", "verdict").rows() == [
        ("common", 0.75, "pass"),
        ("nobody", 0.0, "warn"),
        ("rare", 0.25, "warn"),
    ]


def test_quality_is_judged_dimension_by_dimension_where_it_was_measured():
    measured = {
        "month": "2024-01",
        "table_name": "customers",
        "rows_received": 100,
        "rows_kept": 100,
        "completeness": 0.5,
        "validity": 0.95,
        "uniqueness": None,
        "timeliness": 1.0,
        "consistency": 0.94,
    }
    absent = measured | {"table_name": "market", "rows_received": 0}
    found = findings.data_quality(pl.DataFrame([measured, absent], schema=QUALITY.polars_schema))
    assert dict(found.select("metric", "verdict").rows()) == {
        "completeness": "warn",
        "validity": "pass",
        "uniqueness": "not judged",
        "timeliness": "pass",
        "consistency": "warn",
    }
    assert found["threshold"].null_count() == 0
    assert set(found["subject"]) == {"customers"}, "of a table without rows nothing is judged"


def test_a_backtest_of_what_happened_to_nobody_says_so():
    """Where it happened to nobody, or to everyone, there is no area under a curve."""
    row = {
        **{"test": "lapse_risk / silence", "tag_code": "lapse_risk", "outcome": "silence"},
        **{"metric": "auc", "horizon_months": 3, "customers": 300, "hits": 0, "value": None},
        **{"baseline": "base rate", "baseline_value": None, "verdict": "not judged"},
    }
    unjudged = pl.DataFrame([row], schema_overrides=BACKTEST.polars_schema)
    empty = pl.DataFrame(schema=BACKTEST.polars_schema)
    claim = next(each for each in CLAIMS if each.name == "lapse_risk / silence")
    found = backtest_findings(pl.concat([empty, unjudged], how="diagonal"), [claim], [], [])
    assert found["advice_en"].to_list() == ["Too few to judge. 0 of 300 customers."]
    assert found["advice_zh"].to_list() == ["样本过少，无法判断。0/300位客户。"]


def test_a_column_that_is_held_back_is_a_finding_in_both_languages():
    column = {
        "month": "2024-01",
        "table_name": "transactions",
        "column_name": "category",
        "distinct_values": 80,
        "is_held": True,
        "reason_en": "80 of the 80 values are of one customer alone",
        "reason_zh": "80个取值仅属于一名客户",
    }
    rows = [column, column | {"column_name": "channel", "is_held": False}]
    found = findings.held_back(pl.DataFrame(rows, schema=CATEGORY_COLUMNS.polars_schema))
    assert found.select("area", "subject", "verdict", "value").rows() == [
        ("source", "transactions.category", "warn", 80.0)
    ]
    assert found["advice_en"].item() == (
        "transactions.category looks like free text and is held back, so that its values are null: "
        "80 of the 80 values are of one customer alone. Correct the source's SQL, or list it with "
        "keep under categories in source.yaml."
    )
    assert found["advice_zh"].item() == (
        "transactions.category形似自由文本，已扣留，取值为空：80个取值仅属于一名客户。"
        "请修正数据源的SQL，或在source.yaml的categories中标为keep。"
    )


def test_a_segment_of_few_customers_is_not_counted():
    segments = pl.DataFrame(
        {
            "segment_id": [1, 2],
            "name_en": ["thrifty", "rare"],
            "customers": [91, 9],
            "share": [0.91, 0.09],
        }
    )
    found = findings.segment_sizes(segments, smallest=10)
    assert found["value"].to_list() == [0.91, None]
    assert found["advice_en"].to_list()[1] == "Fewer than 10 customers: too small to act on."
    assert found["verdict"].to_list()[1] == "warn"
    assert findings.segment_sizes(segments)["value"].to_list() == [0.91, 0.09]


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [
        (0.1, "Too few customers are left in it to judge.", "余下客户过少，无法判断。"),
        (1.0, "One segment alone cannot be found again or not.", "只有一个客群，无法判断。"),
    ],
)
def test_stability_that_is_not_known_is_of_few_or_of_all(share: float, en: str, zh: str):
    segment = pl.DataFrame(
        {"segment_id": [1], "name_en": ["a"], "stability": [None], "share": [share]},
        schema_overrides={"stability": pl.Float64},
    )
    found = cluster_quality(CLUSTER_DECISION.empty(), segment).row(0, named=True)
    assert (found["verdict"], found["advice_en"], found["advice_zh"]) == ("not judged", en, zh)


def test_at_each_threshold_findings_say_what_stands_in_the_golden_file():
    changed = changes(read(finding_cases.GOLDEN_FILE), finding_cases.sentences())
    remedy = f"If all of it is meant, renew with `{finding_cases.COMMAND}`."
    assert not changed, "\n".join([*changed, remedy])


def test_holders_have_a_value_and_of_several_values_at_least_one(town: Town):
    found = holders(town.warehouse, MATRIX, TAGS, MONTHS[:2])
    assert sorted(found.rows()) == sorted(
        (last_day(month), tag, sum(value is not None for value in town.values(month, tag)))
        for month in MONTHS[:2]
        for tag in TAGS
    )


@pytest.mark.parametrize("area_of", list(Area))
def test_a_finding_of_any_area_that_fails_is_seen_by_one_check(town: Town, area_of: Area):
    """Of findings with other verdicts none fails."""
    rows = pl.DataFrame(
        {
            "area": str(area_of),
            "subject": [f"s{n}" for n in range(14)],
            "metric": "m",
            "verdict": ["pass", "warn", "not judged"] + ["fail"] * 11,
        }
    )
    found = {}
    for name, check in VERDICTS.items():
        subject = Subject(town.warehouse, VALIDATION_REPORT, "2024-01", lambda: rows)
        found[name] = check.find(subject)
    [failed] = [finding for finding in found.values() if finding.failures]
    assert failed.failures == 11
    assert "and 1 more" in failed.detail
