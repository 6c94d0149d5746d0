"""Each check of credit scores passes on what was materialized, and fails on what was changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import polars as pl
import pytest

from portrait_assets.stages.predictions.credit.checks import (
    ALLOWED,
    CHECKS,
    CURVE_FALLS,
    EVERYONE,
    GIVES_POINTS,
    IN_ORDER,
    NOTHING_PROTECTED,
)
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    SCORECARD,
)
from portrait_assets.storage.dagster.checks import CONTRACT, Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.predictions.credit.credit_world import CreditWorld

MONTH = "2024-05"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CreditWorld]:
    world = CreditWorld(
        tmp_path_factory.mktemp("checked"), customers=300, months=5, refuses={"c0003": "2024-01"}
    )
    world.predict()
    world.score()
    yield world
    world.warehouse.close()


def test_what_is_materialized_passes_all_checks(world: CreditWorld):
    for table in (CREDIT_SCORE, SCORECARD, CREDIT_DECISION, CREDIT_CURVE):
        assert world.rows(table, MONTH).height > 0
        for check in (CONTRACT, *CHECKS[table]):
            assert world.found(check, table).failures == 0, (table.name, check.name)


def test_points_of_a_bin_that_were_changed_give_other_points(world: CreditWorld):
    rows = world.rows(SCORECARD, MONTH)
    part = (pl.col("part") == "bin") & (pl.col("feature") == "digital_share_12m")
    first = part & (pl.col("bin") == 0)
    changed = rows.with_columns(points=pl.col("points") + pl.when(first).then(1).otherwise(0))
    (high,) = rows.filter(first)["high"]
    inside = world.warehouse.select(
        "SELECT count(*) FROM features.feature_matrix WHERE as_of = '2024-05-31' "
        f"AND digital_share_12m <= {high} AND customer_id <> 'c0003'"
    ).item()
    assert inside > 0
    # Each of their scores, and the statement that is stored beside the card.
    result = world.found(GIVES_POINTS, SCORECARD, changed)
    assert result == Finding(inside + 1, f"1 cards; differing: silence of {inside + 1}")


def test_a_score_of_somebody_who_refuses_is_found(world: CreditWorld):
    rows = world.rows(CREDIT_SCORE, MONTH)
    more = pl.concat([rows, rows.head(1).with_columns(customer_id=pl.lit("c0003"))])
    assert world.found(ALLOWED, CREDIT_SCORE, more) == Finding(1, "300 scores, 1 not allowed")


def test_more_points_with_a_higher_probability_are_found(world: CreditWorld):
    rows = world.rows(CREDIT_SCORE, MONTH)
    turned = rows.with_columns(probability=1 - pl.col("probability"))
    steps = rows["points"].n_unique() - 1
    assert world.found(IN_ORDER, CREDIT_SCORE, turned) == Finding(steps, "silence")
    worse = rows.with_columns(
        band=pl.when(pl.col("band") == "A").then(pl.lit("E")).otherwise("band")
    )
    assert world.found(IN_ORDER, CREDIT_SCORE, worse).failures > 0


SCORED = {"target": "default", "horizon": 1, "points": 400, "probability": 0.2, "band": "B"}


@pytest.mark.parametrize(
    ("changed", "is_found"),
    [
        ({"probability": 0.2}, False),
        ({"probability": 0.21}, True),
        ({"band": "A"}, False),
        ({"band": "C"}, True),
        ({"probability": 0.21, "target": "silence"}, False),
        ({"probability": 0.21, "horizon": 3}, False),
    ],
)
def test_only_scores_of_one_target_and_horizon_are_compared(
    changed: dict[str, object], is_found: bool
):
    more = SCORED | {"points": 401} | changed
    kinds = {name: CREDIT_SCORE.empty().schema[name] for name in SCORED}
    rows = pl.DataFrame([SCORED, more]).cast(kinds)  # type: ignore[arg-type]
    subject = Subject(cast(Warehouse, None), CREDIT_SCORE, MONTH, lambda: rows)
    assert IN_ORDER.find(subject).failures == is_found


def test_a_customer_who_is_not_accounted_for_is_found(world: CreditWorld):
    rows = world.rows(CREDIT_DECISION, MONTH)
    fewer = rows.with_columns(scored=pl.col("scored") - 1)
    result = world.found(EVERYONE, CREDIT_DECISION, fewer)
    assert result == Finding(1, "1 targets of 300 customers; not accounted for: silence")
    assert world.found(EVERYONE, CREDIT_DECISION, rows.clear()).failures == 1
    without = rows.with_columns(model_version=pl.lit(None, pl.String))
    assert world.found(EVERYONE, CREDIT_DECISION, without).failures == 1
    more = rows.with_columns(not_asked=pl.lit(2))
    assert world.found(EVERYONE, CREDIT_DECISION, more).failures == 0, "two erased since"


def test_a_protected_feature_in_a_card_is_found(world: CreditWorld):
    stored = world.rows(SCORECARD)
    is_clue = pl.col("feature") == "digital_share_12m"
    renamed = pl.when(is_clue).then(pl.lit("known_attribute_share")).otherwise("feature")
    world.warehouse.write(
        SCORECARD, world.month_names, stored.with_columns(renamed.alias("feature"))
    )
    result = world.found(NOTHING_PROTECTED, CREDIT_DECISION)
    world.warehouse.write(SCORECARD, world.month_names, stored)
    assert result == Finding(1, "known_attribute_share of silence")


def test_a_curve_that_rises_and_rates_that_are_not_of_the_counts_are_found(world: CreditWorld):
    rows = world.rows(CREDIT_CURVE, MONTH)
    top = pl.col("cut") == rows["cut"].max()
    rising = rows.with_columns(approved=pl.when(top).then(9_999).otherwise("approved"))
    assert world.found(CURVE_FALLS, CREDIT_CURVE, rising).failures == 1
    other = rows.with_columns(actual_bad_rate=pl.col("actual_bad_rate") / 2)
    assert world.found(CURVE_FALLS, CREDIT_CURVE, other).failures > 5
