"""An outcome is declared in one place: names, claims and counts follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl
import pytest

from portrait_assets.schema.table import Column, PartitionBy, Sensitivity, Table, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.targets import contract
from portrait_assets.stages.targets.contract import SOURCE_OUTCOME, TARGET
from portrait_assets.stages.targets.declared.entries import MONTHLY
from portrait_assets.stages.targets.declared.outcome import Baseline, Kind, Outcome
from portrait_assets.stages.targets.declared.outcomes import (
    FACTS,
    OUTCOMES,
    TAKEN,
    facts_of,
    outcome,
)
from portrait_assets.stages.targets.windows import Lag, Window
from portrait_assets.stages.validation.backtests.claims import CLAIMS, Claim, claims_of
from portrait_assets.stages.validation.backtests.counting import count_windows, steps_of
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Read, Source, upstream
from portrait_assets_tests.validation.small_world import rows_of

COMPLAINT = Outcome(
    "complaint",
    "complaint",
    "投诉",
    "complaints > 0",
    baselines=(
        Baseline("calls", "complaints_12m"),
        Baseline("recency", "recency_days", unknown_is_likely=True),
    ),
    needs="interactions",
)
MATRIX = Table(
    schema="tags",
    name="portrait_matrix",
    en="Matrix",
    zh="矩阵",
    columns=(Column("customer_id", Type.TEXT, "", ""), Column("segment_id", Type.INTEGER, "", "")),
    partition_by=PartitionBy.AS_OF,
)


def counted(
    claim: Claim,
    target: dict[str, dict[str, int]],
    month_before: dict[str, dict[str, int]],
    features: dict[str, list[int | None]] | None = None,
    declared: Sequence[Outcome] = (),
    reported: Mapping[str, str] | None = None,
) -> dict[tuple[str, str], tuple[float, float]]:
    """Customers and hits by side and bucket: two segments of two customers, one month on.

    `reported` is of an outcome of the source, by customer the month in which it happened.
    """
    steps = steps_of(MATRIX, [claim], [Lag(0, 1)], declared=declared)
    stored = [
        each
        for each in upstream(*steps.targets, steps.predicted, steps.features)
        if isinstance(each, Read)
    ]
    predicted = pl.DataFrame(
        {"customer_id": ["a", "b", "c", "d"], "segment_id": [1, 1, 2, 2]}
    ).with_columns(as_of=pl.lit("2024-01-31").str.to_date())
    after = pl.DataFrame(
        [
            {"base_month": "2024-01", "horizon": 1, "customer_id": who}
            | {fact.name: facts.get(fact.name, 0) for fact in FACTS}
            for who, facts in target.items()
        ]
    )
    before = pl.DataFrame(
        [
            {"month": "2024-01", "customer_id": who}
            | {name: facts.get(name, 0) for name in CUSTOMER_MONTH.column_names[2:]}
            for who, facts in month_before.items()
        ]
    )
    frames = {MATRIX: predicted, TARGET: after, CUSTOMER_MONTH: before}
    frames[UNPROFILED] = UNPROFILED.empty()
    if reported is not None:
        reports = pl.DataFrame(
            [
                {"month": month, "base_month": "2024-01", "horizon": 1, "customer_id": who}
                | {"outcome": "default", "value": 1.0}
                for who, month in reported.items()
            ]
        )
        frames[CLEANED["outcomes"]] = reports.drop("base_month", "horizon")
        frames[SOURCE_OUTCOME] = reports.filter(pl.col("month") == "2024-02")
    if features is not None:
        frames[FEATURE_MATRIX] = predicted.select("as_of", "customer_id").with_columns(
            pl.Series(name, values) for name, values in features.items()
        )
    with scratch_database() as con:
        for table, frame in frames.items():
            con.register(f"given_{table.name}", frame)
        given: dict[Source, str] = {
            each: f"given_{each.table.name}" for each in stored if each.table in frames
        }
        found = rows_of(
            [
                count_windows(
                    *(Engine(con, given), MATRIX, [claim], [Window("2024-01", 1)]),
                    declared=declared,
                )
            ]
        )
    rows = found.select("side", "bucket", "customers", "hits").iter_rows()
    return {(side, bucket): (customers, hits) for side, bucket, customers, hits in rows}


def test_an_outcome_that_is_declared_is_claimed_and_counted():
    claims = claims_of((*OUTCOMES, COMPLAINT))
    (claim,) = set(claims) - set(CLAIMS)
    assert claim.name == "segment_id / complaint"
    found = counted(
        claim, target={"a": {"complaints": 2}, "c": {"purchases": 1}}, month_before={"a": {}}
    )
    assert found == {("tag", "1"): (2, 1), ("tag", "2"): (2, 0)}, "it only describes"


DEFAULT = Outcome(
    "default",
    "default",
    "违约",
    hit="answer >= 0.5",
    eligible="coalesce(answer_before, 0) < 0.5",
    needs="outcomes",
    by=Kind.SOURCE,
    of="default",
    unreported_is_no=True,
)


@pytest.mark.parametrize(
    ("outcome_of_default", "expected"),
    [
        (DEFAULT, {("tag", "1"): (2, 1), ("tag", "2"): (1, 0)}),
        (replace(DEFAULT, unreported_is_no=False), {("tag", "1"): (1, 1)}),
        (replace(DEFAULT, eligible="true"), {("tag", "1"): (2, 1), ("tag", "2"): (2, 0)}),
        (None, {("tag", "1"): (1, 1)}),
    ],
    ids=["silence is no", "unknown", "again", "no target of its own"],
)
def test_tags_are_held_against_an_outcome_as_its_target_says(
    outcome_of_default: Outcome | None, expected: dict[tuple[str, str], tuple[float, float]]
):
    """The source reports that a defaulted in the window and c before it, and nothing else."""
    found = counted(
        Claim("segment_id", outcome("answer"), learned=True),
        target={"a": {}},
        month_before={"a": {}},
        declared=[outcome_of_default] if outcome_of_default else [],
        reported={"a": "2024-02", "c": "2024-01"},
    )
    assert found == expected


def test_a_claim_is_counted_beside_its_baselines_by_the_feature_s_order():
    """Of four customers each is a quarter; who has no value is where the baseline puts them."""
    found = counted(
        Claim("segment_id", COMPLAINT, ("2", "1")),
        target={"a": {"complaints": 2}, "c": {"complaints": 1}},
        month_before={"a": {}},
        features={"complaints_12m": [5, 1, None, 3], "recency_days": [9, 4, None, 1]},
    )
    assert {key: value for key, value in found.items() if key[0] != "tag"} == {
        ("calls", "0.0"): (1, 1),
        ("calls", "6.0"): (1, 0),
        ("calls", "13.0"): (1, 0),
        ("calls", "19.0"): (1, 1),
        ("recency", "0.0"): (1, 0),
        ("recency", "6.0"): (1, 0),
        ("recency", "13.0"): (1, 1),
        ("recency", "19.0"): (1, 1),
    }


@pytest.mark.parametrize(
    ("outcome", "facts", "is_hit"),
    [
        (outcome("silence"), {"purchases": 0}, True),
        (outcome("silence"), {"purchases": 1}, False),
        (outcome("purchase"), {"purchases": 1}, True),
        (outcome("purchase"), {"purchases": 0}, False),
        (outcome("spend"), {"spend_rank": 0.8, "spend": 0.01}, True),
        (outcome("spend"), {"spend_rank": 0.79, "spend": 0.01}, False),
        (outcome("spend"), {"spend_rank": 1.0, "spend": 0}, False),
        (outcome("response"), {"responses": 1}, True),
        (outcome("response"), {"responses": 0}, False),
        (outcome("answer"), {"answer": 0.5}, True),
        (outcome("answer"), {"answer": 0.49}, False),
        (outcome("stickiness"), {"active_months": 3, "horizon": 3}, True),
        (outcome("stickiness"), {"active_months": 2, "horizon": 3}, False),
    ],
)
def test_what_is_a_hit_at_its_limit(outcome: Outcome, facts: dict[str, float], is_hit: bool):
    columns = ", ".join(f"{value} AS {name}" for name, value in facts.items())
    with scratch_database() as con:
        assert con.execute(f"SELECT {outcome.hit} FROM (SELECT {columns})").fetchall() == [
            (is_hit,)
        ]


def test_who_stays_away_is_ranked_the_other_way_round_than_who_buys_again():
    def orders(outcome: Outcome) -> list[tuple[str, bool, bool]]:
        return [(b.feature, b.falls, b.unknown_is_likely) for b in outcome.baselines]

    assert orders(outcome("purchase")) == [
        ("recency_days", True, False),
        ("purchases_1m", False, False),
        ("spend_trend_3m", False, False),
    ]
    assert orders(outcome("silence")) == [
        ("recency_days", False, True),
        ("purchases_1m", True, True),
        ("spend_trend_3m", True, True),
    ]


def test_baselines_are_orders_of_features():
    for each in OUTCOMES:
        for rule in each.baselines:
            assert FEATURE_MATRIX.column(rule.feature), rule
        names = [rule.name for rule in each.baselines]
        assert len(set(names)) == len(names)


def test_what_is_not_declared_is_not_claimed():
    left = [each for each in OUTCOMES if each.code != "spend"]
    gone = {claim.name for claim in CLAIMS} - {claim.name for claim in claims_of(left)}
    assert gone == {"value_tier / spend", "expected_spend_30d / spend", "segment_id / spend"}


@pytest.mark.parametrize(
    ("outcome", "hits"),
    [
        (outcome("silence"), {"1": 1, "2": 2}),
        (outcome("purchase"), {"1": 1, "2": 0}),
        (outcome("stickiness"), {"1": 1, "2": 0}),
        (outcome("spend"), {"1": 1, "2": 0}),
        (outcome("satisfaction"), {"1": 1}),
        (outcome("response"), {"2": 1}),
        (outcome("return"), {"1": 0, "2": 0}),
    ],
    ids=str,
)
def test_hits_are_counted_of_those_who_are_eligible(outcome: Outcome, hits: dict[str, int]):
    found = counted(
        Claim("segment_id", outcome, learned=True),
        target={
            "a": {"purchases": 1, "active_months": 1, "spend": 30, "surveys": 2}
            | {"survey_points": 9},
            "b": {"surveys": 1, "survey_points": 4},
            "c": {"contacts": 2, "responses": 1},
        },
        month_before={"a": {"purchases": 1, "amount": 5}},
    )
    assert {bucket: n for (side, bucket), (_, n) in found.items() if side == "tag"} == hits


@pytest.mark.parametrize(
    ("outcome", "target", "hits"),
    [
        # Scores of 4.5, 4 and 4.25 on average.
        (
            outcome("satisfaction"),
            {"a": (2, 9), "b": (1, 4), "c": (4, 17), "d": (0, 0)},
            {"1": 1, "2": 1},
        ),
        (outcome("satisfaction"), {"a": (1, 4), "c": (1, 4)}, {"1": 1, "2": 1}),
    ],
)
def test_who_is_at_the_median_is_in_the_upper_half(
    outcome: Outcome, target: dict[str, tuple[int, int]], hits: dict[str, int]
):
    facts = {who: {"surveys": n, "survey_points": points} for who, (n, points) in target.items()}
    found = counted(Claim("segment_id", outcome, learned=True), facts, month_before={"a": {}})
    assert {bucket: n for (side, bucket), (_, n) in found.items() if side == "tag"} == hits


def test_who_spent_nothing_is_no_high_spender_although_others_got_more_back():
    facts = {who: {"spend": -n} for n, who in enumerate("abcd")}
    claim = Claim("segment_id", outcome("spend"), learned=True)
    found = counted(claim, facts, month_before={"a": {}})
    assert {bucket: n for (side, bucket), (_, n) in found.items() if side == "tag"} == {
        "1": 0,
        "2": 0,
    }


def test_only_facts_that_outcomes_read_are_joined():
    in_window, before = facts_of([outcome("return"), COMPLAINT])
    assert [fact.name for fact in in_window] == ["purchases", "complaints"]
    assert [fact.before for fact in before] == ["purchases_before"]


def test_every_outcome_reads_facts_and_a_cleaned_table_that_exist():
    for each in OUTCOMES:
        in_window, _ = facts_of([each])
        assert in_window or each.is_named_by_source, each
        assert each.needs in CLEANED
        assert each.en
        assert each.zh
    codes = [each.code for each in OUTCOMES]
    assert len(set(codes)) == len(codes)


def test_every_fact_is_added_up_from_columns_of_a_month():
    for fact in FACTS:
        if fact is not TAKEN:
            assert fact.words & set(MONTHLY[fact.of].column_names), fact.name


def test_a_fact_has_the_class_of_what_it_is_added_up_from():
    raised = [
        replace(column, sensitivity=Sensitivity.C3) if column.name == "amount" else column
        for column in CUSTOMER_MONTH.columns
    ]
    months = replace(CUSTOMER_MONTH, columns=tuple(raised))
    found = {column.name: column.sensitivity for column in contract._columns(months)}
    assert found["spend"] is Sensitivity.C3
    assert found["purchases"] is TARGET.column("purchases").sensitivity
