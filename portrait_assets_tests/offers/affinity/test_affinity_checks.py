"""What is checked of affinities: what was computed passes, and what was changed fails."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from portrait_assets.stages.offers.affinity.checks import (
    CAME_TRUE,
    IN_ORDER,
    NOT_HELD,
    PROFILED,
    WITHIN,
    affinity_checks,
)
from portrait_assets.stages.offers.affinity.contract import PRODUCT_AFFINITY, SEGMENT_PRODUCT
from portrait_assets.storage.dagster.checks import Finding, TableCheck
from portrait_assets_tests.offers.affinity_world import (
    BEFORE,
    CUSTOMERS,
    Computed,
    bank_of,
    purchases,
)
from portrait_assets_tests.offers.world import MONTH, found, frame_of, stored

ENOUGH = affinity_checks(5)[SEGMENT_PRODUCT][0]


def test_every_check_holds_of_what_was_computed(computed: Computed):
    checks = affinity_checks(5)
    for table, rows in (
        (PRODUCT_AFFINITY, computed.affinities),
        (SEGMENT_PRODUCT, computed.segments),
    ):
        for check in checks[table]:
            assert found(check, computed.warehouse, table, rows).failures == 0, check.name


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        (IN_ORDER, pl.col("rank") + 1),
        (IN_ORDER, (1 - pl.col("probability")).alias("probability")),
        (PROFILED, pl.lit("c58").alias("customer_id")),
        (PROFILED, pl.lit("nobody").alias("customer_id")),
        (NOT_HELD, pl.lit("deposit").alias("item")),
    ],
)
def test_affinities_that_were_changed_fail(computed: Computed, check: TableCheck, changed: pl.Expr):
    rows = computed.affinities.with_columns(changed)
    assert found(check, computed.warehouse, PRODUCT_AFFINITY, rows).failures > 0


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        (ENOUGH, pl.lit(4, pl.Int64).alias("customers")),
        (WITHIN, (pl.col("segment_size") + 1).alias("customers")),
        (WITHIN, ~pl.col("stands_out")),
        (WITHIN, (pl.col("lift_high") + 1).alias("lift_low")),
    ],
)
def test_segments_that_were_changed_fail(computed: Computed, check: TableCheck, changed: pl.Expr):
    rows = computed.segments.with_columns(changed)
    assert found(check, computed.warehouse, SEGMENT_PRODUCT, rows).failures > 0


def listed_before(probability: float, item: str = "tea") -> pl.DataFrame:
    """What was listed in March: one item of each kind of everybody."""
    rows = [
        {
            "as_of": BEFORE,
            "customer_id": who,
            "item_kind": kind,
            "item": item if kind == "product" else f"{item} {kind}",
            "rank": n + 1,
            "probability": probability,
            "basis": "repurchase",
        }
        for who in CUSTOMERS
        for kind in ("category", "type", "product")
        for n in range(2)
    ]
    return frame_of(PRODUCT_AFFINITY, rows).unique(PRODUCT_AFFINITY.key, keep="first")


def came_true(folder: Path, listed: pl.DataFrame) -> Finding:
    bank = bank_of(list(purchases()))
    warehouse = stored(bank, folder)
    warehouse.write(PRODUCT_AFFINITY, ["2024-03"], listed)
    return found(CAME_TRUE, warehouse, PRODUCT_AFFINITY, listed)


def test_what_was_listed_must_come_true_as_often_as_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("portrait_assets.stages.offers.affinity.checks.LEAST_LISTED", 20)
    tea = listed_before(0.5).filter(item_kind="product")
    as_said = came_true(tmp_path / "as said", tea)
    assert (as_said.failures, as_said.detail[:17]) == (0, "of 60 items 48.3%")
    assert came_true(tmp_path / "never", listed_before(0.9)).failures == 1
    assert MONTH == "2024-06"


def test_of_few_that_were_listed_it_is_not_asked(tmp_path: Path):
    few = listed_before(0.9).head(50)
    assert "only 50" in came_true(tmp_path, few).detail


@pytest.mark.parametrize(
    ("q_value", "stands_out", "failures"),
    [(0.05, True, 0), (0.05, False, 1), (0.051, False, 0), (0.051, True, 1), (0.001, True, 1)],
)
def test_what_stands_out_does_so_up_to_a_false_discovery_rate_of_5_percent(
    computed: Computed, q_value: float, stands_out: bool, failures: int
):
    """Of a p-value of 0.01 no q-value is smaller."""
    rows = computed.segments.head(1).with_columns(
        p_value=pl.lit(0.01), q_value=pl.lit(q_value), stands_out=pl.lit(stands_out)
    )
    assert found(WITHIN, computed.warehouse, SEGMENT_PRODUCT, rows).failures == failures
