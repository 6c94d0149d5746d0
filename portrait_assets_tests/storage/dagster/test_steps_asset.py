"""The asset of steps: its tables' rows, and what several of its steps read, computed once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.dagster.asset import month_partitions
from portrait_assets.storage.dagster.io_manager import WarehouseIOManager
from portrait_assets.storage.dagster.steps_asset import steps_asset
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.standing import shared_steps
from portrait_assets.storage.steps import BEFORE, EVER, THE_MONTH, Grain, Scope, Step, read

MONTHS = ["2024-01", "2024-02", "2024-03"]
AMOUNT = (Column("amount", Type.INTEGER, "Amount", "金额", unit="currency"),)
SALES = Table("raw", "sales", "Sales", "销售", AMOUNT)
DOUBLE = Table("cleaned", "double", "Twice the amounts", "两倍金额", AMOUNT)
TOTAL = Table("cleaned", "total", "Totals", "合计", AMOUNT)

LARGE = Step("large", (read(SALES, THE_MONTH),), "FROM sales WHERE amount > 1", grain=Grain.ALL)
STEPS = [
    Step("twice", (LARGE,), "SELECT month, 2 * amount AS amount FROM large", writes=DOUBLE),
    Step(
        "added",
        (LARGE,),
        compute=lambda scope, large: large.group_by("month").agg(pl.col("amount").sum()),
        writes=TOTAL,
    ),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(tmp_path / "warehouse.duckdb", "amounts", "run")
    amounts = [1, 2, 3, 4, 5, 6]
    opened.write(SALES, MONTHS, pl.DataFrame({"month": MONTHS * 2, "amount": amounts}))
    yield opened
    opened.close()


def rows(warehouse: Warehouse, together: bool) -> dict[str, list[tuple[str, int]]]:
    """The rows of each table, as the asset gives them for all months in one run."""
    partitions = month_partitions(MONTHS[0], MONTHS[-1], "UTC")
    asset = steps_asset("sums", STEPS, partitions, together=together)
    context = dg.build_asset_context(
        partition_key_range=dg.PartitionKeyRange(MONTHS[0], MONTHS[-1]),
        resources={"warehouse": WarehouseIOManager(warehouse, {})},
    )
    found: dict[str, list[tuple[str, int]]] = {}
    outputs: Iterable[dg.Output[Any]] = asset(context)  # type: ignore[assignment]
    for output in outputs:
        parts = [
            warehouse.con.sql(part.sql).pl() if isinstance(part, Query) else part
            for part in output.value
        ]
        found[output.output_name] = sorted(pl.concat(parts).select("month", "amount").iter_rows())
    return found


@pytest.mark.parametrize("together", [False, True])
def test_each_table_has_the_rows_of_its_months(warehouse: Warehouse, together: bool):
    assert rows(warehouse, together) == {
        "double": [
            *(("2024-01", 8), ("2024-02", 4), ("2024-02", 10)),
            *(("2024-03", 6), ("2024-03", 12)),
        ],
        "total": [("2024-01", 4), ("2024-02", 7), ("2024-03", 9)],
    }


@pytest.mark.parametrize(("together", "times"), [(False, 6), (True, 3)])
def test_what_several_tables_read_is_computed_once_a_month_where_they_are_together(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, together: bool, times: int
):
    stored: list[str] = []
    store = Engine._store

    def counted(engine: Engine, step: Step, scope: Scope) -> None:
        stored.append(step.name)
        store(engine, step, scope)

    monkeypatch.setattr(Engine, "_store", counted)
    rows(warehouse, together)
    assert stored.count("large") == times


def test_what_reads_the_month_of_a_table_written_with_it_is_not_shared() -> None:
    """Only after the month's rows are written are they there to be read."""
    so_far = Step("so_far", (read(DOUBLE, EVER),), "FROM double", grain=Grain.ALL)
    before = Step("before", (read(DOUBLE, BEFORE),), "FROM double", grain=Grain.ALL)
    readers = [
        Step(
            name, (LARGE, so_far, before), "FROM so_far UNION ALL FROM before UNION ALL FROM large"
        )
        for name in ("one", "other")
    ]
    assert shared_steps([STEPS[0], *readers]) == [LARGE, before]


def test_a_table_that_waits_to_be_stored_is_read_by_none_of_those_together_with_it():
    waits = read(TOTAL, THE_MONTH)
    reader = Step("reader", (waits,), "FROM total", writes=replace(DOUBLE, name="reader"))
    partitions = month_partitions(MONTHS[0], MONTHS[-1], "UTC")
    with pytest.raises(ValueError, match=r"cleaned\.total is read before it is stored"):
        steps_asset("sums", [*STEPS, reader], partitions, together=True)
    assert steps_asset("sums", [*STEPS, reader], partitions).keys
