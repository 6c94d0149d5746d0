"""Published tables about months beside each other hold what the assignments and tags give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import duckdb
import polars as pl
import pytest

from portrait_assets.app.cli.printing import EXAMPLE_QUERIES
from portrait_assets.app.status import Segment, read_published
from portrait_assets.core.months import last_day
from portrait_assets.core.settings import Settings
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.catalogue.tag import Shape
from portrait_assets.testing.worlds.shop import SHOP_MONTHS

DAYS = [last_day(month) for month in SHOP_MONTHS]
NEWEST = DAYS[-1]
VALUES = ("segment_id", "lifecycle_stage", "value_tier")


@pytest.fixture(scope="module")
def published(all_months: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        yield con


@pytest.fixture(scope="module")
def matrix(published: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    rows: pl.DataFrame = published.sql("FROM tags.portrait_matrix").pl()
    return rows


def values_of(frame: pl.DataFrame, day: date, column: str) -> dict[str, object]:
    """The value of each customer who has one in that month."""
    rows = frame.filter(as_of=day).select("customer_id", column).drop_nulls()
    return dict(rows.iter_rows())


def moved(
    frame: pl.DataFrame, before: date, after: date, column: str
) -> Counter[tuple[object, object]]:
    """Customers by value before and after, None where they have none."""
    then, now = values_of(frame, before, column), values_of(frame, after, column)
    return Counter((then.get(who), now.get(who)) for who in {*then, *now})


def of_enough(counted: Mapping[Any, int], listed: Mapping[Any, int]) -> int:
    """What is left of the counted moves once those of enough customers, as listed, are taken."""
    assert listed == {move: n for move, n in counted.items() if n >= 10}
    return sum(counted.values()) - sum(listed.values())


def test_cluster_migration_counts_who_moved_between_segments(
    published: duckdb.DuckDBPyConnection,
):
    assigned = published.sql("FROM clusters.cluster_assignment").pl()
    table = published.sql("FROM clusters.cluster_migration").pl()
    assert sorted(set(table["as_of"])) == DAYS[1:]
    for before, after in pairwise(DAYS):
        counted = moved(assigned, before, after, "segment_id")
        rows = table.filter(as_of=after)
        listed = {
            (origin, to): n
            for origin, to, n in rows.select("from_segment", "to_segment", "customers").rows()
            if (origin, to) != (0, 0)
        }
        few = of_enough(counted, listed)
        assert rows.filter(from_segment=0)["customers"].to_list() == ([few] if few >= 10 else [])
        sizes = Counter(values_of(assigned, before, "segment_id").values())
        for origin, n, share in rows.select("from_segment", "customers", "share").iter_rows():
            if origin:
                assert share == round(n / sizes[origin], 6)


def test_migration_counts_who_moved_between_segments_stages_and_tiers(
    published: duckdb.DuckDBPyConnection, matrix: pl.DataFrame
):
    table = published.sql(
        "SELECT as_of, dimension, value_before, value_after, customers FROM validation.migration"
    ).pl()
    for before, after in pairwise(DAYS):
        for column in VALUES:
            counted = {
                tuple(v if v is None else str(v) for v in values): n
                for values, n in moved(matrix, before, after, column).items()
            }
            rows = table.filter(as_of=after, dimension=column.removesuffix("_id"))
            is_pooled = pl.col("value_before").str.starts_with("other (").fill_null(False)
            listed = {(was, now): n for *_, was, now, n in rows.filter(~is_pooled).iter_rows()}
            few = of_enough(counted, listed)
            assert rows.filter(is_pooled)["customers"].to_list() == ([few] if few >= 10 else [])
    assert table.height > 0


def test_a_segment_has_the_customers_assigned_to_it_and_their_share(
    published: duckdb.DuckDBPyConnection,
):
    assigned = published.sql("FROM clusters.cluster_assignment").pl()
    rows = published.sql("SELECT as_of, segment_id, customers, share FROM clusters.cluster_segment")
    expected = [
        (day, segment, n, round(n / len(customers), 6))
        for day in DAYS
        for customers in [values_of(assigned, day, "segment_id")]
        for segment, n in Counter(customers.values()).items()
    ]
    found = [(*row[:3], round(row[3], 6)) for row in rows.fetchall()]
    assert sorted(found) == sorted(expected)


def test_status_shows_the_segments_of_the_newest_month(
    published: duckdb.DuckDBPyConnection, all_months: Settings
):
    rows = published.execute(
        "SELECT segment_id, name_en, name_zh, customers, share FROM clusters.cluster_segment "
        "WHERE as_of = ? ORDER BY 1",
        [NEWEST],
    ).fetchall()
    assert len(rows) > 1, "in the first month all are one"
    assert read_published(all_months).segments == tuple(Segment(*row) for row in rows)


def test_queries_that_are_printed_to_try_run_on_what_is_published(
    published: duckdb.DuckDBPyConnection, matrix: pl.DataFrame
):
    portrait, segments, tags = (published.sql(query).pl() for query in EXAMPLE_QUERIES)
    assert portrait.height == 5
    assert segments["customers"].to_list() == sorted(segments["customers"], reverse=True)
    assert segments["percent"].sum() == pytest.approx(100, abs=1)
    tiers = tags.filter(tag_code="value_tier").select("tag_value", "customers").rows()
    expected = Counter(values_of(matrix, NEWEST, "value_tier").values())
    assert tiers == sorted(expected.items(), key=str)


def test_changes_of_every_tag_that_is_no_number_are_recorded(
    published: duckdb.DuckDBPyConnection, matrix: pl.DataFrame, all_months: Settings
):
    catalogue = source_catalogue(all_months.source_dir)
    codes = [
        tag.code
        for tag in catalogue.published
        if tag.shape is Shape.ONE or str(tag.type) in ("VARCHAR", "BOOLEAN")
    ]
    many = {tag.code for tag in catalogue.published if tag.shape is Shape.MANY}
    expected = Counter(
        (after, code)
        for before, after in pairwise(DAYS)
        for code in codes
        if code not in many
        for (then, now), n in moved(matrix, before, after, code).items()
        if then != now
        for _ in range(n)
    )
    assert {type(matrix[code].dtype) for _, code in expected} >= {pl.String, pl.Boolean}
    rows = published.sql("SELECT as_of, tag_code, count(*) FROM tags.tag_changes GROUP BY ALL")
    found = {(day, code): n for day, code, n in rows.fetchall() if code not in many}
    assert found == dict(expected)


def test_the_coverage_of_a_tag_is_the_share_of_customers_who_hold_it(
    published: duckdb.DuckDBPyConnection, matrix: pl.DataFrame
):
    rows = matrix.filter(as_of=NEWEST)
    found = published.execute(
        "SELECT tag_code, coverage FROM tags.tag_quality WHERE as_of = ?", [NEWEST]
    ).fetchall()
    assert len(found) > 50
    for code, coverage in found:
        values = rows[code].drop_nulls()
        is_list = values.dtype == pl.List(pl.String)
        holders = (values.list.len() > 0).sum() if is_list else len(values)
        assert coverage == pytest.approx(holders / rows.height, abs=1e-6), code
