"""What the tutorials say of the corner shop is what a run of it gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import portrait_assets
from portrait_assets.core.settings import Settings

TUTORIALS = Path(portrait_assets.__file__).parents[1] / "docs" / "tutorials"
ANALYSTS, MARKETERS = (
    (TUTORIALS / f"{page}.md").read_text("utf-8") for page in ("analysts", "marketers")
)


@pytest.fixture(scope="module")
def published(all_months: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        yield con


def stated(page: str, pattern: str) -> tuple[str, ...]:
    """The groups of what a page says, whatever its lines are."""
    found = re.search(pattern, " ".join(page.split()))
    assert found, pattern
    return found.groups()


def query(page: str, word: str) -> str:
    """The SQL of a page that has the word in it."""
    blocks: list[str] = re.findall(r"```sql\n(.*?)```", page, re.S)
    return next(block for block in blocks if word in block)


def test_the_audience_of_the_marketers_is_as_large_as_the_page_says(
    published: duckdb.DuckDBPyConnection,
):
    (where,) = stated(MARKETERS, r'portrait audience "([^"]+)" --source corner_shop')
    selected, everybody = map(int, stated(MARKETERS, r"they are (\d+) of (\d+)"))
    counted = f"SELECT count(*) FILTER ({where}), count(*) FROM portrait"
    assert published.sql(counted).fetchall() == [(selected, everybody)]


def test_stages_of_the_life_cycle_are_had_by_as_many(published: duckdb.DuckDBPyConnection):
    pattern = r"(\d+) are in (\w+), (\d+) in (\w+) and (\d+) in (\w+)"
    counts = stated(MARKETERS, pattern)
    expected = [*zip(counts[1::2], map(int, counts[::2]), strict=True)]
    assert published.sql(query(MARKETERS, "GROUP BY stage")).fetchall() == expected


def test_the_customer_of_the_analysts_changes_when_the_page_says(
    published: duckdb.DuckDBPyConnection,
):
    pattern = (
        r"stays in the middle tier, and goes from `(\w+)` to `(\w+)` in March and back in April"
    )
    before, within = stated(ANALYSTS, pattern)
    rows = published.sql(query(ANALYSTS, "K025")).fetchall()
    assert [row[1] for row in rows] == ["medium"] * 4
    assert [row[2] for row in rows] == [before, before, within, before]
