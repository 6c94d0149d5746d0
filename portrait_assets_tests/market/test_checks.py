"""Each check of the stage passes on what holds, and fails on what it is for."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import polars as pl
import pytest

from portrait_assets.schema.table import Table
from portrait_assets.stages.market import checks
from portrait_assets.stages.market.changes.contract import DEMAND_CHANGE, TAKINGS_CHANGE
from portrait_assets.stages.market.columns import FALSE_DISCOVERIES
from portrait_assets.stages.market.competitors.contract import COMPETITOR, LAUNCH
from portrait_assets.stages.market.demand.contract import DEMAND, ITEM_MONTH, SEASON
from portrait_assets.stages.market.design.contract import BUNDLE
from portrait_assets.storage.dagster.checks import Subject, TableCheck
from portrait_assets.storage.duckdb.store import Warehouse

ITEMS = [
    {"segment_id": s, "measure": "purchases", "item_kind": "category", "item": "tea"}
    | {"customers": n, "lines": n, "amount": Decimal(n)}
    for s, n in ((0, 5), (1, 2), (2, 3))
]
TAKINGS = [
    {"comparison": "month before", "segment_id": 0, "item": "tea"}
    | {"amount_before": Decimal(5), "amount": Decimal(9), "change": Decimal(4)}
    | {"volume": Decimal(3), "price": Decimal("1.01"), "mix": Decimal("-0.01")}
]
SEASONS = [
    {"measure": "purchases", "item_kind": "all", "item": "all", "month_of_year": m, "index": 1.0}
    for m in range(1, 13)
]
CHANGE = [
    {"comparison": "month before", "measure": "purchases", "segment_id": 0, "item": "tea"}
    | {"reach_before": 0.5, "reach": 0.75, "reach_change": 0.25}
    | {"reach_change_low": 0.1, "reach_change_high": 0.4}
]
GAP = [
    {"indicator": "rate", "product_class": "a", "competitor": "x", "value": 3.0}
    | {"own_value": 2.0, "gap": 1.0}
]
BUNDLES = [
    {"segment_id": 0, "item": "tea", "other_item": "jam", "baskets": 20}
    | {"lift_low": 1.1, "q_value": 0.01}
]
SMALL = checks.no_small_cell(10, "customers", "takers")
COUNTED = [{"customers": 40, "takers": 0}]


def failures(check: TableCheck, table: Table, rows: list[dict[str, object]]) -> int:
    schema = {name: kind for name, kind in table.polars_schema.items() if name in rows[0]}
    frame = pl.DataFrame(rows, schema=schema)
    return check.find(Subject(cast(Warehouse, None), table, "2024-12", lambda: frame)).failures


@pytest.mark.parametrize(
    ("check", "table", "rows", "damage"),
    [
        (checks.SEGMENTS_ADD_UP, ITEM_MONTH, ITEMS, {"amount": Decimal(6)}),
        (checks.SEGMENTS_ADD_UP, ITEM_MONTH, ITEMS, {"customers": 4}),
        (checks.SEGMENTS_ADD_UP, ITEM_MONTH, ITEMS, {"lines": 6}),
        (checks.SEGMENTS_ADD_UP, ITEM_MONTH, ITEMS, {"item": "jam"}),
        (checks.PARTS_ADD_UP, TAKINGS_CHANGE, TAKINGS, {"mix": Decimal(0)}),
        (checks.PARTS_ADD_UP, TAKINGS_CHANGE, TAKINGS, {"amount": Decimal("9.01")}),
        (checks.SEASONS_ARE_ONE, SEASON, SEASONS, {"index": 1.1}),
        (checks.SEASONS_ARE_ONE, SEASON, SEASONS, {"item": "tea"}),
        (checks.WITHIN_INTERVALS, DEMAND_CHANGE, CHANGE, {"reach_change_low": 0.3}),
        (checks.WITHIN_INTERVALS, DEMAND_CHANGE, CHANGE, {"reach_change_high": 0.2}),
        (checks.WITHIN_INTERVALS, DEMAND_CHANGE, CHANGE, {"reach": 0.5}),
        (checks.GAP_IS_OF_BOTH, COMPETITOR, GAP, {"own_value": 1.5}),
        (checks.GAP_IS_OF_BOTH, COMPETITOR, GAP, {"own_value": None}),
        (checks.SURELY_TOGETHER, BUNDLE, BUNDLES, {"baskets": 19}),
        (checks.SURELY_TOGETHER, BUNDLE, BUNDLES, {"lift_low": 1.0}),
        (checks.SURELY_TOGETHER, BUNDLE, BUNDLES, {"q_value": 0.06}),
        (SMALL, LAUNCH, COUNTED, {"takers": 9}),
        (SMALL, LAUNCH, COUNTED, {"customers": 1}),
    ],
)
def test_a_check_fails_on_the_damage_that_it_is_for(
    check: TableCheck, table: Table, rows: list[dict[str, object]], damage: dict[str, object]
) -> None:
    assert failures(check, table, rows) == 0
    assert failures(check, table, [rows[0] | damage, *rows[1:]]) > 0


@pytest.mark.parametrize(
    ("check", "table", "rows", "at_the_limit"),
    [
        (checks.WITHIN_INTERVALS, DEMAND_CHANGE, CHANGE, {"reach_change_low": 0.25}),
        (checks.WITHIN_INTERVALS, DEMAND_CHANGE, CHANGE, {"reach_change_high": 0.25}),
        (checks.GAP_IS_OF_BOTH, COMPETITOR, GAP, {"own_value": None, "gap": None}),
        (checks.SURELY_TOGETHER, BUNDLE, BUNDLES, {"q_value": FALSE_DISCOVERIES}),
        (SMALL, LAUNCH, COUNTED, {"takers": 10}),
    ],
)
def test_a_check_passes_at_its_limit(
    check: TableCheck, table: Table, rows: list[dict[str, object]], at_the_limit: dict[str, object]
) -> None:
    assert failures(check, table, [rows[0] | at_the_limit, *rows[1:]]) == 0


def test_no_row_is_of_few_customers_but_of_none() -> None:
    check = checks.no_small_cell(10, "customers")
    assert failures(check, DEMAND, [{"customers": n} for n in (0, 10, 3, 9, 11)]) == 2
    assert failures(checks.no_small_cell(1, "customers"), DEMAND, [{"customers": 1}]) == 0
