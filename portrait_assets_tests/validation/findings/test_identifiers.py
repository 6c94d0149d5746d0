"""Tables whose identifiers never meet are reported with how both are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.validation.findings.identifiers import (
    identifier_findings,
    shared_identifiers,
)
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets.testing.worlds.features import cleaned, day, sale

MONTHS = ["2024-01", "2024-02"]


@pytest.fixture
def warehouse(tmp_path: Path):
    """Two months in which every cleaned table is empty."""
    opened = SmallWarehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    for table in CLEANED.values():
        opened.write(table, MONTHS, table.empty())
    yield opened
    opened.close()


def list_customers(warehouse: Warehouse, *ids: str) -> None:
    people = cleaned("customers", [{"customer_id": each} for each in ids])
    warehouse.write(CLEANED["customers"], ["2024-01"], people)


def sell(warehouse: Warehouse, *ids: str) -> None:
    sales = cleaned("transactions", [sale(each, "2024-02-05", 1) for each in ids])
    warehouse.write(CLEANED["transactions"], ["2024-02"], sales)


def found(warehouse: Warehouse, month: str = "2024-02") -> list[tuple[object, ...]]:
    findings = identifier_findings(shared_identifiers(warehouse, month))
    assert findings["advice_zh"].null_count() == 0
    return findings.select("area", "subject", "metric", "value", "verdict", "advice_en").rows()


def test_identifiers_that_never_meet_are_reported_and_name_no_customer(warehouse: Warehouse):
    list_customers(warehouse, "1", "2", "3", "4")
    sell(warehouse, "C1", "C2", "C2", "C3")
    assert found(warehouse) == [
        (
            *("source", "transactions.customer_id", "identifiers in common", 0.0, "warn"),
            "None of its 3 identifiers of the month is among the 4 in customers: here A9, "
            "there 9. Write them alike in the source's SQL.",
        )
    ]
    assert found(warehouse, "2024-01") == []


def test_identifiers_that_meet_pass_with_their_share(warehouse: Warehouse):
    list_customers(warehouse, "1", "2", "3", "4")
    sell(warehouse, "1", "1", "9", "8", "7")
    assert [row[3:] for row in found(warehouse)] == [
        (0.25, "pass", "1 of its 4 identifiers of the month are in customers.")
    ]


def test_without_a_list_of_them_tables_are_compared_with_each_other(warehouse: Warehouse):
    sell(warehouse, "1", "2", "3")
    balance = {"balance_on": day("2024-02-29"), "balance": 1}
    rows = [{"customer_id": f"{number}.0", **balance} for number in (1, 2, 3)]
    warehouse.write(CLEANED["balances"], ["2024-02"], cleaned("balances", rows))
    (row,) = found(warehouse)
    assert (row[1], row[4]) == ("balances.customer_id", "warn")
    assert "in transactions: here 9.9, there 9." in str(row[5])


def test_too_few_to_show_are_not_judged(warehouse: Warehouse):
    list_customers(warehouse, "1", "2", "3")
    sell(warehouse, "C1", "C2")
    assert found(warehouse) == []
