"""Rows at and about every threshold of the findings, for the golden file of what is said of them.

    python -m portrait_assets_tests.validation.finding_cases

writes it. The verdicts are held to what they should be in the tests of each finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import QUALITY
from portrait_assets.stages.clusters.contract import CLUSTER_DECISION, CLUSTER_SEGMENT
from portrait_assets.stages.features.contract import FEATURE_SELECTION
from portrait_assets.stages.predictions.contract import PREDICTION_BACKTEST, PREDICTION_CALIBRATION
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE
from portrait_assets.stages.predictions.value.contract import VALUE_MODEL
from portrait_assets.stages.predictions.value.contracts.contract import CONTRACT_MODEL
from portrait_assets.stages.tags.contract import TAG_QUALITY
from portrait_assets.stages.validation.backtests.claims import CLAIMS
from portrait_assets.stages.validation.contract import (
    BACKTEST,
    DRIFT,
    FAIRNESS,
    TAG_PROPOSAL,
    Attribute,
)
from portrait_assets.stages.validation.findings import data as findings
from portrait_assets.stages.validation.findings import evidence
from portrait_assets.stages.validation.findings.backtest import (
    backtest_findings,
    proposal_findings,
)
from portrait_assets.stages.validation.findings.fairness import fairness_findings
from portrait_assets.stages.validation.findings.identifiers import identifier_findings
from portrait_assets.stages.validation.findings.returns import returns_finding
from portrait_assets.stages.validation.predictions.findings import (
    card_findings,
    prediction_findings,
)
from portrait_assets.stages.validation.predictions.totals import value_findings
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.testing.golden.file import FOLDER, write
from portrait_assets_tests.validation.small_world import filled

GOLDEN_FILE = FOLDER / "findings.json"
COMMAND = "python -m portrait_assets_tests.validation.finding_cases"
DIGITS = 9

Rows = Sequence[dict[str, Any]]


def _of(table: Table, rows: Rows) -> pl.DataFrame:
    """The rows with the table's other columns, as far as it has these."""
    schema = {name: kind for name, kind in table.polars_schema.items() if name in {*_names(rows)}}
    return filled(table, pl.DataFrame(rows, schema=schema))


def _names(rows: Rows) -> list[str]:
    return [name for row in rows for name in row]


def _sources() -> pl.DataFrame:
    balance = {"table_name": "transactions", "is_provided": True, "received": 10, "kept": 6}
    parts = {"set_aside": 1, "merged": 1, "unplaced": 1, "erased": 1, "lost": 0}
    return findings.conservation(
        pl.DataFrame([balance | parts, balance | parts | {"kept": 5, "lost": 1}])
    )


def _quality() -> pl.DataFrame:
    enough = {"table_name": "customers", "rows_received": 400} | findings.LEAST_QUALITY
    less = {name: least - 0.001 for name, least in findings.LEAST_QUALITY.items()}
    unknown = dict.fromkeys(findings.LEAST_QUALITY)
    rows = [enough, enough | less, enough | unknown, enough | {"rows_received": 1}]
    none = enough | {"table_name": "market", "rows_received": 0}
    return findings.data_quality(_of(QUALITY, [*rows, none]))


def _checks() -> pl.DataFrame:
    """Three tables pass one check, one of two warns of another, and two fail a third."""
    tables = {
        "a": ("unique", "ERROR", True),
        "b": ("unique", "ERROR", True),
        "c": ("large", "WARN", False),
        "d": ("large", "ERROR", True),
        "f": ("sums", "ERROR", False),
        "e": ("sums", "WARN", False),
    }
    rows = [
        {"table_name": table, "check_name": check, "severity": severity, "passed": passed}
        | {"detail": f"found in {table}"}
        for table, (check, severity, passed) in tables.items()
    ]
    return findings.check_results(_of(CHECK_RESULTS, rows))


def _sizes() -> pl.DataFrame:
    shares = {9: 0.09, 10: 0.01, 12: 0.00999, 123: 0.12345, 900: 0.9, 901: 0.9004}
    rows = [
        {"segment_id": number, "name_en": f"s{number}", "customers": customers, "share": share}
        for number, (customers, share) in enumerate(shares.items())
    ]
    return findings.segment_sizes(pl.DataFrame(rows[::-1]), smallest=10)


def _coverage() -> pl.DataFrame:
    holders = pl.DataFrame({"tag_code": ["half", "less"], "holders": [500, 499]})
    of_none = pl.DataFrame(schema=holders.schema)
    return pl.concat(
        [
            findings.tag_coverage(holders, ["none", "half", "less"], 1000),
            findings.tag_coverage(of_none, ["none"], 0),
        ]
    )


def _features() -> pl.DataFrame:
    reasons = {
        "absent": ("empty", 1.0, None),
        "early": ("empty", 1.0, None),
        "null": ("empty", 1.0, None),
        "same": ("near-constant", 0.987654, None),
        "twin": ("duplicated", 1.0, "spend_12m"),
        "near": ("collinear", 0.99, "spend_3m"),
        "good": (None, None, None),
    }
    rows = [
        {"feature": name, "reason": reason, "value": value, "other_feature": other}
        for name, (reason, value, other) in reasons.items()
    ]
    return evidence.feature_health(_of(FEATURE_SELECTION, rows), ["absent"], ["early", "good"])


def _clusters() -> pl.DataFrame:
    decision = {"bootstrap_agreement": 0.81, "mix_drift": 0.12}
    stated = {"statement_en": "Three kinds.", "statement_zh": "三类客户。"}
    decisions = [
        decision | stated | {"is_stable": good, "refit_due": not good} for good in (True, False)
    ]
    segments = [
        {"segment_id": number, "name_en": f"s{number}", "stability": stability, "share": 1.0}
        for number, stability in enumerate((None, 0.699, 0.7))
    ]
    return evidence.cluster_quality(
        _of(CLUSTER_DECISION, decisions), _of(CLUSTER_SEGMENT, segments[::-1])
    )


def _cards() -> pl.DataFrame:
    rows = [
        {"tag_code": each, "recommendation": each, "coverage": 0.4}
        | {"reason_en": f"{each} it", "reason_zh": f"{each}之"}
        for each in ("keep", "review", "retire")
    ]
    return evidence.tag_cards(_of(TAG_QUALITY, rows))


def _drift() -> pl.DataFrame:
    moved: dict[str, Any] = {"psi": 0.31456, "psi_expected": 0.01234, "psi_p95": 0.04567}
    moved["reference_as_of"] = date(2024, 3, 31)
    kinds = [
        ("feature", "month before", "spend", "fail"),
        ("feature", "month before", "age", "warn"),
        ("feature", "month before", "tea", "pass"),
        ("feature", "baseline", "tea", "pass"),
        ("feature", "baseline", "jam", "not judged"),
        ("tag", "baseline", "tier", "not judged"),
    ]
    names = ("kind", "against", "subject", "verdict")
    rows = [dict(zip(names, each, strict=True)) | moved for each in kinds]
    return pl.concat(
        [evidence.drift_findings(_of(DRIFT, rows)), evidence.drift_findings(DRIFT.empty())]
    )


def _backtests() -> pl.DataFrame:
    test = {
        **{"test": "lapse_risk / silence", "tag_code": "lapse_risk", "outcome": "silence"},
        **{"metric": "auc", "horizon_months": 1, "customers": 300, "hits": 90, "value": 0.71239},
        **{"low": 0.65111, "high": 0.77222, "baseline": "recency", "baseline_value": 0.69444},
    }
    one_value = {"value": None, "low": None, "high": None, "baseline_value": None}
    judged = [test | {"verdict": verdict} for verdict in ("pass", "warn", "fail")]
    judged += [
        test | one_value | {"horizon_months": 3, "verdict": "not judged", "hits": hits}
        for hits in (0, 1, 299, 300)
    ]
    judged.append(test | {"metric": "lift of the top tenth", "verdict": "fail"})
    return backtest_findings(_of(BACKTEST, judged), CLAIMS, ["lapse_risk"], ["responses"])


def _of_source() -> pl.DataFrame:
    """Seven tags on an outcome of the source, of which six tell it apart, and three that cannot."""
    row = {"outcome": "default", "test": "a tag / default", "metric": "auc", "horizon_months": 6}
    row |= {"customers": 500, "hits": 40}
    tags = [
        row | {"tag_code": f"t{n}", "value": 0.9 - 0.01234 * n, "verdict": "pass"} for n in range(6)
    ]
    tags.append(row | {"tag_code": "weak", "value": 0.5, "verdict": "not judged"})
    few = row | {"outcome": "churn", "customers": 9, "hits": 1, "value": None}
    tags += [few | {"tag_code": f"t{n}", "verdict": "not judged"} for n in range(3)]
    vain = row | {"outcome": "claim", "value": 0.51, "tag_code": "t0"}
    tags += [vain | {"verdict": "fail"}, vain | {"tag_code": "segment_id", "verdict": "not judged"}]
    return backtest_findings(_of(BACKTEST, tags[::-1]), [], [], [])


def _proposals() -> pl.DataFrame:
    row = {
        **{"tag_code": "value_tier", "outcome": "high spend", "draft_version": 2},
        **{"auc_before": 0.51239, "auc_after": 0.68777, "gain_low": 0.1, "gain_high": 0.25},
        **{"customers_changing": 12, "customers": 300},
    }
    return proposal_findings(_of(TAG_PROPOSAL, [row]))


def _fairness() -> pl.DataFrame:
    def group(tag: str, level: str, difference: float | None, verdict: str) -> dict[str, Any]:
        rates = {"rate": 0.5 + (difference or 0), "rest_rate": 0.5, "difference": difference}
        of = {"tag_code": tag, "attribute": "region", "level": level, "tag_value": "high"}
        return of | rates | {"verdict": verdict}

    rows = [
        *(group("tier", f"r{n}", -0.1 * n, "differs") for n in range(5)),
        *(group("fair", f"r{n}", 0.01, "parity") for n in range(2)),
        *(group("three", f"r{n}", 0.2, "differs") for n in range(3)),
        group("few", "r1", None, "not judged"),
        group("segment_id", "r1", 0.4, "differs"),
    ]
    known = {Attribute.GENDER: None, Attribute.AGE: 0.49999, Attribute.REGION: 0.5}
    return fairness_findings(_of(FAIRNESS, rows), known)


def _identifiers() -> pl.DataFrame:
    row = {
        **{"table_name": "contacts", "column_name": "customer_id", "listed_in": "customers"},
        **{"own": 7, "listed": 9, "shared": 3, "own_examples": "A9, 99", "listed_examples": "AA"},
    }
    apart = row | {"shared": 0}
    return identifier_findings(
        pl.DataFrame([row, apart, apart | {"own": 3, "listed": 3}, apart | {"own": 2}])
    )


def _returns() -> pl.DataFrame:
    row = {"transactions": 201, "returned": 4, "naming": 1, "amount": 12.5}
    return returns_finding(pl.DataFrame([row, row | {"returned": 0}]))


def _models() -> pl.DataFrame:
    good = {
        **{"target": "silence", "horizon": 1, "basis": "model", "customers": 1000, "hits": 300},
        **{"auc": 0.81239, "baseline": "recency", "baseline_auc": 0.71111, "gain_low": 0.05},
        **{"gain_high": 0.15, "placebo_auc": 0.5199, "verdict": "better"},
    }
    tests = [
        good,
        good | {"auc": 0.6, "verdict": "worse", "placebo_auc": 0.5201},
        good | {"auc": 0.7, "verdict": "not surely better", "placebo_auc": 0.4799},
        good | {"auc": 0.71111, "verdict": "not surely better", "hits": 20},
        good | {"verdict": "not judged", "hits": 981},
        good | {"basis": "baseline", "placebo_auc": None},
    ]
    tenth = {"horizon": 1, "basis": "model", "tenth": 1, "customers": 1000, "hits": 300}
    rates = {"a": 0.31, "b": 0.4, "c": 0.62, "d": 0.14}
    tenths = [tenth | {"target": name, "predicted_rate": rate} for name, rate in rates.items()]
    tenths.append(tenth | {"target": "e", "customers": 20, "hits": 1, "predicted_rate": 0.1})
    return pl.concat(
        [
            prediction_findings(
                _of(PREDICTION_BACKTEST, tests), _of(PREDICTION_CALIBRATION, tenths)
            ),
            prediction_findings(PREDICTION_BACKTEST.empty(), PREDICTION_CALIBRATION.empty()),
        ]
    )


def _vintages() -> pl.DataFrame:
    vintage: dict[str, Any] = {
        **{"target": "default", "horizon": 6, "kind": "vintage", "base_month": "2024-03"},
        **{"known": 2000, "bads": 100, "expected_of_known": 0.052, "actual_bad_rate": 0.05},
        **{"auc": 0.75, "auc_high": 0.8, "baseline": "overdue", "baseline_auc": 0.7},
    }
    changes: list[dict[str, Any]] = [
        {},
        {"baseline_auc": 0.77, "expected_of_known": 0.065},
        {"baseline_auc": 0.81, "expected_of_known": 0.11},
        {"baseline_auc": None, "bads": 0, "actual_bad_rate": 0.0},
        {"baseline_auc": 0.8, "expected_of_known": 0.024},
    ]
    rows = [vintage | {"target": f"t{n}"} | changed for n, changed in enumerate(changes)]
    rows += [vintage | {"base_month": "2024-02", "auc": 0.1}, vintage | {"kind": "cut"}]
    return card_findings(_of(CREDIT_CURVE, rows))


def _totals() -> pl.DataFrame:
    methods = [
        {"method": "BG/NBD", "status": "chosen", "total_bias": 0.9, "season_bias": -0.31234},
        {"method": "repeat rate", "status": "chosen", "total_bias": 0.1, "season_bias": None},
        {"method": "Pareto/NBD", "status": "not chosen", "total_bias": 0.5, "season_bias": None},
    ]
    contracts = [
        {"category": of, "total_bias": b} for of, b in {"loan": 0.05, "card": None}.items()
    ]
    return value_findings(_of(VALUE_MODEL, methods), _of(CONTRACT_MODEL, contracts))


CASES = {
    "backtests": _backtests,
    "cards": _cards,
    "checks": _checks,
    "clusters": _clusters,
    "coverage": _coverage,
    "drift": _drift,
    "fairness": _fairness,
    "features": _features,
    "identifiers": _identifiers,
    "models": _models,
    "outcomes of the source": _of_source,
    "proposals": _proposals,
    "quality": _quality,
    "returns": _returns,
    "sizes": _sizes,
    "sources": _sources,
    "totals": _totals,
    "vintages": _vintages,
}


def sentences() -> dict[str, list[object]]:
    """By case and number, all that its finding says."""
    return {
        f"{case} {number:02}": [
            float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for value in row
        ]
        for case, rows in CASES.items()
        for number, row in enumerate(rows().rows())
    }


if __name__ == "__main__":
    write(sentences(), GOLDEN_FILE)
    print(GOLDEN_FILE)
