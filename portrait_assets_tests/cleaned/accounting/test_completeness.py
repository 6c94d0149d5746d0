"""A month that is late or incomplete, by the months before it."""

from __future__ import annotations

import calendar
import itertools
import random
import statistics
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.stages.cleaned.accounting.completeness import (
    COMPLETENESS,
    DAYS,
    ENDS_EARLY,
    FEW_ROWS,
    NO_ROWS,
    completeness_step,
)
from portrait_assets.stages.cleaned.checks import ARRIVED
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import run_step
from portrait_assets.testing.worlds.features import cleaned, sale

Day = tuple[str, str, date, int]
"""Table, month, day and rows."""
FOUR = ["2024-01", "2024-02", "2024-03", "2024-04"]


def daily(
    month: str, rows_a_day: int = 10, until: int = 31, without: Sequence[int] = ()
) -> list[Day]:
    """Rows of each day of a month, up to a day of it."""
    last = calendar.monthrange(int(month[:4]), int(month[5:]))[1]
    return [
        ("transactions", month, date.fromisoformat(f"{month}-{day:02d}"), rows_a_day)
        for day in range(1, min(until, last) + 1)
        if day not in without
    ]


def judged(days: list[Day], month: str, complete_months: Sequence[str] = ()) -> dict[str, object]:
    """The one row that the step gives for these rows by day."""
    frame = pl.DataFrame(
        days,
        schema={"table_name": pl.String, "month": pl.String, "day": pl.Date, "rows": pl.Int64},
        orient="row",
    )
    rows = run_step(completeness_step(complete_months), Scope(month), {DAYS: frame})
    return rows.row(0, named=True)


def months(names: Sequence[str], *rows_a_day: int) -> list[Day]:
    return [row for name, n in zip(names, rows_a_day, strict=True) for row in daily(name, n)]


def test_a_month_like_those_before_it_is_complete():
    row = judged(months(FOUR, 10, 11, 9, 10), "2024-04")
    assert (row["is_complete"], row["reason"]) == (True, None)
    assert (row["rows"], row["months_compared"], row["usual_rows"]) == (300, 3, 310)
    assert (row["quiet_days"], row["most_quiet_days"]) == (0, 2)


def test_a_month_without_rows_is_late():
    row = judged(months(FOUR[:3], 10, 10, 10), "2024-04")
    assert (row["rows"], row["reason"], row["is_complete"]) == (0, NO_ROWS, False)
    assert row["quiet_days"] == 30


@pytest.mark.parametrize(("rows_a_day", "reason"), [(4, FEW_ROWS), (6, None)])
def test_rows_are_few_below_half_of_the_median(rows_a_day: int, reason: str | None):
    row = judged(months(FOUR, 10, 10, 10, rows_a_day), "2024-04")
    assert row["fewest_rows"] == 155  # Half of the median of 310, 290 and 310.
    assert row["reason"] == reason


@pytest.mark.parametrize(("rows", "reason"), [(154, FEW_ROWS), (155, None)])
def test_half_of_the_median_itself_is_not_few(rows: int, reason: str | None):
    last = date(2024, 4, 30)
    april = [*daily("2024-04", 5, until=29), ("transactions", "2024-04", last, rows - 29 * 5)]
    row = judged([*months(FOUR[:3], 10, 10, 10), *april], "2024-04")
    assert (row["rows"], row["fewest_rows"], row["reason"]) == (rows, 155, reason)


def test_of_a_table_whose_months_differ_widely_few_rows_are_usual():
    # Median 310, median absolute deviation 217: three robust deviations reach below zero.
    row = judged(months(["2023-12", *FOUR], 10, 3, 30, 17, 2), "2024-04")
    assert (row["fewest_rows"], row["reason"]) == (0, None)


@pytest.mark.parametrize(
    ("until", "reason"), [(30, None), (28, None), (27, ENDS_EARLY), (20, ENDS_EARLY)]
)
def test_a_month_whose_last_days_are_missing_ends_early(until: int, reason: str | None):
    row = judged([*months(FOUR[:3], 10, 10, 10), *daily("2024-04", 10, until)], "2024-04")
    assert (row["quiet_days"], row["reason"]) == (30 - until, reason)


def test_where_days_without_rows_are_usual_a_month_may_end_with_some():
    closed = (6, 7, 13, 14, 20, 21, 27, 28)
    before = [row for name in FOUR[:3] for row in daily(name, 10, without=closed)]
    for until, reason in ((25, None), (24, ENDS_EARLY)):
        row = judged([*before, *daily("2024-04", 10, until, closed)], "2024-04")
        assert (row["most_quiet_days"], row["reason"]) == (5, reason)


@pytest.mark.parametrize(("closed", "most"), [((1, 2, 3, 4), 9), ((12, 13), 5), ((29, 30, 31), 7)])
def test_days_without_rows_count_at_the_start_within_and_at_the_end_of_a_month(
    closed: tuple[int, ...], most: int
):
    before = [row for name in ("2023-08", "2023-10", "2023-12") for row in daily(name)]
    before += [row for name in ("2023-09", "2023-11") for row in daily(name)]
    usual = [row for name in ("2024-01", "2024-03") for row in daily(name, without=closed)]
    row = judged([*before, *usual, *daily("2024-02"), *daily("2024-04")], "2024-04")
    assert row["most_quiet_days"] == most


def test_a_table_of_one_day_a_month_never_ends_early():
    firsts = [("balances", month, date.fromisoformat(f"{month}-01"), 50) for month in FOUR]
    row = judged(firsts, "2024-04")
    assert (row["quiet_days"], row["most_quiet_days"], row["reason"]) == (29, None, None)


@pytest.mark.parametrize(("days", "most"), [(9, None), (10, 43)])
def test_a_table_is_of_most_days_from_ten_days_a_month_on(days: int, most: int | None):
    before = [row for name in FOUR[:3] for row in daily(name, until=days)]
    row = judged([*before, *daily("2024-04", until=days)], "2024-04")
    assert row["most_quiet_days"] == most  # 2 * (31 - 10) + 1.


def test_with_fewer_than_three_months_before_it_nothing_is_compared():
    row = judged(months(FOUR[:3], 10, 10, 1), "2024-03")
    assert (row["months_compared"], row["usual_rows"], row["is_complete"]) == (2, None, True)


def test_months_without_rows_in_between_count_as_months():
    row = judged([*daily("2024-01"), *daily("2024-03"), *daily("2024-04")], "2024-05")
    assert (row["months_compared"], row["usual_rows"]) == (4, 305)
    assert row["reason"] == FEW_ROWS  # Not `no rows`: February had none either.


def test_a_month_that_the_source_declares_complete_is():
    row = judged(months(FOUR, 10, 10, 10, 1), "2024-04", ["2024-04"])
    assert (row["reason"], row["is_complete"]) == (FEW_ROWS, True)
    other = judged(months(FOUR, 10, 10, 10, 1), "2024-04", ["2024-03", "2024-05"])
    assert (other["reason"], other["is_complete"]) == (FEW_ROWS, False)


def expected(days: list[Day], table: str, month: str) -> tuple[object, ...]:
    """The row of a table by its definition, from the months since its first one."""
    by_day = {day: rows for of, _, day, rows in days if of == table}
    first = min(day for day in by_day)
    named = [f"{first.year + n // 12}-{n % 12 + 1:02d}" for n in range(first.month - 1, 60)]
    before = named[: named.index(month)]

    def days_of(name: str) -> list[int]:
        return sorted(day.day for day in by_day if f"{day:%Y-%m}" == name)

    def quiet(name: str) -> int:
        return calendar.monthrange(int(name[:4]), int(name[5:]))[1] - max(days_of(name), default=0)

    def longest_gap(name: str) -> int:
        steps = itertools.pairwise([0, *days_of(name)])
        return max([later - earlier - 1 for earlier, later in steps] + [quiet(name)])

    def rows_of(name: str) -> int:
        return sum(rows for day, rows in by_day.items() if f"{day:%Y-%m}" == name)

    rows, counts = rows_of(month), [rows_of(name) for name in before]
    if len(before) < 3:
        return (rows, len(before), quiet(month), None, None, None, None)
    usual = statistics.median(counts)
    deviation = statistics.median(abs(count - usual) for count in counts)
    fewest = max(0.0, min(usual / 2, usual - 3 * 1.4826 * deviation))
    most = None
    if statistics.median(len(days_of(name)) for name in before) >= 10:
        most = max(2, 1 + 2 * max(longest_gap(name) for name in before if days_of(name)))
    reason = None
    if rows == 0 and min(counts) > 0:
        reason = NO_ROWS
    elif rows < fewest:
        reason = FEW_ROWS
    elif most is not None and quiet(month) > most:
        reason = ENDS_EARLY
    return (rows, len(before), quiet(month), usual, round(fewest, 6), most, reason)


@pytest.mark.parametrize("seed", range(12))
def test_every_table_is_judged_as_by_an_oracle(seed: int):
    draw = random.Random(seed)
    month = f"2024-{draw.randint(4, 6):02d}"
    days: list[Day] = []
    for table in ("balances", "responses", "transactions"):
        share, start = (
            draw.choice([0.1, 0.3, 0.4, 0.9]),
            draw.choice([date(2023, 10, 5), date(2024, 2, 1)]),
        )
        day, until = start, date(2024, int(month[5:]), draw.choice([3, 15, 25, 30]))
        missing = draw.choice(["", f"{month}", "2024-03"])
        while day <= until:
            is_there = day == start or draw.random() < share
            if is_there and (day == start or f"{day:%Y-%m}" != missing):
                days.append((table, f"{day:%Y-%m}", day, draw.randint(1, 9)))
            day += timedelta(1)
    frame = pl.DataFrame(
        days,
        schema={"table_name": pl.String, "month": pl.String, "day": pl.Date, "rows": pl.Int64},
        orient="row",
    )
    found = run_step(completeness_step(()), Scope(month), {DAYS: frame}).with_columns(
        pl.col("fewest_rows").round(6)
    )
    for table in ("balances", "responses", "transactions"):
        row = found.filter(table_name=table).row(0, named=True)
        limits = ("usual_rows", "fewest_rows", "most_quiet_days", "reason")
        shown = tuple(row[name] for name in ("rows", "months_compared", "quiet_days", *limits))
        assert shown == expected(days, table, month), table
        assert row["is_complete"] == (row["reason"] is None)


def test_rows_of_the_twelve_months_before_are_counted_by_the_day_that_they_are_dated_by():
    """Fourteen months of a line a day, the oldest of two, and one day's balance in each."""
    days = pl.date_range(date(2023, 12, 1), date(2025, 1, 31), eager=True).to_list()
    lines = [sale("a", f"{day}", 1) for day in days] + [sale("b", "2023-12-01", 1)] * 31
    balances = [
        {"customer_id": "a", "balance_on": day, "balance": 5} for day in days if day.day == 9
    ]
    frames = {
        "transactions": cleaned("transactions", lines),
        "balances": cleaned("balances", balances),
    }
    with scratch_database() as con:
        con.execute("CREATE SCHEMA cleaned")
        for name, table in CLEANED.items():
            con.execute(create_table_sql(table, column_types(table)))
            if name in frames:
                con.register("rows_of_it", frames[name])
                con.execute(f"INSERT INTO {table.full_name} BY NAME FROM rows_of_it")
        found = Engine(con).frame(completeness_step(()), Scope("2025-01"))
    shown = found.select("table_name", "rows", "months_compared", "usual_rows", "quiet_days")
    assert shown.rows() == [("balances", 1, 12, 1.0, 22), ("transactions", 31, 12, 31.0, 0)]
    assert found["most_quiet_days"].to_list() == [None, 2]


def test_the_check_names_the_tables_that_are_late_and_no_others(tmp_path: Path):
    common = {"month": "2024-04", "months_compared": 3, "quiet_days": 0}
    usual = {"rows": 90, "usual_rows": 100.0, "fewest_rows": 50.0}
    rows = pl.DataFrame(
        [
            {**common, **usual, "table_name": "balances", "is_complete": True},
            {**common, **usual, "table_name": "transactions", "is_complete": False, "rows": 3},
        ],
        schema=COMPLETENESS.polars_schema,
    )
    warehouse = Warehouse(tmp_path / "w.duckdb", "shop", "one")
    found = ARRIVED.find(Subject(warehouse, COMPLETENESS, "2024-04", lambda: rows))
    warehouse.close()
    assert found.failures == 1
    assert found.detail == "transactions has 3 rows, usual are 100 and at least 50"
