"""The evidence of each month by table, and the findings that rest on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.cleaned.accounting.account import account_of
from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.cleaned.contract import QUALITY
from portrait_assets.stages.clusters.contract import (
    CLUSTER_DECISION,
    CLUSTER_SEGMENT,
    USED_FEATURES,
)
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURE_SELECTION, FEATURES
from portrait_assets.stages.features.given import given_in, lacking_features
from portrait_assets.stages.predictions.contract import (
    PREDICTION_BACKTEST,
    PREDICTION_CALIBRATION,
    PREDICTION_DECISION,
)
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE
from portrait_assets.stages.predictions.value.contract import VALUE_MODEL
from portrait_assets.stages.predictions.value.contracts.contract import CONTRACT_MODEL
from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, TAG_QUALITY, portrait_matrix_table
from portrait_assets.stages.validation.backtests.backtest import backtest
from portrait_assets.stages.validation.backtests.claims import Claim, claims_of_catalogue
from portrait_assets.stages.validation.contract import (
    BACKTEST,
    BACKTEST_BUCKET,
    DRIFT,
    FAIRNESS,
    MIGRATION,
    TAG_PROPOSAL,
    Verdict,
)
from portrait_assets.stages.validation.drift.columns import ComparedColumns, drift
from portrait_assets.stages.validation.drift.migration import migration
from portrait_assets.stages.validation.drift.moves import ENDLESS, YEAR, left_out_of
from portrait_assets.stages.validation.fairness.offers import offer_fairness
from portrait_assets.stages.validation.fairness.tags import (
    fairness,
    known_shares,
    of_segments,
    selections,
)
from portrait_assets.stages.validation.findings import backtest as findings_backtest
from portrait_assets.stages.validation.findings import data as findings
from portrait_assets.stages.validation.findings import evidence as findings_evidence
from portrait_assets.stages.validation.findings import fairness as findings_fairness
from portrait_assets.stages.validation.findings.identifiers import (
    identifier_findings,
    shared_identifiers,
)
from portrait_assets.stages.validation.findings.returns import RETURNED, returns_finding
from portrait_assets.stages.validation.predictions.fairness import model_fairness
from portrait_assets.stages.validation.predictions.findings import (
    card_findings,
    prediction_findings,
)
from portrait_assets.stages.validation.predictions.scores import score_drift
from portrait_assets.stages.validation.predictions.totals import value_findings
from portrait_assets.stages.validation.proposals.demotions import demotions, drivers
from portrait_assets.stages.validation.proposals.proposing import QUARTER, is_due, propose
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.connection import literals, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope


def evidence_of(
    warehouse: Warehouse,
    catalogue: Catalogue,
    months: Sequence[str],
    read_by: Mapping[str, Iterable[str]] | None = None,
    smallest: int = EVERY_CELL,
) -> dict[Table, pl.DataFrame]:
    """What the findings of these months rest on, by table: drift, migration, backtests, fairness.

    Args:
        warehouse: with the tables upstream of the months.
        catalogue: the tags.
        months: the months.
        read_by: by the code of a saved audience the tags that it reads.
        smallest: fewest customers of what is listed by itself.
    """
    matrix = portrait_matrix_table(catalogue)
    materialized = list(warehouse.materialized(FEATURE_MATRIX))
    found = backtest(
        warehouse,
        matrix,
        months,
        claims_of_catalogue(catalogue),
        smallest,
        catalogue.targets,
        areas_of={each for month in months for each in tests_of_quarter(materialized, month)},
    )
    return {
        DRIFT: drift_of(warehouse, catalogue, months, materialized),
        MIGRATION: migration(warehouse, matrix, months, smallest),
        BACKTEST: found.tests,
        BACKTEST_BUCKET: found.buckets,
        TAG_PROPOSAL: proposals(warehouse, catalogue, months, found.areas, smallest),
        FAIRNESS: fairness_of(warehouse, catalogue, months, read_by),
    }


def drift_of(
    warehouse: Warehouse, catalogue: Catalogue, months: Sequence[str], materialized: Sequence[str]
) -> pl.DataFrame:
    """The rows of DRIFT of these months; scores are a family of tests of their own."""
    left_out = left_out_of(warehouse, materialized)
    columns = drift(warehouse, compared_columns(catalogue), months, materialized, left_out)
    return pl.concat([columns, score_drift(warehouse, months, materialized, left_out)])


def fairness_of(
    warehouse: Warehouse,
    catalogue: Catalogue,
    months: Sequence[str],
    read_by: Mapping[str, Iterable[str]] | None = None,
) -> pl.DataFrame:
    """The rows of FAIRNESS of these months; see `evidence_of`."""
    matrix, claims = portrait_matrix_table(catalogue), claims_of_catalogue(catalogue)
    parts = [FAIRNESS.empty()]
    for month in months:
        segments = warehouse.read(CLUSTER_SEGMENT, [month])["segment_id"].drop_nulls()
        chosen = selections(catalogue, claims, month, read_by)
        parts.append(
            fairness(warehouse, matrix, (*chosen, *of_segments(segments.unique().sort())), month)
        )
        parts.append(model_fairness(warehouse, catalogue.targets, month))
        parts.append(offer_fairness(warehouse, month))
    return pl.concat(parts)


def tests_of_quarter(materialized: Iterable[str], month: str) -> list[str]:
    """The months whose tests decide what is proposed in this one; none where nothing is due."""
    history = [each for each in materialized if each <= month]
    return history[-QUARTER:] if is_due(history) else []


def proposals(
    warehouse: Warehouse,
    catalogue: Catalogue,
    months: Sequence[str],
    areas: pl.DataFrame,
    smallest: int = EVERY_CELL,
) -> pl.DataFrame:
    """The proposals of these months: demotions, and thresholds of the other tags.

    Both go by the tests on one month of the months before: a threshold is tried where the tag
    failed the test before the newest one, on which the draft is then tried.

    Args:
        warehouse: with the tables upstream of the months.
        catalogue: the tags.
        months: the months.
        areas: of all `tests_of_quarter`, as `backtest` gives them.
        smallest: fewest customers of what is listed by itself.
    """
    matrix, declared = portrait_matrix_table(catalogue), claims_of_catalogue(catalogue)
    materialized = list(warehouse.materialized(FEATURE_MATRIX))
    proposed = [TAG_PROPOSAL.empty()]
    for month in months:
        looked_at = tests_of_quarter(materialized, month)
        if not looked_at:
            continue
        tests = areas.filter(pl.col("as_of").is_in([last_day(each) for each in looked_at]))
        driving = drivers(catalogue, month, declared, by_baseline(warehouse, month))
        demoted = demotions(warehouse, matrix, catalogue, month, tests, driving, smallest)
        others = [claim for claim in declared if claim.tag not in set(demoted["tag_code"])]
        history = [each for each in materialized if each <= month]
        tuned = propose(
            warehouse, catalogue, month, history, weak_before(tests, month), others, smallest
        )
        proposed += [demoted, tuned]
    return pl.concat(proposed).sort(TAG_PROPOSAL.key)


def by_baseline(warehouse: Warehouse, month: str) -> set[str]:
    """The targets that the best baseline predicts in the month, or nothing does."""
    if month not in warehouse.materialized(PREDICTION_DECISION):
        return set()
    decisions = warehouse.read(PREDICTION_DECISION, [month])
    return set(decisions.filter(pl.col("basis") == "baseline")["target"])


def weak_before(tests: pl.DataFrame, month: str) -> list[str]:
    """The names of the tests that failed in the month before; that of the month tries drafts."""
    is_before = pl.col("as_of") == last_day(next_month(month, -1))
    return tests.filter(is_before & (pl.col("verdict") == Verdict.FAIL))["test"].to_list()


def compared_columns(catalogue: Catalogue) -> list[ComparedColumns]:
    """The columns whose drift is measured: every feature, every tag and the segment mix."""
    matrix = portrait_matrix_table(catalogue)
    # Whatever customers do, a feature of all history moves for a year, an ageing one for ever.
    features = {feature.name: feature.window_months or YEAR for feature in FEATURES}
    ageing = {feature.name: ENDLESS for feature in FEATURES if feature.ages}
    segment = max(features[feature.name] for feature in USED_FEATURES)
    windows = features | {name: segment for name in matrix.column_names if "segment" in name}
    # Models read features over a year.
    windows |= dict.fromkeys(catalogue.predicted, YEAR)
    tags: dict[str, int] = {}
    for tag in catalogue.tags:
        tags[tag.code] = max(tags.get(tag.code, 0), _window(tag.code, catalogue, windows))
    codes = tuple(tag.code for tag in catalogue.published)
    return [
        ComparedColumns(FEATURE_MATRIX, "feature", tuple(features), features | ageing),
        ComparedColumns(matrix, "tag", codes, tags),
        ComparedColumns(
            matrix, "segment mix", ("segment_id",), {"segment_id": segment}, by_value=True
        ),
    ]


def _window(name: str, catalogue: Catalogue, windows: dict[str, int]) -> int:
    """Months that a tag looks back by way of all that it reads."""
    if name in windows:
        return windows[name]
    read = {each for tag in catalogue.tags if tag.code == name for each in tag.inputs}
    return max((_window(each, catalogue, windows) for each in read if each != name), default=0)


def holders(
    warehouse: Warehouse, matrix: Table, codes: Sequence[str], months: Sequence[str]
) -> pl.DataFrame:
    """Customers with a value, by `as_of` and `tag_code`."""
    counts = ", ".join(
        f"count(*) FILTER (len({quote(code)}) > 0) AS {quote(code)}"
        if matrix.column(code).type is Type.TEXTS
        else f"count({quote(code)}) AS {quote(code)}"
        for code in codes
    )
    counted = warehouse.select(
        f"SELECT as_of, {counts} FROM {matrix.full_name} "
        f"WHERE as_of IN ({literals(last_day(month) for month in months)}) GROUP BY as_of"
    )
    return counted.unpivot(index="as_of", variable_name="tag_code", value_name="holders")


def report_of(
    warehouse: Warehouse,
    matrix: Table,
    claims: Sequence[Claim],
    evidence: dict[Table, pl.DataFrame],
    tag_holders: pl.DataFrame,
    month: str,
    smallest: int = EVERY_CELL,
) -> pl.DataFrame:
    """All findings of a month, with the columns of VALIDATION_REPORT.

    Args:
        warehouse: with the tables upstream of the month.
        matrix: the contract of the portrait matrix.
        claims: every claim that is tested.
        evidence: as `evidence_of` gives it.
        tag_holders: as `holders` gives it.
        month: the month.
        smallest: fewest customers of what is listed by itself.
    """
    as_of = last_day(month)
    own = {table: rows.filter(pl.col("as_of") == as_of) for table, rows in evidence.items()}
    receipts = warehouse.read(RECEIPTS, [month])
    absent = receipts.filter(~pl.col("is_provided"))["table_name"].to_list()
    customers = warehouse.materialized(FEATURE_MATRIX)[month]
    segments = warehouse.read(CLUSTER_SEGMENT, [month])
    active = warehouse.read(TAG_CATALOGUE, [month]).filter("in_force")
    judged = active.filter(pl.col("lacks").is_null())
    lacking = lacking_features(given_in(warehouse, [month]).get(month))
    areas = [
        findings.conservation(account_of(warehouse, month)),
        findings.not_given(lacking, active),
        findings.held_back(warehouse.read(CATEGORY_COLUMNS, [month])),
        identifier_findings(shared_identifiers(warehouse, month)),
        returns_finding(Engine(warehouse.con).frame(RETURNED, Scope(month))),
        findings.data_quality(warehouse.read(QUALITY, [month])),
        findings.check_results(_results_so_far(warehouse, month)),
        findings_evidence.feature_health(
            warehouse.read(FEATURE_SELECTION, [month]), lacking, _filling(warehouse, month)
        ),
        findings.segment_sizes(segments, smallest),
        findings_evidence.cluster_quality(warehouse.read(CLUSTER_DECISION, [month]), segments),
        findings.tag_coverage(
            tag_holders.filter(pl.col("as_of") == as_of), judged["tag_code"].to_list(), customers
        ),
        findings_evidence.drift_findings(own[DRIFT]),
        findings_backtest.backtest_findings(own[BACKTEST], claims, matrix.column_names, absent),
        findings_backtest.proposal_findings(own[TAG_PROPOSAL]),
        findings_fairness.fairness_findings(own[FAIRNESS], known_shares(warehouse, month)),
        *_of_predictions(warehouse, month),
        findings_evidence.tag_cards(
            warehouse.read(TAG_QUALITY, [month]).join(judged, on="tag_code", how="semi")
        ),
    ]
    return pl.concat(areas).with_columns(pl.lit(as_of).alias("as_of"))


def _of_predictions(warehouse: Warehouse, month: str) -> Iterator[pl.DataFrame]:
    """Findings on models, cards and values."""

    def rows(table: Table) -> pl.DataFrame:
        return warehouse.read(table, [month])

    yield prediction_findings(rows(PREDICTION_BACKTEST), rows(PREDICTION_CALIBRATION))
    yield card_findings(rows(CREDIT_CURVE))
    yield value_findings(rows(VALUE_MODEL), rows(CONTRACT_MODEL))


def _filling(warehouse: Warehouse, month: str) -> set[str]:
    """The features whose window is longer than the history up to the month."""
    months = sum(each <= month for each in warehouse.materialized(FEATURE_MATRIX))
    return {each.name for each in FEATURES if (each.window_months or 0) > months}


def _results_so_far(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """Results of the stages upstream; this stage's own checks run after the report."""
    results = warehouse.read(CHECK_RESULTS, [month])
    return results.filter(~pl.col("table_name").str.starts_with("validation."))
