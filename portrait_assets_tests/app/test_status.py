"""What `portrait status` counts in the published file."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from portrait_assets.app import status
from portrait_assets.app.cli import printing
from portrait_assets.app.status import (
    Checks,
    FailedCheck,
    Publication,
    Published,
    Segment,
    SetAside,
    SourceState,
    Status,
    TableRows,
)
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
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


TABLES = (TableRows("a.one", 2, 1_234), TableRows("b.two", 12, 5))
CHECKS = Checks(
    passed=3,
    warned=1,
    failed=2,
    problems=(FailedCheck("a.one", "unique", "ERROR", ["2024-01", "2024-02"], "K1 [tea] twice"),),
)
ROWS = ["", "Rows per table", "table months rows", "a.one 2 1,234", "b.two 12 5"]
FOUND = [
    "",
    "Checks 3 passed, 1 warned, 2 failed",
    "ERROR a.one unique: 2024-01, 2024-02 (K1 [tea] twice)",
]
PUBLICATION = Publication(
    run_id="0a1b",
    published_at=datetime(2024, 5, 3, 7, 9),
    materialized=frozenset({"2024-01", "2024-02"}),
    next_run="Everything is up to date.",
    tables=TABLES,
    checks=CHECKS,
)


def printed(show: Callable[..., None], *what: object) -> list[str]:
    """The lines printed to a wide console, with one space between words."""
    text = io.StringIO()
    show(*what, Console(file=text, width=160, soft_wrap=True))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def test_status_says_when_was_published_what_is_there_and_what_is_next():
    shown = Status("corner_shop", ["2024-01", "2024-02", "2024-03"], PUBLICATION)
    assert printed(printing.print_status, shown) == [
        "corner_shop: published 2024-05-03 07:09 UTC by run 0a1b",
        "months materialized: 2 of 3 (2024-01 to 2024-03)",
        "never materialized: 2024-03",
        "Everything is up to date.",
        *ROWS,
        *FOUND,
    ]
    whole = printed(printing.print_status, replace(shown, months=["2024-01", "2024-02"]))
    assert whole[1:3] == [
        "months materialized: 2 of 2 (2024-01 to 2024-02)",
        "Everything is up to date.",
    ]


def test_status_without_anything_published_names_the_command():
    (line,) = printed(printing.print_status, Status("corner_shop", ["2024-01"], None))
    assert line.startswith("corner_shop: nothing is published yet; run `")
    assert line.endswith("`.")


def test_what_was_published_is_printed_with_queries_to_try(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="corner_shop")
    found = Published(
        tables=TABLES,
        set_aside=(
            SetAside("sales", "amount", "not a number", "value", 1_200),
            SetAside("sales", None, "twice", "merged", 1),
        ),
        segments=(Segment(2, "Few [tea]", "少", 1_600, 0.4),),
        checks=CHECKS,
    )
    *lines, file, title, first, second, third = printed(printing.print_published, found, settings)
    assert lines == [
        *ROWS,
        *("", "Set aside or corrected", "sales.amount: not a number (value) 1,200"),
        "sales: twice (merged) 1",
        *("", "Segments of the newest month", "2 1,600 40.0% Few [tea] / 少"),
        *FOUND,
        "",
    ]
    report = settings.warehouse_dir / "report" / "index.html"
    assert (file, title) == (f"{settings.portrait_file} (and {report})", "Try:")
    for line, query in zip((first, second, third), printing.EXAMPLE_QUERIES, strict=True):
        assert f"'{settings.portrait_file}', read_only=True" in line
        assert query in line
    none = printed(printing.print_published, replace(found, set_aside=()), settings)
    assert none[7] == "nothing: every value of every row was taken as it came"


def test_sources_are_listed_with_their_months_and_whether_they_can_run():
    ready = SourceState("corner_shop", "A [small] shop", "小店", "2024-01 to now", "ready")
    broken = SourceState("x", "", "", "", "x: source.yaml line 1: no [title].")
    assert printed(printing.print_sources, [ready, broken]) == [
        "corner_shop 2024-01 to now",
        "A [small] shop / 小店",
        "ready",
        "x",
        "x: source.yaml line 1: no [title].",
    ]


def test_sources_are_those_of_the_package_and_of_the_data_folder(tmp_path: Path):
    folder = tmp_path / "sources"
    shutil.copytree(PACKAGED_SOURCES / "corner_shop", folder / "corner_shop")
    (folder / "corner_shop" / "sales.csv").unlink()
    written = (folder / "corner_shop" / "source.yaml").read_text()
    (folder / "endless").mkdir()
    (folder / "endless" / "source.yaml").write_text(
        written.replace("name: corner_shop", "name: endless").replace("last_month: 2024-04\n", "")
    )
    (folder / "broken").mkdir()
    (folder / "broken" / "source.yaml").write_text("name: other\n")
    found = {each.name: each for each in status.read_sources(Settings(data_dir=tmp_path))}
    own, packaged = found["corner_shop"], found["complete_journey"]
    assert own.covered == "2024-01 to 2024-04"
    assert "sales.csv" in own.state
    assert own.en
    assert own.zh
    assert packaged.covered.endswith(", packaged")
    assert found["endless"].covered == "2024-01 to now"
    assert (found["broken"].covered, found["broken"].en) == ("", "")
    assert "broken/source.yaml" in found["broken"].state


def test_a_source_without_a_published_file_has_no_status_but_its_months(tmp_path: Path):
    found = status.read_status(Settings(data_dir=tmp_path, source="corner_shop"))
    assert found == Status("corner_shop", ["2024-01", "2024-02", "2024-03", "2024-04"], None)
