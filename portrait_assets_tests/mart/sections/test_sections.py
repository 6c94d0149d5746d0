"""What sections of the report show, against a few lines of Python over the rows of the file."""

from __future__ import annotations

from collections import Counter
from datetime import date

import polars as pl
import pytest

from portrait_assets.stages.mart.findings import areas
from portrait_assets.stages.mart.reading import buckets
from portrait_assets.stages.mart.report import late_months
from portrait_assets.stages.mart.sections.backtests import _curve, proposals
from portrait_assets.stages.mart.sections.campaigns import _responses
from portrait_assets.stages.mart.sections.overview import _first, _without_value
from portrait_assets.stages.mart.sections.quality import quality
from portrait_assets.stages.mart.sections.value import by_month, concentration
from portrait_assets.stages.mart.segments.profiles import segments
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.published import Published
from portrait_assets_tests.mart.months_world import APRIL, ROWS, of_april


def test_the_highest_spenders_come_first_in_the_concentration(published: Published):
    spends = sorted((row["spend_12m"] for row in of_april()), reverse=True)
    points = concentration(published)
    assert (points[0]["spend"], points[-1]["spend"]) == (0, pytest.approx(1))
    for point in points:
        taken = round(point["customers"] * 59)
        assert point["spend"] == pytest.approx(sum(spends[:taken]) / sum(spends))
    assert len(points) == 21


def test_shares_by_month_count_everyone_with_a_value(published: Published):
    expected = Counter((row["as_of"], row["tier"]) for row in ROWS)
    assert [tuple(row.values()) for row in by_month(published, "tier")] == sorted(
        (*key, n) for key, n in expected.items()
    )
    assert by_month(published, "no_such_tag") == []


def test_a_curve_catches_what_the_buckets_above_it_hold(published: Published):
    rows = buckets(published, "tier / spend")
    assert [(row["bucket"], row["name"], row["zh"]) for row in rows] == [
        ("high", "High", "值high"),
        ("low", "Low", "值low"),
    ]
    points = [(point["customers"], point["gain"]) for point in _curve("x", rows)]
    assert points == [(0, 0), (10 / 30, 1 / 3), (1, 2 / 3)]


def test_proposals_are_those_of_the_newest_quarter_that_are_still_open(published: Published):
    assert [(row["tag_code"], row["as_of"]) for row in proposals(published)] == [
        ("idle", APRIL),
        ("tier", date(2024, 2, 29)),
    ]


def test_late_is_what_comes_after_the_month_that_is_reported_on(published: Published):
    assert [(row["month"], row["table_name"]) for row in late_months(published)] == [
        ("2024-05", "transactions")
    ]


def test_failures_come_before_warnings_and_each_thing_once(published: Published):
    assert {area: dict(counted) for area, counted in areas(published).items()} == {
        "checks": {"warn": 1},
        "drift": {"fail": 1, "warn": 1},
        "tags": {"pass": 1},
        "source": {"not judged": 1},
    }
    many = [{"subject": f"s{n}", "verdict": "warn", "metric": "m"} for n in range(9)]
    first = _first([*many, {"subject": "s3", "verdict": "fail", "metric": "x"}])
    assert [(row["subject"], row["metric"]) for row in first] == [
        ("s3", "x"),
        *((f"s{n}", "m") for n in (0, 1, 2, 4, 5)),
    ]


def test_what_tags_lack_is_counted_of_the_active_ones(published: Published):
    assert _without_value(published) == {
        "tags": 2,
        "of": 4,
        "needs": ["contacts", "responses.sent_at"],
        "needs_zh": ["contacts", "responses.sent_at"],
        "more": 0,
    }


def test_of_alternatives_one_that_is_named_by_itself_is_enough():
    lacks = [["transactions", "balances.x or customers.y"], ["customers.joined_on or transactions"]]
    con = scratch_database()
    con.execute("CREATE SCHEMA tags")
    con.register("given", pl.DataFrame({"as_of": APRIL, "in_force": True, "lacks": lacks}))
    con.execute("CREATE TABLE tags.tag_catalogue AS SELECT *, 't' AS tag_code FROM given")
    con.execute(f"CREATE VIEW newest_month AS SELECT DATE '{APRIL}' AS as_of")
    found = _without_value(Published(con, "newest_month", smallest=1))
    assert found is not None
    assert found["needs"] == ["transactions", "balances.x or customers.y"]


def test_quality_is_that_of_the_month(published: Published):
    found = quality(published)
    assert [(r["check_name"], r["tables"], r["failed"], r["which"]) for r in found["checks"]] == [
        ("unique", 3, 2, "a: d; b: d"),
        ("adds_up", 1, 0, None),
    ]
    assert [row["month"] for row in found["returns"]] == ["2024-05", "2024-04"]
    assert [row["feature"] for row in found["features"]] == ["y"]
    assert [row["tag_code"] for row in found["cards"]] == ["idle", "likes"]


def test_lines_of_files_are_counted_once_and_rejects_by_their_rule(published: Published):
    found = quality(published)
    assert [tuple(row.values()) for row in found["receipts"]] == [
        ("balances", True, 90, 90, 0, 0),
        ("transactions", True, 26, 30, 4, 4),
        ("contacts", False, 0, 0, 0, 0),
    ]
    assert [(r["column_name"], r["rule"], r["n"]) for r in found["rejects"]] == [
        ("amount", "unreadable", 2),
        ("–", "exact duplicate", 1),
    ]


def test_rates_of_responses_are_of_those_reached(published: Published):
    found = _responses(published.of(segments))
    assert [row["name"] for row in found] == ["1 S1", "2 S2"]
    for row, segment in zip(found, published.of(segments), strict=False):
        assert row["rate"] == segment["responded"] / segment["contacted"]
        assert row["low"] < row["rate"] < row["high"]
