"""The checks of conservation detect a row that was lost, wherever it was lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.stages.cleaned.accounting.account import account_of
from portrait_assets.stages.cleaned.checks import CONSERVED, NONE_SET_ASIDE
from portrait_assets.stages.cleaned.contract import CLEANED, REJECTS
from portrait_assets.stages.cleaned.rows.clean import unplaced_rejects
from portrait_assets.stages.raw.checks import ALL_RECEIVED, NONE_UNPLACED
from portrait_assets.stages.raw.contract import CANONICAL, RECEIPTS, UNPLACED
from portrait_assets.stages.raw.placing.months import AFTER_LAST, NO_DATE
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS
from portrait_assets.stages.validation.findings.data import conservation
from portrait_assets.storage.dagster.checks import CONTRACT, run_checks
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets.testing.worlds.features import cleaned, sale
from portrait_assets_tests.cleaned.rows.test_clean import SALE, received

MONTH = "2024-01"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sales received, two kept, and all other tables empty."""
    path = tmp_path_factory.mktemp("written") / "warehouse.duckdb"
    opened = SmallWarehouse(path, "shop", "run-1")
    for canonical in CANONICAL:
        opened.write(canonical.raw_table(), [MONTH], canonical.raw_table().empty())
        opened.write(CLEANED[canonical.name], [MONTH], CLEANED[canonical.name].empty())
    opened.write(REJECTS, [MONTH], REJECTS.empty())
    opened.write(UNPLACED, [MONTH], UNPLACED.empty())
    opened.write(RECEIPTS, [MONTH], receipt())
    opened.write(TRANSACTIONS.raw_table(), [MONTH], received(TRANSACTIONS, [SALE, SALE]))
    keep(opened, 2)
    opened.close()
    return path


@pytest.fixture
def warehouse(written: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of it that a test may change."""
    opened = SmallWarehouse(Path(shutil.copy(written, tmp_path)), "shop", "run-1")
    yield opened
    opened.close()


def receipt(**changed: object) -> pl.DataFrame:
    row = {
        "month": MONTH,
        "table_name": "transactions",
        "is_provided": True,
        "rows_received": 2,
        "rows_in_file": 4,
        "rows_placed": 4,
        "rows_unplaced": 0,
    }  # of which 2 in this month
    return pl.DataFrame([row | changed], schema=RECEIPTS.polars_schema)


def unplace(warehouse: Warehouse, reason: str) -> None:
    """A third line of the file, which is in no month and stands in this one."""
    row = {"month": MONTH, "table_name": "transactions", "source_file": "f", "source_row": 3}
    unplaced = pl.DataFrame([row | {"reason": reason}], schema=UNPLACED.polars_schema)
    warehouse.write(UNPLACED, [MONTH], unplaced)
    warehouse.write(REJECTS, [MONTH], unplaced_rejects(unplaced))
    warehouse.write(RECEIPTS, [MONTH], receipt(rows_received=3, rows_in_file=5, rows_unplaced=1))


def keep(warehouse: Warehouse, rows: int) -> None:
    sales = [sale("K1", "2024-01-05", number + 1) for number in range(rows)]
    warehouse.write(CLEANED["transactions"], [MONTH], cleaned("transactions", sales))


def reject(warehouse: Warehouse, severity: str, *rules: str) -> None:
    row = {
        "month": MONTH,
        "table_name": "transactions",
        "source_file": "f",
        "source_row": 2,
        "severity": severity,
    }
    rows = [row | {"rule": rule} for rule in rules or ("unreadable",)]
    warehouse.write(REJECTS, [MONTH], pl.DataFrame(rows, schema=REJECTS.polars_schema))


def passes(warehouse: Warehouse, check, table) -> bool:
    return bool(run_checks([check], warehouse, table, [MONTH])[0]["passed"])


def test_all_is_well_when_everything_is_kept(warehouse: Warehouse):
    assert passes(warehouse, CONSERVED, REJECTS)
    assert passes(warehouse, ALL_RECEIVED, RECEIPTS)
    assert passes(warehouse, NONE_SET_ASIDE, REJECTS)
    assert passes(warehouse, NONE_UNPLACED, UNPLACED)


def test_a_row_that_is_neither_kept_nor_rejected_is_detected(warehouse: Warehouse):
    keep(warehouse, 1)
    result = run_checks([CONSERVED], warehouse, REJECTS, [MONTH])[0]
    assert not result["passed"]
    assert result["failures"] == 1
    parts = "1 kept + 0 set aside + 0 merged + 0 unplaced + 0 erased"
    assert result["detail"] == f"transactions: 2 received and {parts}; 1 lost"


@pytest.mark.parametrize(
    ("reason", "rejected"), [(NO_DATE, 1), ("unreadable line: too long", 1), (AFTER_LAST, 0)]
)
def test_a_line_in_no_month_is_unplaced_and_nothing_else(
    warehouse: Warehouse, reason: str, rejected: int
):
    unplace(warehouse, reason)
    conserved = run_checks([CONSERVED], warehouse, REJECTS, [MONTH])[0]
    assert conserved["passed"]
    parts = "2 kept + 0 set aside + 0 merged + 1 unplaced + 0 erased"
    assert conserved["detail"] == f"3 received = {parts}"
    found = conservation(account_of(warehouse, MONTH)).row(0, named=True)
    assert (found["value"], found["verdict"]) == (0, "pass")
    assert found["advice_en"] == f"3 rows received = {parts}."
    assert passes(warehouse, ALL_RECEIVED, RECEIPTS)
    assert passes(warehouse, NONE_SET_ASIDE, REJECTS)
    assert not passes(warehouse, NONE_UNPLACED, UNPLACED)
    assert warehouse.materialized(REJECTS)[MONTH] == rejected


@pytest.mark.parametrize(("erased", "is_right"), [(1, True), (None, False), (2, False)])
def test_a_line_of_somebody_who_was_erased_is_counted_and_not_stored(
    erased: int | None, is_right: bool, warehouse: Warehouse
):
    counts = {"rows_received": 3, "rows_in_file": 5, "rows_placed": 5, "rows_erased": erased}
    warehouse.write(RECEIPTS, [MONTH], receipt(**counts))
    assert passes(warehouse, ALL_RECEIVED, RECEIPTS) == is_right
    assert passes(warehouse, CONSERVED, REJECTS) == is_right
    row = account_of(warehouse, MONTH).filter(table_name="transactions").row(0, named=True)
    assert (row["erased"], row["lost"]) == (erased or 0, 0 if is_right else 1)


def test_an_unplaced_line_that_went_missing_is_detected(warehouse: Warehouse):
    unplace(warehouse, NO_DATE)
    warehouse.write(UNPLACED, [MONTH], UNPLACED.empty())
    assert not passes(warehouse, ALL_RECEIVED, RECEIPTS)
    assert not passes(warehouse, CONSERVED, REJECTS)
    found = conservation(account_of(warehouse, MONTH)).row(0, named=True)
    assert (found["value"], found["verdict"]) == (1, "fail")


def test_a_table_without_a_receipt_has_received_nothing(warehouse: Warehouse):
    warehouse.write(RECEIPTS, [MONTH], RECEIPTS.empty())
    assert run_checks([CONSERVED], warehouse, REJECTS, [MONTH])[0]["failures"] == 2


@pytest.mark.parametrize("severity", ["row", "merged"])
def test_a_row_set_aside_or_merged_is_accounted_for_and_warned_of(
    warehouse: Warehouse, severity: str
):
    keep(warehouse, 1)
    reject(warehouse, severity)
    assert passes(warehouse, CONSERVED, REJECTS)
    assert not passes(warehouse, NONE_SET_ASIDE, REJECTS)


@pytest.mark.parametrize("severity", ["row", "merged"])
def test_a_line_with_several_reasons_is_one_line_of_the_account(
    warehouse: Warehouse, severity: str
):
    keep(warehouse, 1)
    reject(warehouse, severity, "unreadable", "future", "required and missing")
    part = "set_aside" if severity == "row" else severity
    row = account_of(warehouse, MONTH).filter(table_name="transactions").row(0, named=True)
    assert {name: row[name] for name in ("received", "kept", part, "lost")} == {
        **{"received": 2, "kept": 1, part: 1, "lost": 0}
    }


def test_the_most_frequent_reject_is_reported(warehouse: Warehouse):
    reject(warehouse, "value", "future", "unreadable", "unreadable", "future", "unreadable")
    result = run_checks([NONE_SET_ASIDE], warehouse, REJECTS, [MONTH])[0]
    assert result["failures"] == 5
    assert "most often transactions.row unreadable (3x, value)" in str(result["detail"])


@pytest.mark.parametrize("rules", [("unreadable", "future"), ("future", "unreadable")])
def test_of_equally_frequent_rejects_the_first_by_name_is_reported(
    warehouse: Warehouse, rules: tuple[str, str]
):
    reject(warehouse, "value", *rules)
    result = run_checks([NONE_SET_ASIDE], warehouse, REJECTS, [MONTH])[0]
    assert "most often transactions.row future (1x, value)" in str(result["detail"])


LOST_IN_READING: list[tuple[dict[str, object], int]] = [
    ({"rows_in_file": 6}, 2),
    ({"rows_in_file": 1}, 3),
    ({"rows_placed": 3}, 1),
    ({"rows_unplaced": 2}, 2),
    ({"rows_received": 5}, 3),
    ({"rows_received": 0}, 2),
    ({"rows_received": 3, "rows_in_file": 3}, 2),
]


def test_a_row_lost_in_reading_is_detected(warehouse: Warehouse):
    for changed, lost in LOST_IN_READING:
        warehouse.write(RECEIPTS, [MONTH], receipt(**changed))
        result = run_checks([ALL_RECEIVED], warehouse, RECEIPTS, [MONTH])[0]
        assert (result["passed"], result["failures"]) == (False, lost), changed
        assert str(result["detail"]).startswith("transactions: ")


def test_lines_lost_of_the_month_and_of_the_file_never_make_up_for_one_another(
    warehouse: Warehouse,
):
    """Two lines were received of the four of the file."""
    cases = [(1, 4, 1), (3, 4, 1), (2, 7, 3), (2, 1, 3), (1, 3, 2), (3, 5, 2), (1, 5, 2)]
    for kept, in_file, lost in cases:
        keep(warehouse, kept)
        warehouse.write(RECEIPTS, [MONTH], receipt(rows_in_file=in_file))
        failures = run_checks([CONSERVED], warehouse, REJECTS, [MONTH])[0]["failures"]
        assert failures == lost, (kept, in_file)


def test_a_key_used_twice_in_a_month_is_detected(warehouse: Warehouse):
    twice = cleaned("transactions", [sale("K1", "2024-01-05", 1)] * 2)
    twice = twice.with_columns(source_row=pl.lit(1, pl.Int64))
    warehouse.write(CLEANED["transactions"], [MONTH], twice)
    assert not passes(warehouse, CONTRACT, CLEANED["transactions"])
