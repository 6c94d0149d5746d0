"""What a warehouse notes of its months is read as it was written, by run and by what failed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.record import (
    REPORT,
    Materialized,
    Record,
    closed_months,
    read_record,
)
from portrait_assets.privacy.keys import KeyName, make_key
from portrait_assets.privacy.pseudonyms import rotate, under
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.file import publish
from portrait_assets.storage.staleness.inputs import Inputs, record_inputs
from portrait_assets.storage.staleness.states import State
from portrait_assets.testing.worlds.shop import shop

JANUARY, FEBRUARY = MONTHS = ["2024-01", "2024-02"]
CUSTOMER = Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False)
SALES = Table("raw", "sales", "Sales", "销售", (CUSTOMER,))
MATRIX = Table("features", "matrix", "Matrix", "矩阵", (CUSTOMER,), published=True)
FIRST = Inputs("files", "definitions")
SECOND = Inputs("other files", "other definitions")
UPSTREAM = {"raw.sales": [], "features.matrix": ["raw.sales"]}


def rows(**months: int) -> pl.DataFrame:
    names = [f"2024-{month[1:]}" for month, count in months.items() for _ in range(count)]
    return pl.DataFrame({"month": names, "customer_id": ["a"] * len(names)})


def check_result(month: str, table: str, **more: object) -> dict[str, object]:
    row = {"month": month, "table_name": table, "check_name": "contract", "severity": "ERROR"}
    return row | {"is_blocking": True, "passed": True, "failures": 0, "detail": ""} | more


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, source="shop", lock_wait_seconds=0.1)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    """January and February written by one run, February's rows and matrix again by another."""
    opened = Warehouse(settings.warehouse_file, "shop", "run-1")
    record_inputs(opened.con, "run-1", FIRST, {"raw.sales": []})
    opened.write(RECEIPTS, MONTHS, RECEIPTS.empty())
    opened.write(SALES, MONTHS, rows(m01=3, m02=4))
    opened.write(MATRIX, MONTHS, rows(m01=1, m02=2))
    opened.write(CHECK_RESULTS, MONTHS, CHECK_RESULTS.empty())
    opened.run_id = "run-2"
    record_inputs(opened.con, "run-2", SECOND, UPSTREAM)
    opened.write(SALES, [FEBRUARY], rows(m02=5))
    opened.write(MATRIX, [FEBRUARY], rows(m02=2))
    yield opened
    opened.close()


def record_of(warehouse: Warehouse, settings: Settings) -> Record:
    warehouse.close()
    return read_record(settings)


def test_inputs_are_of_one_version_while_neither_files_nor_definitions_change():
    versions = {each.version for each in (FIRST, SECOND, Inputs("files", "other definitions"))}
    assert len(versions) == 3
    assert Inputs("files", "definitions").version == FIRST.version


def test_each_month_of_each_table_has_its_times_its_rows_and_the_inputs_of_its_run(
    warehouse: Warehouse, settings: Settings
):
    noted = warehouse.con.execute(
        "SELECT month, table_name, row_count, run_id, epoch_us(made_at), epoch_us(changed_at) "
        "FROM meta.partitions"
    ).fetchall()
    inputs = {"run-1": FIRST, "run-2": SECOND}
    expected: dict[str, dict[str, Materialized]] = {month: {} for month in MONTHS}
    for month, table, count, run_id, made_at, changed_at in noted:
        expected[month][table] = Materialized(State(made_at, changed_at), inputs[run_id], count)
    found = record_of(warehouse, settings)
    assert found.months == expected
    february = found.months[FEBRUARY]
    assert (february["raw.sales"].rows, found.months[JANUARY]["raw.sales"].rows) == (5, 3)
    assert february["features.matrix"].state.changed_at < february["raw.sales"].state.made_at
    assert found.version == max(changed_at for *_, changed_at in noted)
    assert found.upstream == UPSTREAM, "of the run that wrote last"
    assert found.tables == list(UPSTREAM)
    assert found.failed == {}
    assert found.published_at is None


def test_runs_that_left_no_rows_are_forgotten_when_another_begins(warehouse: Warehouse):
    """Of run 2 all rows are replaced, of run 1 those of January stand, run 3 wrote nothing."""
    warehouse.run_id = "run-3"
    record_inputs(warehouse.con, "run-3", SECOND, {})
    warehouse.run_id = "run-4"
    record_inputs(warehouse.con, "run-4", SECOND, {})
    noted = "SELECT run_id, files, definitions, upstream FROM meta.runs ORDER BY run_id"
    assert [row[0] for row in warehouse.con.execute(noted).fetchall()] == [
        "run-1",
        "run-2",
        "run-4",
    ]
    warehouse.write(SALES, [FEBRUARY], rows(m02=1))
    warehouse.write(MATRIX, [FEBRUARY], rows(m02=1))
    record_inputs(warehouse.con, "run-5", FIRST, UPSTREAM)
    assert warehouse.con.execute(noted).fetchall() == [
        ("run-1", "files", "definitions", '{"raw.sales": []}'),
        ("run-4", "other files", "other definitions", "{}"),
        ("run-5", "files", "definitions", json.dumps(UPSTREAM)),
    ]


def test_a_month_fails_by_blocking_errors_and_by_files_that_could_not_be_read(
    warehouse: Warehouse, settings: Settings
):
    cases = list(product([True, False], ["ERROR", "WARN"], [True, False]))
    results = [
        check_result(month, f"raw.t{number}", is_blocking=is_blocking, severity=severity, passed=ok)
        for month, last in ((JANUARY, 8), (FEBRUARY, 1))
        for number, (is_blocking, severity, ok) in enumerate(cases[:last])
    ]
    warehouse.write(CHECK_RESULTS, MONTHS, pl.DataFrame(results))
    receipt = {"table_name": "sales", "is_provided": True, "rows_received": 1, "rows_in_file": 1}
    receipt |= {"rows_placed": 1, "rows_unplaced": 0}
    problems = pl.DataFrame(
        [receipt | {"month": JANUARY, "problem": None}, receipt | {"month": FEBRUARY}],
        schema=RECEIPTS.polars_schema,
    ).with_columns(problem=pl.when(pl.col("month") == FEBRUARY).then(pl.lit("The file is empty.")))
    warehouse.write(RECEIPTS, MONTHS, problems)
    failing = f"raw.t{cases.index((True, 'ERROR', False))}"
    assert record_of(warehouse, settings).failed == {
        JANUARY: frozenset({failing}),
        FEBRUARY: frozenset({"raw.receipts"}),
    }


def test_stages_of_past_runs_took_from_the_end_of_the_one_before(
    warehouse: Warehouse, settings: Settings
):
    """Run 1 left January's tables, run 2 February's; receipts and checks of both are of run 1."""
    times = {
        ("run-1", "raw.receipts"): 9,
        ("run-1", "raw.sales"): 10,
        ("run-1", "features.matrix"): 25,
        ("run-1", "validation.check_results"): 99,
        ("run-2", "raw.sales"): 103,
        ("run-2", "features.matrix"): 110,
    }
    for (run_id, table), second in times.items():
        warehouse.con.execute(
            "UPDATE meta.partitions SET made_at = make_timestamptz(? * 1_000_000) "
            "WHERE run_id = ? AND table_name = ?",
            [second, run_id, table],
        )
    for run_id, second in (("run-1", 2), ("run-2", 100)):
        warehouse.con.execute(
            "UPDATE meta.runs SET started_at = make_timestamptz(? * 1_000_000) WHERE run_id = ?",
            [second, run_id],
        )
    # Of run 1 stand January with its 3 rows, and February's receipts with the 5 rows of today.
    assert sorted(record_of(warehouse, settings).past) == [
        ("features", 1, 3, 15.0),
        ("features", 1, 5, 7.0),
        ("raw", 1, 5, 3.0),
        ("raw", 2, 8, 8.0),
    ]


@pytest.mark.parametrize(
    ("report", "changed", "is_published"),
    [
        (1, False, True),
        (0, False, True),
        (-1, False, False),
        (None, False, False),
        (1, True, False),
    ],
)
def test_published_is_what_the_file_and_a_report_not_older_than_it_hold(
    warehouse: Warehouse, settings: Settings, report: int | None, changed: bool, is_published: bool
):
    publish(warehouse, [MATRIX], [], settings.portrait_file, "shop")
    if report is not None:
        page = settings.warehouse_dir / REPORT
        page.parent.mkdir()
        page.touch()
        at = settings.portrait_file.stat().st_mtime_ns + report * 10**9
        os.utime(page, ns=(at, at))
    if changed:
        warehouse.write(SALES, [JANUARY], rows(m01=3))
    found = record_of(warehouse, settings).published_at
    assert isinstance(found, datetime) == is_published


def test_what_bears_pseudonyms_of_a_key_that_was_rotated_is_published_again(
    warehouse: Warehouse, settings: Settings
):
    key = make_key(settings, KeyName.PSEUDONYMS)
    publish(warehouse, [MATRIX], [], settings.portrait_file, "shop", under(key))
    page = settings.warehouse_dir / REPORT
    page.parent.mkdir()
    page.touch()
    assert record_of(warehouse, settings).published_at is not None
    rotate(settings, key.fingerprint)
    assert record_of(warehouse, settings).published_at is None


def test_what_a_version_without_pseudonyms_published_is_published_again(
    warehouse: Warehouse, settings: Settings
):
    publish(warehouse, [MATRIX], [], settings.portrait_file, "shop")
    page = settings.warehouse_dir / REPORT
    page.parent.mkdir()
    page.touch()
    with duckdb.connect(str(settings.portrait_file)) as con:
        con.execute("ALTER TABLE mart.publication DROP COLUMN pseudonym_key")
    os.utime(page)
    assert record_of(warehouse, settings).published_at is None


def test_the_tables_of_a_month_are_those_of_the_flow_but_for_what_is_published_of_it():
    stored = Materialized(State(1, 1), None, 9)
    of_month = dict.fromkeys(("raw.sales", "features.matrix", "validation.check_results"), stored)
    others = dict.fromkeys((f"raw.t{number}" for number in range(9)), stored)
    found = Record({"2024-01": of_month, "2024-02": others}).tables
    assert found == ["features.matrix", "raw.sales", *others]
    upstream = {"raw.sales": (), "features.matrix": ("raw.sales",), "mart.report": ("raw.sales",)}
    assert Record({"2024-01": of_month}, upstream=upstream).tables == [
        *("raw.sales", "features.matrix")
    ]


def test_rows_that_are_not_read_yet_are_shared_evenly_among_their_months():
    def month(receipts: int, sales: int, matrix: int) -> dict[str, Materialized]:
        of = {"raw.receipts": receipts, "raw.sales": sales, "features.matrix": matrix}
        return {name: Materialized(State(1, 1), None, count) for name, count in of.items()}

    unread = {"raw.sales": Materialized(State(1, 1), None, 77)}
    record = Record({"2024-01": month(1, 30, 900), "2024-02": month(1, 68, 900), "2024-03": unread})
    available = ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert record.source_rows(available, 300) == dict(
        zip(available, (31, 69, 100, 100), strict=True)
    )
    assert record.source_rows(available, 50) == dict(zip(available, (31, 69, 0, 0), strict=True))
    assert Record().source_rows(available[:3], 10) == dict.fromkeys(available[:3], 3)
    assert record.source_rows(available[:2], 300) == {"2024-01": 31, "2024-02": 69}


KEPT = """
CREATE SCHEMA raw; CREATE SCHEMA meta;
CREATE TABLE raw.receipts AS SELECT * FROM (VALUES
    ('2024-01', 'interactions', 2), ('2024-02', 'interactions', 1), ('2024-03', 'interactions', 1)
) AS t(month, table_name, rows_erased);
CREATE TABLE raw.interactions AS SELECT '2024-04' AS month, 'a' AS customer_id;
CREATE TABLE meta.partitions AS SELECT unnest(['2024-01', '2024-02', '2024-03']) AS month,
    'validation.check_results' AS table_name;
"""


@pytest.mark.parametrize(
    ("change", "closed"),
    [
        ("SELECT 1", {"2024-01", "2024-02"}),
        ("UPDATE raw.receipts SET rows_erased = 0 WHERE month = '2024-01'", {"2024-02"}),
        (
            "INSERT INTO raw.interactions VALUES ('2024-02', 'of one who was not erased')",
            {"2024-01"},
        ),
        ("DELETE FROM meta.partitions WHERE month = '2024-01'", {"2024-02"}),
        ("DROP TABLE raw.interactions", set()),
    ],
)
def test_months_are_closed_whose_rows_were_removed_for_their_age(
    tmp_path: Path, change: str, closed: set[str]
):
    """March is young enough: what was erased of it was of people; no month is that never was."""
    settings = shop(tmp_path)
    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text() + "keep_months: {interactions: 2}\n")
    source = load_source(settings.source_dir)
    assert source.kept_from == {"interactions": "2024-03"}
    with scratch_database() as con:
        con.execute(KEPT)
        con.execute(change)
        assert closed_months(con, source) == dict.fromkeys(closed, "interactions")
