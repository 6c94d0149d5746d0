"""Values of contracts: the chance to be there by tenure, times balance, times margin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from portrait_assets.core.months import last_day, month_range, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import UNPROFILED
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.predictions.value.contracts.accounts import MARGIN as MARGIN_OF_PRODUCT
from portrait_assets.stages.predictions.value.contracts.assets import TABLES, Contracts, model_rows
from portrait_assets.stages.predictions.value.contracts.checks import CHECKS, TOTAL, VALUES_AGAIN
from portrait_assets.stages.predictions.value.contracts.contract import (
    CONTRACT_HAZARD,
    CONTRACT_MODEL,
    CONTRACT_VALUE,
)
from portrait_assets.stages.predictions.value.contracts.valuing import hazards
from portrait_assets.storage.dagster.checks import CONTRACT, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets.testing.worlds.features import cleaned

FIRST, BASE, LAST = "2024-01", "2024-03", "2024-06"
MONTHS = month_range(FIRST, LAST)
MARGIN, BALANCE = 0.12, 1_000.0
CUSTOMERS = 400


def lasts(number: int) -> int:
    """Months in which the contract of a customer is seen: a quarter of each cohort ends early."""
    return 2 if number % 4 == 0 else 99


def balances(month: str) -> list[dict[str, Any]]:
    """Two hundred customers open a deposit in February and as many in March; ten have a loan."""
    rows = []
    for number in range(CUSTOMERS):
        begun = "2024-02" if number < CUSTOMERS // 2 else "2024-03"
        if begun <= month < next_month(begun, lasts(number)):
            rows.append(balance(f"c{number:03d}", "deposit", BALANCE, month))
    rows.append(balance("old", "deposit", 500.0, month))
    for debtor in ("debtor", *(f"d{number}" for number in range(9))):
        rows.append(balance(debtor, "loan", -2_000.0, month))
    rows.append(balance("other", "free", 9_000.0, month))
    return rows


def balance(customer: str, product: str, amount: float, month: str) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "account_id": f"{customer}-{product}",
        "product_id": product,
        "balance_on": last_day(month),
        "balance": amount,
    }


PRODUCTS: list[dict[str, Any]] = [
    {"product_id": "deposit", "category": "deposit", "margin_rate": MARGIN},
    {"product_id": "loan", "category": "loan", "margin_rate": 0.06},
    {"product_id": "free", "category": "other", "margin_rate": None},
]


def bank(
    folder: Path,
    months: list[str],
    products: list[dict[str, Any]] = PRODUCTS,
    leaves: Mapping[str, str] | None = None,
) -> Warehouse:
    """A warehouse with the balances of these months; `leaves` object to profiling from a month."""
    warehouse = SmallWarehouse(folder / "w.duckdb", "world", "run")
    for month in months:
        offered = cleaned("products", products if month == FIRST else [], month)
        warehouse.write(CLEANED["products"], [month], offered)
        rows = cleaned("balances", balances(month), month)
        warehouse.write(CLEANED["balances"], [month], rows)
        for table in (IDENTITY_MAP, CUSTOMER_ALIAS):
            warehouse.write(table, [month], table.empty())
        gone = [who for who, since in (leaves or {}).items() if since <= month]
        unprofiled = [(last_day(month), who, "objection", True) for who in gone]
        frame = pl.DataFrame(unprofiled, UNPROFILED.polars_schema, orient="row")
        warehouse.write(UNPROFILED, [month], frame)
    run = Contracts(warehouse, months, "EUR")
    warehouse.write(CONTRACT_VALUE, months, run.values())
    warehouse.write(CONTRACT_MODEL, months, run.models)
    warehouse.write(CONTRACT_HAZARD, months, run.hazards)
    return warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    warehouse = bank(tmp_path_factory.mktemp("bank"), MONTHS)
    yield warehouse
    warehouse.close()


def values(warehouse: Warehouse) -> dict[str, float]:
    rows = warehouse.read(CONTRACT_VALUE, [LAST])
    return {
        who: float(margin) for who, margin in rows.select("customer_id", "expected_margin").rows()
    }


def test_the_hazard_is_that_of_the_contracts_whose_beginning_was_seen(warehouse: Warehouse):
    rows = warehouse.read(CONTRACT_HAZARD, [LAST]).filter(pl.col("category") == "deposit")
    found = dict(rows.sort("tenure").select("tenure", "hazard").rows())
    # Seen in two months, a quarter ends in its second month of tenure: 100 of 400.
    assert found == {0: 0.0, 1: 0.25, 2: 0.0, 3: 0.0}


def test_the_newest_margin_of_a_product_counts_with_the_category_of_then():
    stated: list[tuple[str, dict[str, Any]]] = [
        ("2024-01", {"product_id": "a", "category": "loan", "margin_rate": 0.02}),
        ("2024-03", {"product_id": "a", "category": "card", "margin_rate": 0.05}),
        ("2024-04", {"product_id": "a", "category": "none", "margin_rate": None}),
        ("2024-02", {"product_id": "b", "category": None, "margin_rate": 0.03}),
        ("2024-03", {"product_id": "b", "category": None, "margin_rate": 0.01}),
    ]
    with scratch_database() as con:
        con.execute("CREATE SCHEMA cleaned")
        con.register("stated", pl.concat(cleaned("products", [row], of) for of, row in stated))
        con.execute("CREATE TABLE cleaned.products AS FROM stated")
        found = Engine(con).frame(MARGIN_OF_PRODUCT, Scope("2024-06")).sort("product_id")
    rates = [("a", "card", 0.05), ("b", "unknown", 0.01)]
    assert found.cast({"margin_rate": pl.Float64}).rows() == rates


def test_a_value_is_chance_times_balance_times_margin(warehouse: Warehouse):
    found = values(warehouse)
    month = BALANCE * MARGIN / 12
    # All that are left are beyond the month of tenure in which some end.
    assert found["c001"] == pytest.approx(3 * month)
    assert "c000" not in found, "it has ended"
    assert found["old"] == pytest.approx(3 * 500 * MARGIN / 12)
    assert found["debtor"] == pytest.approx(3 * 2_000 * 0.06 / 12)
    assert "other" not in found, "its margin is not known"


def test_the_newest_window_judges_what_was_expected(warehouse: Warehouse):
    row = warehouse.read(CONTRACT_MODEL, [LAST]).filter(pl.col("category") == "deposit")
    (judged,) = row.iter_rows(named=True)
    assert judged["judged_after"] == BASE
    assert judged["judged"] == CUSTOMERS + 1
    # By March nobody had ended: all were expected for three months. Those of February who end
    # were seen for the last time in March, and those of March in April.
    ending = CUSTOMERS // 8
    earned = (300 * 3 + ending) * BALANCE * MARGIN / 12 + 3 * 500 * MARGIN / 12
    assert float(judged["judged_actual"]) == pytest.approx(earned)
    expected = 3 * (CUSTOMERS * BALANCE + 500) * MARGIN / 12
    assert float(judged["judged_expected"]) == pytest.approx(expected)
    assert judged["total_bias"] == pytest.approx(expected / earned - 1, abs=1e-6)


def test_what_was_known_at_a_months_end_stays(warehouse: Warehouse, tmp_path: Path):
    longer = bank(tmp_path, [*MONTHS, "2024-07"])
    for table in TABLES:
        assert longer.read(table, [LAST]).equals(warehouse.read(table, [LAST])), table.name
    assert longer.read(CONTRACT_VALUE, ["2024-07"]).height > 0
    longer.close()


def test_who_objects_has_no_value(tmp_path: Path):
    without = bank(tmp_path, MONTHS, leaves={"debtor": LAST})
    assert "debtor" not in values(without)
    # Nine are left who have a loan: of so few nothing is kept.
    assert "d1" not in values(without)
    assert without.read(CONTRACT_MODEL, [LAST])["category"].to_list() == ["deposit"]
    without.close()


def test_without_margins_there_are_no_values(tmp_path: Path):
    bare = bank(tmp_path, MONTHS, [{**each, "margin_rate": None} for each in PRODUCTS])
    for table in TABLES:
        assert bare.read(table, MONTHS).is_empty()
    bare.close()


def test_before_half_a_year_there_are_no_values(warehouse: Warehouse):
    assert warehouse.read(CONTRACT_VALUE, MONTHS[:-1]).is_empty()


def found(
    warehouse: Warehouse, check: TableCheck, table: Table, rows: pl.DataFrame | None = None
) -> Finding:
    stored = warehouse.read(table, [LAST]) if rows is None else rows
    return check.find(Subject(warehouse, table, LAST, lambda: stored))


def test_what_is_materialized_passes_its_blocking_checks(warehouse: Warehouse):
    for table in TABLES:
        for check in (CONTRACT, *CHECKS.get(table, ())):
            if check is not TOTAL:
                assert found(warehouse, check, table).failures == 0, (table.name, check.name)


def test_another_hazard_gives_other_values(warehouse: Warehouse):
    rows = warehouse.read(CONTRACT_HAZARD, [LAST])
    changed = rows.with_columns(hazard=pl.lit(0.5))
    result = found(warehouse, VALUES_AGAIN, CONTRACT_HAZARD, changed)
    assert result == Finding(311, "311 values computed again, 311 differ")


def test_a_total_far_off_is_warned_of(warehouse: Warehouse):
    rows = warehouse.read(CONTRACT_MODEL, [LAST])
    right = rows.with_columns(total_bias=pl.lit(0.1))
    assert found(warehouse, TOTAL, CONTRACT_MODEL, right) == Finding(0, "2 categories")
    wrong = rows.with_columns(total_bias=pl.when(pl.col("category") == "loan").then(-0.5))
    assert found(warehouse, TOTAL, CONTRACT_MODEL, wrong) == Finding(1, "loan -50.0%")


def test_the_day_of_a_month_is_its_last(warehouse: Warehouse):
    assert warehouse.read(CONTRACT_VALUE, [LAST])["as_of"].unique().to_list() == [date(2024, 6, 30)]


def contract(customer: str, tenure: int, *, ended: bool, margin: float = 1.0) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "category": "loan",
        "tenure": tenure,
        "ended": ended,
        "older": False,
        "expected_margin": margin,
        "earned": margin,
    }


def test_no_hazard_is_of_contracts_that_few_customers_had():
    nine = [f"c{n}" for n in range(9)]
    new = [contract(who, 0, ended=False) for who in nine]
    assert hazards(pl.DataFrame([*new, contract("a", 12, ended=True)])) == {}, "nine risked nothing"
    many = [contract("a", 12, ended=True)] * 150
    (found,) = hazards(
        pl.DataFrame([*many, *(contract(who, 0, ended=True) for who in nine)])
    ).values()
    # Of 9 x 150 contracts nine customers could have all, so all months are pooled.
    assert found.hazard.tolist() == pytest.approx([159 / (159 + 12 * 150)])


def test_no_sum_is_of_contracts_that_few_customers_have_still():
    ended = [contract(f"c{n}", 5, ended=True) for n in range(9)]
    there = [contract(f"d{n}", 5, ended=False) for n in range(10)]
    frame, few, enough = (pl.DataFrame(each) for each in ([*ended, *there], there[:9], there))
    assert model_rows(frame, few, few, BASE, LAST).is_empty()
    (row,) = model_rows(frame, enough, few, BASE, LAST).rows(named=True)
    assert (row["contracts"], row["ended"], float(row["expected_margin"])) == (19, 9, 10.0)
    assert [row[name] for name in ("judged", "judged_expected", "mean_absolute_error")] == [
        None
    ] * 3
    (row,) = model_rows(frame, enough.clear(), enough, BASE, LAST).rows(named=True)
    assert (row["expected_margin"], row["judged"]) == (0, 10), "nobody is left"
