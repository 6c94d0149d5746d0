"""What `portrait status` counts in the published file."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from portrait_assets.app import status
from portrait_assets.app.status import Checks, FailedCheck, Segment, SetAside, TableRows

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
    with duckdb.connect() as opened:
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
    assert [str(each.share) for each in status._segments(con)] == ["0.6", "0.4"]
    assert status._segments(con)[0] == Segment(1, "Few", "少", 6, status._segments(con)[0].share)


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
