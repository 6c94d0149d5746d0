"""What a report reads of the published file: rows of the newest month, and none of what lacks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.published import Published

FILE = """
CREATE SCHEMA mart; CREATE SCHEMA tags;
CREATE TABLE mart.month (as_of DATE);
INSERT INTO mart.month VALUES ('2024-02-29');
CREATE TABLE tags.tier (as_of DATE, customer_id TEXT, points BIGINT);
INSERT INTO tags.tier VALUES ('2024-01-31', 'a', 1), ('2024-02-29', 'a', 2), ('2024-02-29', 'b', 9),
    ('2024-03-31', 'a', 3);
CREATE TABLE tags.other (no BIGINT, a TEXT);
CREATE VIEW current AS FROM mart.month;
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch_database() as opened:
        opened.execute(FILE)
        yield opened


@pytest.mark.parametrize("month_of", ["mart.month", "current"])
def test_the_newest_rows_are_those_of_the_month_that_is_reported(
    con: duckdb.DuckDBPyConnection, month_of: str
):
    published = Published(con, month_of)
    assert published.as_of == date(2024, 2, 29)
    found = published.newest("tags.tier", "points DESC")
    assert [(row["customer_id"], row["points"]) for row in found] == [("b", 9), ("a", 2)]
    found = published.newest("tags.tier", "points")
    assert [row["points"] for row in found] == [2, 9]


def test_what_is_not_there_has_no_rows_and_no_columns(con: duckdb.DuckDBPyConnection):
    published = Published(con, "mart.month")
    assert published.tables == {"mart.month", "tags.tier", "tags.other", "current"}
    assert published.newest("tags.lacking", "1") == []
    assert published.columns("tags.lacking") == []
    assert published.rows("tags.lacking", "FROM {table}") == []
    assert published.rows("tags.other", "FROM {table}") == []
    assert published.columns("tags.other") == ["no", "a"], "in the order of the table"
    assert published.columns("tags.tier") == ["as_of", "customer_id", "points"]
    over = "SELECT points FROM {table} WHERE points > ? ORDER BY ALL"
    assert published.rows("tags.tier", over, [2]) == [{"points": 3}, {"points": 9}]


def test_a_file_without_months_is_of_none(con: duckdb.DuckDBPyConnection):
    con.execute("DELETE FROM mart.month")
    for month_of in ("mart.month", "mart.lacking"):
        published = Published(con, month_of)
        assert published.as_of is None
        assert published.newest("tags.tier", "points") == []


def test_a_fact_is_found_once_for_all_who_ask(con: duckdb.DuckDBPyConnection):
    asked = []

    def tiers(published: Published) -> int:
        asked.append(1)
        return len(published.rows("tags.tier", "FROM {table}"))

    def others(published: Published) -> int:
        return len(published.tables)

    published = Published(con, "mart.month")
    assert [published.of(tiers), published.of(others), published.of(tiers)] == [4, 4, 4]
    assert len(asked) == 1
