"""What `portrait status` counts in the published file."""

from __future__ import annotations

import io
from collections.abc import Iterator

import duckdb
import pytest
from rich.console import Console

from portrait_assets.app import status
from portrait_assets.app.cli import printing
from portrait_assets.app.status import Checks, FailedCheck, Segment, SetAside, TableRows
from portrait_assets.storage.duckdb.connection import scratch_database

PUBLISHED = """
CREATE SCHEMA mart; CREATE SCHEMA cleaned; CREATE SCHEMA clusters; CREATE SCHEMA validation;
CREATE TABLE mart.table_rows AS SELECT * FROM (VALUES
    ('b.two', '2024-01', 5), ('a.one', '2024-02', 7), ('a.one', '2024-01', 3)
) AS t(table_name, month, row_count);
CREATE TABLE cleaned.rejects AS SELECT * FROM (VALUES
    ('sales', 'amount', 'not a number', 'value', 1),
    ('sales', 'amount', 'not a number', 'value', 2),
    ('sales', NULL, 'twice', 'merged', 3), ('sales', 'amount', 'not a number', 'row', 4)
) AS t(table_name, column_name, rule, severity, source_row);
CREATE VIEW newest_month AS SELECT DATE '2024-02-29' AS as_of;
CREATE TABLE clusters.cluster_segment AS SELECT * FROM (VALUES
    (DATE '2024-01-31', 1, 'Old', '旧', 9, 1.0), (DATE '2024-02-29', 2, 'Big', '大', 4, 0.4),
    (DATE '2024-02-29', 1, 'Few', '少', 6, 0.6), (DATE '2024-03-31', 1, 'Late', '迟', 1, 1.0)
) AS t(as_of, segment_id, name_en, name_zh, customers, share);
CREATE TABLE validation.check_results AS SELECT * FROM (VALUES
    ('a.one', 'unique', '2024-02', 'ERROR', false, 'two are alike'),
    ('a.one', 'unique', '2024-01', 'ERROR', false, 'two are alike'),
    ('a.one', 'unique', '2024-03', 'ERROR', true, ''),
    ('a.one', 'plausible', '2024-01', 'WARN', false, 'high'),
    ('b.two', 'plausible', '2024-01', 'WARN', true, ''),
    ('b.two', 'plausible', '2024-02', 'WARN', true, '')
) AS t(table_name, check_name, month, severity, passed, detail);
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch_database() as opened:
        opened.execute(PUBLISHED)
        yield opened


def test_rows_are_added_up_over_the_months_of_a_table(con: duckdb.DuckDBPyConnection):
    assert status._tables(con) == (TableRows("a.one", 2, 10), TableRows("b.two", 1, 5))


def test_what_was_set_aside_is_counted_by_place_rule_and_severity(con: duckdb.DuckDBPyConnection):
    assert set(status._set_aside(con)) == {
        SetAside("sales", "amount", "not a number", "value", 2),
        SetAside("sales", "amount", "not a number", "row", 1),
        SetAside("sales", None, "twice", "merged", 1),
    }


def test_segments_are_those_of_the_newest_complete_month(con: duckdb.DuckDBPyConnection):
    found = status._segments(con, smallest=1)
    assert [str(each.share) for each in found] == ["0.6", "0.4"]
    assert found[0] == Segment(1, "Few", "少", 6, found[0].share)


def test_segments_of_few_customers_are_printed_as_one():
    """By the rule of the report: one alone would be the rest of the total, so another goes too."""
    with scratch_database() as con:
        con.execute(
            "CREATE SCHEMA clusters; "
            "CREATE TABLE newest_month AS SELECT DATE '2024-03-31' AS as_of; "
            "CREATE TABLE clusters.cluster_segment AS SELECT DATE '2024-03-31' AS as_of, * FROM "
            "(VALUES (2, 'B', '乙', 40, 0.4), (1, 'A', '甲', 4, 0.04), (10, 'C', '丙', 56, 0.56)) "
            "AS t(segment_id, name_en, name_zh, customers, share)"
        )
        found = status._segments(con, smallest=10)
        every = status._segments(con, smallest=1)
    assert [(each.segment_id, each.en, each.zh, each.customers) for each in found] == [
        (10, "C", "丙", 56),
        (None, "other (2 values)", "其他（2个取值）", 44),
    ]
    assert [each.segment_id for each in every] == [1, 2, 10]
    printed = io.StringIO()
    printing._print_segments(found, Console(file=printed, width=80))
    assert printed.getvalue().splitlines()[-1].split() == [
        *("-", "44", "44.0%", "other", "(2", "values)", "/", "其他（2个取值）")
    ]


def test_tables_are_printed_with_their_months_and_rows():
    printed = io.StringIO()
    tables = (TableRows("a.one", 2, 1_234), TableRows("b.two", 12, 5))
    printing._print_rows(tables, Console(file=printed, width=80))
    _, header, *lines = printed.getvalue().strip().splitlines()
    assert header.split() == ["table", "months", "rows"]
    assert [line.split() for line in lines] == [["a.one", "2", "1,234"], ["b.two", "12", "5"]]


def test_checks_are_counted_by_what_came_of_them(con: duckdb.DuckDBPyConnection):
    assert status._checks(con) == Checks(
        passed=3,
        warned=1,
        failed=2,
        problems=(
            FailedCheck("a.one", "plausible", "WARN", ["2024-01"], "high"),
            FailedCheck("a.one", "unique", "ERROR", ["2024-01", "2024-02"], "two are alike"),
        ),
    )
