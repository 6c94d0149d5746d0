"""Drift is reported where a distribution moved, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.validation.contract import Against
from portrait_assets.stages.validation.drift import (
    ComparedColumns,
    drift,
)
from portrait_assets.stages.validation.judging import compared_columns
from portrait_assets.stages.validation.moves import Pair, active_by_construction, pairs_of
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.shop import SHOP_MONTHS
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

LAST = SHOP_MONTHS[-1]
SHARE = "weekend_spend_share_12m"
PLACE = pl.int_range(pl.len())


def test_a_month_is_compared_with_the_one_before_and_with_a_year_ago():
    months = [f"2023-{m:02d}" for m in range(1, 13)] + ["2024-01"]
    assert pairs_of(["2024-01"], months) == [
        Pair("2024-01", "2023-12", Against.MONTH_BEFORE),
        Pair("2024-01", "2023-01", Against.BASELINE),
    ]
    assert pairs_of(["2024-01"], ["2022-11", "2022-12", *months])[1].reference == "2023-01"
    assert pairs_of(["2023-03"], months)[1] == Pair("2023-03", "2023-01", Against.BASELINE)
    assert pairs_of(["2023-01"], months) == []


def test_a_first_month_that_everyone_bought_in_is_no_month_to_compare_with(warehouse: Warehouse):
    first = SHOP_MONTHS[0]
    assert active_by_construction(warehouse, SHOP_MONTHS) == [first]
    assert pairs_of(SHOP_MONTHS[:3], SHOP_MONTHS, [first]) == [
        Pair(SHOP_MONTHS[2], SHOP_MONTHS[1], Against.MONTH_BEFORE),
        Pair(SHOP_MONTHS[2], SHOP_MONTHS[1], Against.BASELINE),
    ]
    matrix = warehouse.read(FEATURE_MATRIX, [first])
    silent = matrix.head(1).with_columns(
        customer_id=pl.lit("joined only"), purchases_1m=pl.lit(0, dtype=pl.Int64)
    )
    warehouse.write(FEATURE_MATRIX, [first], pl.concat([matrix, silent]))
    assert active_by_construction(warehouse, SHOP_MONTHS) == []
    assert active_by_construction(warehouse, []) == []


USUAL = PLACE % 100 / 100


def many(warehouse: Warehouse, changed: pl.Expr, usual: pl.Expr = USUAL) -> pl.DataFrame:
    """Drift of a feature of 2,000 customers: `changed` in the last, `usual` before."""
    for month in SHOP_MONTHS:
        share = changed if month == LAST else usual
        one = warehouse.read(FEATURE_MATRIX, [month]).head(1)
        crowd = pl.concat([one] * 2_000).with_columns(
            share.cast(pl.Float64).alias(SHARE), pl.format("C{}", PLACE).alias("customer_id")
        )
        warehouse.write(FEATURE_MATRIX, [month], crowd)
    return drift(
        warehouse, [ComparedColumns(FEATURE_MATRIX, "feature", (SHARE,), {})], [LAST], SHOP_MONTHS
    )


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        (PLACE * 7 % 100 / 100, "pass"),
        ((PLACE % 100 / 100) ** 1.5, "warn"),
        (PLACE % 20 / 100, "fail"),
        (pl.lit(None), "fail"),
    ],
    ids=["the same, other customers", "somewhat lower", "all low", "gone"],
)
def test_the_verdict_follows_how_far_a_distribution_moved(
    warehouse: Warehouse, changed: pl.Expr, verdict: str
):
    found = many(warehouse, changed)
    assert found["verdict"].to_list() == [verdict, verdict]
    assert found["psi"].is_finite().all()


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        (USUAL, "fail"),
        (pl.when(PLACE % 25 == 0).then(USUAL), "warn"),
        (pl.when(PLACE == 0).then(USUAL), "pass"),
    ],
    ids=["everyone has one", "one in 25 has one", "one customer has one"],
)
def test_values_of_a_column_that_had_none_are_drift(
    warehouse: Warehouse, changed: pl.Expr, verdict: str
):
    compared = many(warehouse, changed, usual=pl.lit(None))
    assert compared["bins"].to_list() == [2, 2]
    assert compared["verdict"].to_list() == [verdict, verdict]


def test_a_column_that_had_no_value_leaves_the_others_as_they_are(warehouse: Warehouse):
    new, others = "spend_spread_12m", ("tenure_days", "category_diversity_12m")

    def compared(*names: str) -> pl.DataFrame:
        return drift(
            warehouse,
            [ComparedColumns(FEATURE_MATRIX, "feature", names, {})],
            [SHOP_MONTHS[1]],
            SHOP_MONTHS,
        )

    together = compared(new, *others)
    assert together.filter(pl.col("subject") == new)["verdict"].to_list() == ["fail", "fail"]
    assert together.filter(pl.col("subject") != new).equals(compared(*others))


def test_a_column_without_a_value_in_either_month_is_no_drift(warehouse: Warehouse):
    compared = many(warehouse, pl.lit(None), usual=pl.lit(None))
    assert compared["bins"].to_list() == [1, 1]
    assert compared["verdict"].to_list() == ["pass", "pass"]


def test_a_window_that_is_not_full_yet_is_not_judged(warehouse: Warehouse):
    feature = ComparedColumns(FEATURE_MATRIX, "feature", ("tenure_days",), {"tenure_days": 12})
    found = drift(warehouse, [feature], [LAST], SHOP_MONTHS)
    assert found["is_filling"].all()
    assert not found["verdict"].is_in(["warn", "fail"]).any()


def test_few_customers_raise_no_alarm_when_some_happen_to_differ(
    warehouse: Warehouse, catalogue: Catalogue
):
    """The shop has a handful: whatever moved, chance would have done as much."""
    found = drift(warehouse, compared_columns(catalogue), SHOP_MONTHS, SHOP_MONTHS)
    assert set(found["kind"]) == {"feature", "tag", "segment mix"}
    assert found.filter(pl.col("psi") > pl.col("psi_p95")).height < found.height / 2


def test_the_drift_of_a_month_does_not_depend_on_the_months_of_the_run(
    warehouse: Warehouse, catalogue: Catalogue
):
    together = drift(warehouse, compared_columns(catalogue), SHOP_MONTHS, SHOP_MONTHS)
    alone = drift(warehouse, compared_columns(catalogue), [LAST], SHOP_MONTHS)
    assert together.filter(pl.col("as_of") == alone["as_of"][0]).equals(alone)


def test_one_month_alone_has_no_drift(warehouse: Warehouse, catalogue: Catalogue, matrix: Table):
    assert drift(
        warehouse, compared_columns(catalogue), SHOP_MONTHS[:1], SHOP_MONTHS[:1]
    ).is_empty()


def test_a_window_is_full_when_the_month_compared_with_has_as_many_behind_it(tmp_path: Path):
    """A feature of two months jumps in February and in March; January looks back on one only."""
    customers, months = 200, ["2024-01", "2024-02", "2024-03"]
    world = SmallWorld(tmp_path, matrix_of(), customers)
    for month, level in zip(months, (0, 500, 1000), strict=True):
        days = [level + number % 50 for number in range(customers)]
        world.add(month, {}, {"recency_days": days})
    compared = ComparedColumns(FEATURE_MATRIX, "feature", ("recency_days",), {"recency_days": 2})
    found = drift(world.close(), [compared], months[1:], months)
    judged = found.select("as_of", "against", "is_filling", "verdict").sort("as_of", "against")
    february, march = last_day(months[1]), last_day(months[2])
    assert judged.rows() == [
        (february, Against.BASELINE, True, "not judged"),
        (february, Against.MONTH_BEFORE, True, "not judged"),
        (march, Against.BASELINE, True, "not judged"),
        (march, Against.MONTH_BEFORE, False, "fail"),
    ]
