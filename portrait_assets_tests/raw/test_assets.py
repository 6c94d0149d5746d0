"""The step that reads the source: what stands in the raw tables of a month, and what stays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.assets import TABLES, raw_assets
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.dagster.asset import month_partitions
from portrait_assets.storage.dagster.io_manager import WarehouseIOManager
from portrait_assets.storage.duckdb.rows import Written
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.shop import sales_file, shop

JANUARY, FEBRUARY, MARCH = MONTHS = ["2024-01", "2024-02", "2024-03"]
HEADER = "sold_at,card,basket,category,paid,saved,town\n"
LINE = "{at},{card},B1,tea,1.50,0,east\n"
FLYERS = "card,town\nK1,west\nK2\nK3,east,too much\n"
PEOPLE = "card,town\nK1,west\nK2,east\n"


def sales(*dates: str) -> str:
    lines = (LINE.format(at=at, card=f"K{number}") for number, at in enumerate(dates, 1))
    return "".join([HEADER, *lines])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Sales of three months, people in their own file, and flyers that no table reads whole."""
    settings = shop(tmp_path)
    folder = settings.source_dir
    text = (
        (folder / "source.yaml").read_text().replace("last_month: 2024-04", "last_month: 2024-03")
    )
    text = text.replace(
        "sales: sales.csv", "sales: sales.csv\n  people: people.csv\n  flyers: flyers.csv"
    )
    (folder / "source.yaml").write_text(
        text.replace("customers: {derived: true}", "customers: {rows_of: people}")
    )
    (folder / "customers.sql").write_text(
        "SELECT card AS customer_id, town AS region, source_file, source_row FROM people"
    )
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "flyers.csv").write_text(FLYERS)
    sales_file(settings).write_text(
        sales("2023-05-01", "2024-01-31", "2024-02-01", "2024-03-31", "2024-04-01", "soon")
    )
    return settings


def materialize(settings: Settings, months: list[str]) -> None:
    """Carry out the step for these months, writing what it gives as Dagster would."""
    source = load_source(settings.source_dir)
    definition = source.definition
    partitions = month_partitions(
        definition.first_month, definition.last_month, definition.time_zone
    )
    (step,) = raw_assets(source, partitions)
    tables = {table.name: table for table in TABLES}
    warehouse = Warehouse(settings.warehouse_file, settings.source, "run")
    context = dg.build_asset_context(
        resources={"warehouse": WarehouseIOManager(warehouse, {})},
        partition_key_range=dg.PartitionKeyRange(months[0], months[-1]),
    )
    try:
        outputs: Iterable[dg.Output[Any]] = step(context)  # type: ignore[assignment]
        for output in outputs:
            if not isinstance(output.value, Written):
                warehouse.write(tables[output.output_name], months, output.value)
    finally:
        warehouse.close()


def stored(settings: Settings, table: str, *columns: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        return con.execute(f"SELECT {', '.join(columns)} FROM raw.{table} ORDER BY ALL").fetchall()


SOLD = [(JANUARY, "K1"), (JANUARY, "K2"), (FEBRUARY, "K3"), (MARCH, "K4")]
UNPLACED = [
    (JANUARY, "flyers", 2),
    (JANUARY, "flyers", 3),
    (JANUARY, "transactions", 6),
    (MARCH, "transactions", 5),
]


@pytest.mark.parametrize("runs", [[[FEBRUARY], [MARCH], [JANUARY]], [MONTHS, MONTHS[1:]]])
@pytest.mark.slow
def test_months_read_together_or_by_themselves_hold_the_same(
    settings: Settings, runs: list[list[str]]
):
    for months in runs:
        materialize(settings, months)
    assert stored(settings, "transactions", "month", "customer_id") == SOLD
    assert stored(settings, "customers", "month", "customer_id", "region") == [
        (JANUARY, "K1", "west"),
        (JANUARY, "K2", "east"),
    ]
    assert stored(settings, "unplaced", "month", "table_name", "source_row") == UNPLACED
    receipts = stored(settings, "receipts", "month", "table_name", "rows_received", "is_provided")
    of_sales = [(month, rows) for month, table, rows, _ in receipts if table == "transactions"]
    assert of_sales == [(JANUARY, 3), (FEBRUARY, 1), (MARCH, 2)]
    assert {table for _, table, _, is_there in receipts if is_there} == {
        "transactions",
        "customers",
    }


def test_a_month_that_is_read_leaves_the_others_and_what_is_unplaced_in_them(settings: Settings):
    materialize(settings, MONTHS)
    sales_file(settings).write_text(sales("2024-01-01", "2024-02-01", "2024-02-29"))
    materialize(settings, [FEBRUARY])
    assert stored(settings, "transactions", "month", "customer_id") == [
        *((JANUARY, "K1"), (JANUARY, "K2"), (FEBRUARY, "K2"), (FEBRUARY, "K3"), (MARCH, "K4"))
    ]
    assert stored(settings, "unplaced", "month", "table_name", "source_row") == UNPLACED


def test_where_no_sale_lies_in_any_month_nothing_is_read_and_what_was_read_stands(
    settings: Settings,
):
    materialize(settings, MONTHS)
    sales_file(settings).write_text(sales("2024-04-01"))
    with pytest.raises(SourceError, match="none of the 1 rows of transactions lies in a month"):
        materialize(settings, MONTHS)
    assert stored(settings, "transactions", "month", "customer_id") == SOLD


def test_a_table_whose_file_cannot_be_read_keeps_its_rows_and_the_others_are_read(
    settings: Settings,
):
    materialize(settings, MONTHS[:2])
    (settings.source_dir / "people.csv").write_text("card,card\nK9,K9\n")
    sales_file(settings).write_text(sales("2024-01-01"))
    materialize(settings, MONTHS)
    assert stored(settings, "transactions", "month", "customer_id") == [(JANUARY, "K1")]
    assert stored(settings, "customers", "month", "customer_id") == [
        (JANUARY, "K1"),
        (JANUARY, "K2"),
    ]
    receipts = stored(settings, "receipts", "table_name", "month", "rows_received", "problem")
    of_people = [row for row in receipts if row[0] == "customers"]
    assert [row[1:3] for row in of_people] == [(JANUARY, 2), (FEBRUARY, 0), (MARCH, 0)]
    assert all("'people.csv' names the column" in str(row[3]) for row in of_people)
    assert {row[3] for row in receipts if row[0] != "customers"} == {None}
    assert len(receipts) == len(MONTHS) * len({row[0] for row in receipts})
