"""Steps of the evaluation by themselves: frames in place of what they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.evaluation.inputs import NO_SEGMENTS, named_segment
from portrait_assets.stages.tags.evaluation.steps import EvaluationSteps, evaluation_steps
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.fits import is_fit
from portrait_assets.storage.steps import THE_MONTH, Scope, Source, Span, Step, spans_read, upstream
from portrait_assets.testing.steps import run_step, small_database
from portrait_assets.testing.worlds.tags import HOME, JULY, JUNE, MAY, TIER, catalogue_of, features

PLACE = """\
  - code: place
    expression: "rank_share(spend)"
    type: number
"""
SPEND: dict[str, Any] = {"spend": [150, 20, None, 20, 700]}


def steps_of(folder: Path, *tags: str, before: str | None = None) -> EvaluationSteps:
    return evaluation_steps(catalogue_of(folder, *tags), ["2017-06"], before)


def step_named(name: str, steps: EvaluationSteps) -> Step:
    """The step of this name among those that the evaluation needs."""
    found = next(each for each in upstream(steps.evaluated) if each.name == name)
    assert isinstance(found, Step)
    return found


def without_segments(steps: EvaluationSteps) -> dict[Source, pl.DataFrame]:
    with small_database() as con:
        return {steps.segment: con.sql(f"FROM {NO_SEGMENTS}").pl()}


def test_a_customer_has_the_names_of_the_segment_of_the_month():
    segment = named_segment(THE_MONTH)
    assignment, names = segment.reads
    assigned = pl.DataFrame(
        {
            "as_of": [JUNE, JUNE],
            "customer_id": ["a", "b"],
            "segment_id": [1, 2],
            "confidence": [0.9, 0.4],
        }
    )
    named = pl.DataFrame(
        {
            "as_of": [MAY, JUNE],
            "segment_id": [1, 1],
            "name_en": ["old", "new"],
            "name_zh": ["旧", "新"],
        }
    )
    rows = run_step(segment, Scope("2017-06"), {assignment: assigned, names: named})
    assert rows.sort("customer_id").rows() == [
        (JUNE, "a", 1, "new", "新", 0.9),
        (JUNE, "b", 2, None, None, 0.4),
    ]


def test_customers_are_numbered_and_ranked_among_all_of_the_month(tmp_path: Path):
    steps = steps_of(tmp_path, PLACE)
    inputs = {steps.features: features(**SPEND), **without_segments(steps)}
    ranked = run_step(step_named("ranked", steps), steps.scope, inputs)
    assert ranked.select("customer_id", "customer_no", "rank_share:spend").rows() == [
        ("a", 1, 2 / 3),
        ("b", 2, 0.0),
        ("c", 3, None),
        ("d", 4, 0.0),
        ("e", 5, 1.0),
    ]


def test_ranks_add_up_over_halves_of_the_customers(tmp_path: Path):
    steps = steps_of(tmp_path, PLACE)
    base, rank = step_named("base", steps), step_named("rank_spend", steps)
    (part,) = rank.reads
    assert isinstance(part, Step)
    assert is_fit(rank)
    inputs = {steps.features: features(**SPEND), **without_segments(steps)}
    everyone = run_step(base, steps.scope, inputs)
    halves = [
        run_step(part, steps.scope, {base: everyone.filter(pl.col("customer_id").is_in(half))})
        for half in (["a", "b"], ["c", "d", "e"])
    ]
    assert [half["customers"].sum() for half in halves] == [2, 2]
    apart = run_step(rank, steps.scope, {part: pl.concat(halves)}).sort("value")
    assert apart.rows() == [(JUNE, 20, 0.0), (JUNE, 150, 2 / 3), (JUNE, 700, 1.0)]
    assert apart.equals(run_step(rank, steps.scope, {base: everyone}).sort("value"))


def test_a_handful_of_customers_get_the_rows_of_the_full_run(tmp_path: Path):
    steps = steps_of(tmp_path, PLACE, TIER)
    inputs = {steps.features: features(**SPEND), **without_segments(steps)}
    everyone = run_step(steps.matrix, steps.scope, inputs)
    scope = Scope("2017-06", "customer_id IN ('a', 'd')")
    few = run_step(steps.matrix, scope, inputs).sort("customer_no")
    assert few.equals(everyone.filter(pl.col("customer_id").is_in(["a", "d"])))
    assert few.select("customer_no", "tier", "place").rows() == [(1, "high", 2 / 3), (4, "low", 0)]


def test_a_value_is_kept_for_those_of_whom_it_is_unknown(tmp_path: Path):
    steps = steps_of(tmp_path, HOME, before="2017-05")
    assert steps.previous is not None
    previous = pl.DataFrame(
        {
            "as_of": [MAY, MAY],
            "customer_id": ["a", "b"],
            "tag_code": ["home", "home"],
            "tag_value": ["north", "south"],
            "confidence": [1.0, 1.0],
            "tag_version": [1, 1],
            "decided_as_of": [MAY, MAY],
        }
    )
    inputs = {
        steps.features: features(region=["east", None, None]),
        steps.previous: previous,
        **without_segments(steps),
    }
    kept = run_step(step_named("kept_home", steps), steps.scope, inputs)
    assert kept.select("row_no", "last", "decided").rows() == [(2, "south", MAY)]


def test_what_is_read_is_the_batch_and_the_month_before_it(tmp_path: Path):
    catalogue = catalogue_of(tmp_path, HOME)
    batch = evaluation_steps(catalogue, ["2017-06", "2017-07"], before="2017-05")
    assert batch.previous is not None
    assert spans_read(*batch.targets) == {
        FEATURE_MATRIX: [Span(1)],
        CLUSTER_ASSIGNMENT: [Span(1)],
        CLUSTER_SEGMENT: [Span(1)],
        batch.previous.table: [Span(2, 2)],
    }
    assert batch.scope.as_of == JULY


def test_two_evaluations_share_a_connection_and_leave_nothing(tmp_path: Path):
    con = small_database()
    steps = steps_of(tmp_path, TIER, PLACE)
    con.register("world", features(**SPEND))
    given: dict[Source, str] = {steps.features: "world", steps.segment: NO_SEGMENTS}
    one, two = Engine(con, given), Engine(con, given)
    tables = "SELECT count(*) FROM duckdb_tables() WHERE temporary"
    with one.shared([steps.evaluated], steps.scope), two.shared([steps.evaluated], steps.scope):
        assert con.sql(tables).fetchall() == [(2,)]
        first, second = (engine.frame(steps.matrix, steps.scope) for engine in (one, two))
    assert first["tier"].to_list() == ["high", "low", None, "low", "high"]
    assert first.equals(second)
    assert con.sql(tables).fetchall() == [(0,)]


CALL = """\
  - code: call
    expression: marketing_allowed
    type: boolean
"""


def allowed_by(
    folder: Path, silence: list[tuple[bool, bool, int]], answers: list[tuple[str, str | None, bool]]
) -> dict[str, bool | None]:
    """The tag by customer, from what silence means (allowed, declared, consents) and answers."""
    steps = steps_of(folder, CALL)
    answered = [
        {
            "as_of": JUNE,
            "customer_id": who,
            "purpose": "marketing",
            "channel": channel,
            "allowed": allowed,
            "because": "consent",
        }
        for who, channel, allowed in answers
    ]
    meaning = [
        {"as_of": JUNE, "purpose": "marketing", "allowed": a, "is_declared": d, "consents": n}
        for a, d, n in silence
    ]
    consents, default = steps.permission.reads
    given = {
        consents: pl.DataFrame(answered, schema=CUSTOMER_CONSENT.polars_schema),
        default: pl.DataFrame(meaning, schema=CONSENT_DEFAULT.polars_schema),
    }
    inputs = {steps.features: features(visits=[1, 2, 3, 4]), **without_segments(steps), **given}
    rows = run_step(steps.matrix, steps.scope, inputs)
    return dict(rows.select("customer_id", "call").iter_rows())


def test_a_tag_reads_whether_marketing_is_allowed_by_at_least_one_channel(tmp_path: Path):
    answers = [
        ("a", None, False),
        ("a", "sms", True),
        ("b", None, False),
        ("c", "sms", False),
    ]
    granted = allowed_by(tmp_path, [(True, True, 0)], answers)
    assert granted == {"a": True, "b": False, "c": True, "d": True}
    refused = allowed_by(tmp_path, [(False, False, 9)], answers)
    assert refused == {"a": True, "b": False, "c": False, "d": False}
    # Where nobody was asked and nothing is declared, nothing is known of who says nothing.
    unknown = allowed_by(tmp_path, [(False, False, 0)], [])
    assert set(unknown.values()) == {None}
