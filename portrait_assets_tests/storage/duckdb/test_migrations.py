"""A migration is there whole or not at all, and what cannot be migrated is left as it was."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.migrations import (
    MIGRATIONS,
    Migration,
    check_format,
    current_format,
    migrate,
    oldest_format,
)
from portrait_assets.storage.duckdb.store import Warehouse

CUSTOMER = Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False)
PAID = Column("paid", Type.INTEGER, "Paid", "实付")
AMOUNT = Column("amount", Type.INTEGER, "Amount paid", "实付金额")
SALES = Table("cleaned", "sales", "Sales", "销售", (CUSTOMER, PAID))
JANUARY = pl.DataFrame({"month": ["2024-01"], "customer_id": ["a"], "paid": [3]})
NEXT = current_format() + 1
RENAMED = Migration(
    NEXT, "sales say what was paid", "ALTER TABLE cleaned.sales RENAME paid TO amount"
)
SALES_NEXT = Table("cleaned", "sales", "Sales", "销售", (CUSTOMER, AMOUNT))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A warehouse of this version with one month of sales."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    warehouse.write(SALES, ["2024-01"], JANUARY)
    warehouse.close()
    return warehouse.path


def state(file: Path) -> tuple[object, ...]:
    """The format, and the names and rows of sales."""
    with duckdb.connect(str(file), read_only=True) as con:
        sales = con.sql("FROM cleaned.sales")
        number = con.sql("SELECT format FROM meta.source").fetchall()[0][0]
        return number, sales.columns, sales.fetchall()


def migrated(file: Path, tables: list[Table], *added: Migration) -> list[str]:
    with duckdb.connect(str(file)) as con:
        con.begin()
        whys = migrate(con, file.name, current_format(), tables, [*MIGRATIONS, *added])
        con.commit()
    return whys


def test_formats_go_up_without_a_gap():
    formats = [migration.to_format for migration in MIGRATIONS]
    assert formats == sorted(formats)
    assert set(formats) == set(range(oldest_format() + 1, current_format() + 1))


def test_all_pending_steps_are_taken_in_order_and_the_format_goes_up(file: Path):
    def double(con: duckdb.DuckDBPyConnection, contracts: object) -> None:
        con.execute("UPDATE cleaned.sales SET amount = amount * 2")

    later = Migration(NEXT + 1, "in half units", double)
    assert migrated(file, [SALES_NEXT], RENAMED, later) == [RENAMED.why, "in half units"]
    assert state(file) == (NEXT + 1, ["month", "customer_id", "amount"], [("2024-01", "a", 6)])


def test_a_warehouse_of_this_format_is_opened_without_a_change(file: Path):
    before = file.read_bytes()
    warehouse = Warehouse(file, "shop", "run-2", contracts=[SALES])
    assert warehouse.migrated == []
    warehouse.close()
    assert file.read_bytes() == before


def test_a_column_that_a_contract_gained_is_there_before_the_table_is_read(file: Path):
    gained = Table("cleaned", "sales", "Sales", "销售", (*SALES.columns, AMOUNT))
    warehouse = Warehouse(file, "shop", "run-2", contracts=[gained])
    assert warehouse.read(gained, ["2024-01"]).rows() == [("2024-01", "a", 3, None)]
    warehouse.close()


def test_a_step_that_fails_undoes_those_before_it(file: Path):
    before = state(file)
    wrong = Migration(NEXT, "wrong", "UPDATE cleaned.sales SET no_such_column = 1")
    with pytest.raises(WarehouseError, match=r"could not be migrated.*no_such_column.*unchanged"):
        migrated(file, [SALES_NEXT], RENAMED, wrong)
    assert state(file) == before
    assert migrated(file, [SALES_NEXT], RENAMED) == [RENAMED.why]


def test_a_contract_that_changed_without_a_step_undoes_those_before_it(file: Path):
    before = state(file)
    with pytest.raises(WarehouseError, match=r"cleaned\.sales holds a column amount"):
        migrated(file, [SALES], RENAMED)
    assert state(file) == before


def test_a_process_that_is_killed_in_the_middle_of_a_step_changes_nothing(file: Path):
    before = state(file)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from portrait_assets_tests.storage.duckdb.test_migrations import *\n"
        "killed = Migration(NEXT, 'killed', lambda con, contracts: os.kill(os.getpid(), 9))\n"
        "migrated(Path(sys.argv[1]), [SALES_NEXT], RENAMED, killed)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    assert ran.returncode == -9
    assert state(file) == before
    assert migrated(file, [SALES_NEXT], RENAMED) == [RENAMED.why]


@pytest.mark.parametrize(
    ("found", "can_migrate", "says"),
    [
        (current_format() + 1, True, "install the newer version that wrote it. Nothing was"),
        (oldest_format() - 1, True, "portrait run --fresh`"),
        (oldest_format(), False, "portrait run`"),
    ],
    ids=["newer", "too old", "only read"],
)
def test_the_error_of_another_format_names_both_and_the_remedy(
    found: int, can_migrate: bool, says: str
):
    with pytest.raises(WarehouseError, match=rf"has format {found}.*works with .*{says}"):
        check_format("warehouse.duckdb", found, can_migrate)
    check_format("warehouse.duckdb", oldest_format(), can_migrate=True)


@pytest.mark.parametrize("number", [current_format() + 1, oldest_format() - 1])
def test_a_warehouse_that_cannot_be_opened_stays_as_it_was(file: Path, number: int):
    with duckdb.connect(str(file)) as con:
        con.execute(f"UPDATE meta.source SET format = {number}")
    before = file.read_bytes()
    with pytest.raises(WarehouseError, match=f"has format {number}"):
        Warehouse(file, "shop", "run-2", contracts=[SALES])
    assert file.read_bytes() == before


def test_a_database_that_is_no_warehouse_is_not_read_as_one(tmp_path: Path):
    file = tmp_path / "other.duckdb"
    duckdb.connect(str(file)).close()
    with pytest.raises(WarehouseError, match="is no warehouse"):
        Warehouse(file, "shop", "run", read_only=True)


def test_a_column_that_a_contract_lost_keeps_what_months_hold_of_it(file: Path):
    """Where the table keeps former columns: what is written later has none, and none is read."""
    one = replace(SALES, columns=(CUSTOMER,), keeps_former_columns=True)
    warehouse = Warehouse(file, "shop", "run-2", contracts=[one])
    february = pl.DataFrame({"month": ["2024-02"], "customer_id": ["b"]})
    warehouse.write(one, ["2024-02"], february)

    assert warehouse.read(one, ["2024-01", "2024-02"]).rows() == [
        ("2024-01", "a"),
        ("2024-02", "b"),
    ]
    stored = warehouse.con.execute("SELECT month, paid FROM cleaned.sales ORDER BY 1").fetchall()
    assert stored == [("2024-01", 3), ("2024-02", None)]
    warehouse.close()
