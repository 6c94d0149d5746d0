"""Checks find the same however many rows are looked at at once, and are kept table by table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.machine.bounds import Bounds
from portrait_assets.schema.table import Column, PartitionBy, Table, Type
from portrait_assets.storage.dagster.asset import _dependencies, _require
from portrait_assets.storage.dagster.checks import (
    CONTRACT,
    Finding,
    Subject,
    TableCheck,
    run_checks,
)
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.steps import EVER, THE_MONTH, Span, read, window

MONTHS = ["2024-01", "2024-02", "2024-03"]
TIERS = Table(
    "tags",
    "tiers",
    "Tiers",
    "层级",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("points", Type.INTEGER, "Points", "积分", minimum=0, maximum=9),
    ),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
)
DAYS = {"2024-01": date(2024, 1, 31), "2024-02": date(2024, 2, 29), "2024-03": date(2024, 3, 31)}
# January has none, February two and March five points outside of the domain.
POINTS = {"2024-01": [0, 9, 5, 3], "2024-02": [10, -1, 2, 0], "2024-03": [-1, 10, 11, 12, 99, 9]}


def _above_four(subject: Subject) -> Finding:
    found = subject.rows.filter(pl.col("points") > 4).height
    return Finding(found, f"{found} of {subject.rows.height} in {subject.month}")


ABOVE = TableCheck("above", _above_four, "Points", severity=dg.AssetCheckSeverity.WARN)


@pytest.fixture(params=[1, 4, 8, 1_000], ids=lambda rows: f"{rows} rows at once")
def warehouse(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    bounds = Bounds(table_values=request.param * len(TIERS.column_names))
    opened = Warehouse(tmp_path / "w.duckdb", "shop", "run", bounds=bounds)
    rows = [(DAYS[m], f"{m} {n}", value) for m, of in POINTS.items() for n, value in enumerate(of)]
    frame = pl.DataFrame(rows, schema=TIERS.polars_schema, orient="row")
    opened.write(TIERS, MONTHS, frame)
    yield opened
    opened.close()


def test_failures_are_counted_by_month_in_batches_and_in_parts(warehouse: Warehouse):
    results = run_checks([CONTRACT, ABOVE], warehouse, TIERS, MONTHS)
    found = {(row["check_name"], row["month"]): row for row in results}
    assert len(results) == len(found) == 6
    expected = {"contract": (0, 2, 5), "above": (2, 1, 5)}
    for name, counts in expected.items():
        rows = [found[name, month] for month in MONTHS]
        assert tuple(row["failures"] for row in rows) == counts
        assert [row["passed"] for row in rows] == [count == 0 for count in counts]
        assert {row["table_name"] for row in rows} == {"tags.tiers"}
    whole = [found["above", month]["detail"] for month in MONTHS]
    assert whole == ["2 of 4 in 2024-01", "1 of 4 in 2024-02", "5 of 6 in 2024-03"]
    kinds = {(row["check_name"], row["severity"], row["is_blocking"]) for row in results}
    assert kinds == {("contract", "ERROR", True), ("above", "WARN", False)}
    assert found["contract", "2024-01"]["detail"] == "all as the contract says"
    assert "points fails" in str(found["contract", "2024-03"]["detail"])


def _more_than_four(subject: Subject) -> Finding:
    return Finding(int(subject.rows.height <= 4), f"{subject.rows.height} rows")


def test_what_does_not_hold_of_months_together_is_looked_at_month_by_month(warehouse: Warehouse):
    """All months have fourteen rows, and January and February four each."""
    many = TableCheck("many", _more_than_four, "Rows")
    results = run_checks([many], warehouse, TIERS, MONTHS)
    assert [(row["month"], row["passed"], row["detail"]) for row in results] == [
        ("2024-01", False, "4 rows"),
        ("2024-02", False, "4 rows"),
        ("2024-03", True, "6 rows"),
    ]


def test_a_check_of_each_month_is_given_the_months_that_are_read_together(warehouse: Warehouse):
    asked: list[list[str]] = []

    def rows(of: Warehouse, table: Table, months: Sequence[str]) -> dict[str, Finding]:
        asked.append(list(months))
        found = {month: of.read(table, [month]).height for month in months}
        return {month: Finding(int(n <= 4), f"{n} rows") for month, n in found.items()}

    results = run_checks(
        [TableCheck.of_each("many", rows, blocking=True)], warehouse, TIERS, MONTHS
    )
    assert [month for months in asked for month in months] == MONTHS
    assert len(asked) == {1: 3, 4: 3, 8: 2}.get(warehouse.bounds.rows_of(3), 1)
    assert [(row["passed"], row["is_blocking"], row["detail"]) for row in results] == [
        (False, True, "4 rows"),
        (False, True, "4 rows"),
        (True, True, "6 rows"),
    ]


@pytest.mark.parametrize(
    ("rows", "failures"),
    [
        (TIERS.empty(), 0),
        (TIERS.empty().drop("points"), 1),
        (TIERS.empty().cast({"points": pl.String}), 1),
    ],
    ids=["as contracted", "no column", "another type"],
)
def test_a_table_without_a_row_is_held_to_its_columns(
    warehouse: Warehouse, rows: pl.DataFrame, failures: int
):
    found = CONTRACT.find(Subject(warehouse, TIERS, "2024-01", lambda: rows))
    assert found.failures == failures


def test_parts_of_a_month_hold_each_row_once_and_those_of_one_key_together(warehouse: Warehouse):
    twice = pl.DataFrame(
        [(DAYS["2024-02"], f"c{n % 5}", n) for n in range(15)],
        schema=TIERS.polars_schema,
        orient="row",
    )
    warehouse.write(TIERS, ["2024-02"], twice)
    for by in ((), ("points",)):
        parts = [warehouse.read_part(TIERS, "2024-02", part, 3, by) for part in range(3)]
        assert sorted(pl.concat(parts)["points"]) == list(range(15))
        of = [set(part["customer_id"]) for part in parts]
        if not by:
            assert sum(map(len, of)) == 5, "each customer is in one part"


@pytest.mark.parametrize(
    ("span", "months", "missing"),
    [
        (THE_MONTH, MONTHS, None),
        (THE_MONTH, ["2024-03", "2024-04"], "2024-04"),
        (window(2), ["2024-01"], "2023-12"),
        (window(2), ["2024-02", "2024-03"], None),
        (EVER, ["2024-03"], "2023-12"),
        (Span(1, 1), ["2024-04"], None),
    ],
)
def test_every_month_that_is_read_must_be_there(
    tmp_path: Path, span: Span, months: list[str], missing: str | None
):
    stored = Warehouse(tmp_path / "w.duckdb", "shop", "run")
    stored.write(TIERS, MONTHS, TIERS.empty())
    known = ["2023-12", *MONTHS, "2024-04"]
    try:
        if missing is None:
            _require(stored, [read(TIERS, span)], known, months)
        else:
            with pytest.raises(WarehouseError, match=rf"not been materialized for {missing}"):
                _require(stored, [read(TIERS, span)], known, months)
    finally:
        stored.close()


@pytest.mark.parametrize(
    ("spans", "back"),
    [
        ([THE_MONTH], None),
        ([window(2)], 1),
        ([window(3), THE_MONTH], 2),
        ([window(2), window(6)], 5),
        ([window(2, ago=4)], 5),
        ([window(2), EVER], "all"),
        ([Span(None, 1)], "all"),
    ],
)
def test_an_asset_depends_on_all_months_that_it_reads(spans: list[Span], back: int | str | None):
    partitions = dg.MonthlyPartitionsDefinition(
        start_date="2024-01", end_date="2025-01", fmt="%Y-%m"
    )
    other = Table("raw", "other", "Other", "其他", TIERS.columns)
    reads = [read(TIERS, span, f"r{n}") for n, span in enumerate(spans)]
    (dependency,) = _dependencies([other], [*reads, read(other, EVER)], partitions)
    assert dependency.asset_key == dg.AssetKey(["tags", "tiers"])
    mapping = dependency.partition_mapping
    if back is None:
        assert mapping is None
    else:
        assert isinstance(mapping, dg.TimeWindowPartitionMapping)
        assert mapping.end_offset == 0
        assert -mapping.start_offset == (12 + 12 if back == "all" else back)
