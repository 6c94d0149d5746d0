"""Each check of values passes on what was materialized, and fails on what was changed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.value.checks import (
    CHECKS,
    COMPUTED_AGAIN,
    EVERYONE,
    ONE_CHOSEN,
    TOTAL,
    VALUES_AGAIN,
    WITHIN,
    _apart,
)
from portrait_assets.stages.predictions.value.contract import (
    CUSTOMER_VALUE,
    VALUE_MODEL,
    VALUE_PARAMETER,
)
from portrait_assets.storage.dagster.checks import CONTRACT, Finding, Subject, TableCheck
from portrait_assets_tests.predictions.value.value_world import ValueWorld

MONTH = "2024-06"
IS_CHOSEN = pl.col("status") == "chosen"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValueWorld]:
    world = ValueWorld(tmp_path_factory.mktemp("checked"), months=6)
    world.value()
    yield world
    world.warehouse.close()


def found(
    world: ValueWorld,
    check: TableCheck,
    table: Table,
    rows: pl.DataFrame | None = None,
    month: str = MONTH,
) -> Finding:
    stored = world.rows(table, month) if rows is None else rows
    return check.find(Subject(world.warehouse, table, month, lambda: stored))


@pytest.mark.parametrize("month", ["2024-05", MONTH])
def test_what_is_materialized_passes_all_checks(world: ValueWorld, month: str):
    for table in (CUSTOMER_VALUE, VALUE_MODEL, VALUE_PARAMETER):
        for check in (CONTRACT, *CHECKS[table]):
            result = found(world, check, table, month=month)
            assert result.failures == 0, (table.name, check.name, result.detail)


@pytest.mark.parametrize(
    ("end", "expected", "beyond"),
    [
        ("low", "expected_purchases", 0.01),
        ("high", "expected_purchases", -0.01),
        ("spend_low", "expected_spend", Decimal("0.01")),
        ("spend_high", "expected_spend", Decimal("-0.01")),
    ],
)
def test_an_expectation_outside_of_its_interval_is_found(
    world: ValueWorld, end: str, expected: str, beyond: float | Decimal
):
    rows = world.rows(CUSTOMER_VALUE, MONTH)
    at = rows.with_columns(pl.col(expected).alias(end))
    assert found(world, WITHIN, CUSTOMER_VALUE, at).failures == 0
    is_first = pl.int_range(pl.len()) < 2
    moved = pl.when(is_first).then(pl.col(end) + beyond).otherwise(pl.col(end))
    some = at.with_columns(moved.cast(at.schema[end]))
    assert found(world, WITHIN, CUSTOMER_VALUE, some).failures == 2


def test_a_chance_above_1_breaks_the_contract(world: ValueWorld):
    rows = world.rows(CUSTOMER_VALUE, MONTH).with_columns(p_alive=pl.lit(1.1))
    assert found(world, CONTRACT, CUSTOMER_VALUE, rows).failures > 0


def test_two_methods_none_or_one_that_did_not_converge_are_found(world: ValueWorld):
    rows = world.rows(VALUE_MODEL, MONTH)
    both = rows.with_columns(status=pl.lit("chosen"))
    assert found(world, ONE_CHOSEN, VALUE_MODEL, both).failures > 0
    none = rows.with_columns(status=pl.lit("not chosen"))
    assert found(world, ONE_CHOSEN, VALUE_MODEL, none) == Finding(1, "no method, and no values")
    degenerate = rows.with_columns(converged=pl.lit(False))
    assert found(world, ONE_CHOSEN, VALUE_MODEL, degenerate) == Finding(1, "BG/NBD")


def test_a_total_far_off_is_warned_of(world: ValueWorld):
    rows = world.rows(VALUE_MODEL, MONTH).with_columns(total_bias=pl.lit(0.5))
    assert found(world, TOTAL, VALUE_MODEL, rows) == Finding(1, "total bias +50.0%")


def test_a_parameter_that_was_changed_gives_other_values(world: ValueWorld):
    rows = world.rows(VALUE_PARAMETER, MONTH)
    is_r = (pl.col("method") == "BG/NBD") & (pl.col("key") == "r")
    changed = rows.with_columns(pl.when(is_r).then(pl.col("value") * 1.5).otherwise("value"))
    customers = world.rows(CUSTOMER_VALUE, MONTH).height
    result = found(world, VALUES_AGAIN, VALUE_PARAMETER, changed)
    assert result.failures > customers / 2
    assert result.detail.startswith(f"{customers} values computed again")


def test_values_of_a_method_that_cannot_be_read_are_found(world: ValueWorld):
    rows, values = world.rows(VALUE_MODEL, MONTH), world.rows(CUSTOMER_VALUE, MONTH)
    try:
        world.warehouse.write(VALUE_MODEL, [MONTH], rows.with_columns(status=pl.lit("not chosen")))
        result = found(world, VALUES_AGAIN, VALUE_PARAMETER)
    finally:
        world.warehouse.write(VALUE_MODEL, [MONTH], rows)
    assert result.failures == min(values.height, COMPUTED_AGAIN) > 0
    assert "no method that can be read" in result.detail


def test_a_customer_without_a_value_and_one_who_never_bought_are_found(world: ValueWorld):
    rows, values = world.rows(VALUE_MODEL, MONTH), world.rows(CUSTOMER_VALUE, MONTH)
    fewer = rows.with_columns(valued=pl.when(IS_CHOSEN).then(values.height - 1).otherwise(0))
    assert found(world, EVERYONE, VALUE_MODEL, fewer).failures == 1
    who = pl.when(pl.col("customer_id") == values["customer_id"][0])
    renamed = values.with_columns(
        who.then(pl.lit("stranger")).otherwise("customer_id").alias("customer_id")
    )
    try:
        world.warehouse.write(CUSTOMER_VALUE, [MONTH], renamed)
        result = found(world, EVERYONE, VALUE_MODEL)
        assert result.failures == 2, "one is missing, and one is nobody who bought"
    finally:
        world.warehouse.write(CUSTOMER_VALUE, [MONTH], values)


def test_a_value_that_only_one_of_both_knows_differs():
    rows = [(1.0, 1.0), (1.0, 1.2), (1.0, 1.3), (None, None), (1.0, None), (None, 1.0)]
    both = pl.DataFrame(rows, schema={"p": pl.Float64, "p_again": pl.Float64}, orient="row")
    assert both.select(_apart("p", 0.25)).to_series().to_list() == [
        *(False, False, True),
        *(False, True, True),
    ]
