"""What sections of the report show, against a few lines of Python over the rows of the file."""

from __future__ import annotations

from collections import Counter
from datetime import date
from statistics import mean, median

import duckdb
import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.mart import advice
from portrait_assets.stages.mart.findings import areas
from portrait_assets.stages.mart.reading import TagName, buckets, counts_by_segment
from portrait_assets.stages.mart.report import late_months
from portrait_assets.stages.mart.sections.backtests import _curve, proposals
from portrait_assets.stages.mart.sections.campaigns import _responses
from portrait_assets.stages.mart.sections.matrix import matrix
from portrait_assets.stages.mart.sections.overview import _first, _without_value
from portrait_assets.stages.mart.sections.quality import quality
from portrait_assets.stages.mart.sections.value import by_month, concentration
from portrait_assets.stages.mart.segments import segments
from portrait_assets.stages.validation.returns import SHARE_RETURNED
from portrait_assets.storage.published import Published, Row

MARCH, APRIL, MAY = date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)
SIZES = {1: 30, 2: 20, 3: 9}  # The last is too small to describe.
DRAW = np.random.default_rng(5)


def customers(as_of: date) -> list[Row]:
    """A row per customer with the segment, two tags and features."""
    shift = (as_of.month - 3) * 5
    return [
        {
            "as_of": as_of,
            "customer_id": f"K{segment}{n:02d}",
            "segment_id": segment,
            "tier": "high" if n % 4 < segment else "low",
            "likes": [["tea"], ["tea", "cake"], []][(n + segment) % 3],
            "spend_12m": float(DRAW.integers(0, 500)) + shift,
            "purchases_12m": int(DRAW.integers(0, 40)),
            "recency_days": int(DRAW.integers(0, 99)) ** 2,
            "average_ticket_12m": float(DRAW.integers(1, 60)),
            "contacts_12m": int(DRAW.integers(0, 3)),
            "responses_12m": int(DRAW.integers(0, 2)),
            "tenure_days": n,
            "top_category": "tea",
        }
        for segment, size in SIZES.items()
        for n in range(size)
    ]


ROWS = [row for as_of in (MARCH, APRIL, MAY) for row in customers(as_of)]
FEATURES = [name for name in ROWS[0] if name not in ("segment_id", "tier", "likes")]


def tag(code: str, values: list[str], **more: object) -> list[Row]:
    """Its rows in the catalogue of April and May; in March it had another version."""
    row = {
        "tag_code": code,
        "tag_version": 2,
        "in_force": True,
        "name_en": code.title(),
        "name_zh": f"标{code}",
        "element": "symbol",
        "type": "VARCHAR",
        "tag_values": values,
        "value_names_en": [value.title() for value in values],
        "value_names_zh": [f"值{value}" for value in values],
        "is_by_rank": False,
        "lacks": None,
    }
    return [
        {"as_of": as_of, **row, "tag_version": 1 if as_of == MARCH else 2, **more}
        for as_of in (MARCH, APRIL, MAY)
    ]


def bucket(test: str, name: str, place: int, as_of: date = APRIL, horizon: int = 1) -> Row:
    size, hits = 10 * place, 3 * place
    return {
        "as_of": as_of,
        "test": test,
        "bucket": name,
        "position": place,
        "horizon_months": horizon,
        "customers": size,
        "hits": hits,
        "rate": hits / size,
        "low": 0.1,
        "high": 0.5,
        "lift": 1.0 + place,
        "gain": place / 3,
    }


TABLES: dict[str, list[Row]] = {
    "tags.portrait_matrix": [
        {n: row[n] for n in ("as_of", "customer_id", "segment_id", "tier", "likes")} for row in ROWS
    ],
    "features.feature_matrix": [
        *({n: row[n] for n in FEATURES} | {"profiling_allowed": True} for row in ROWS),
        dict.fromkeys(FEATURES)
        | {"as_of": APRIL, "customer_id": "objects", "profiling_allowed": False},
    ],
    "clusters.cluster_assignment": [
        {n: row[n] for n in ("as_of", "customer_id", "segment_id")} for row in ROWS
    ],
    "clusters.cluster_segment": [
        {"as_of": as_of, "segment_id": s, "name_en": f"S{s}", "name_zh": f"群{s}", "customers": n}
        for as_of in (MARCH, APRIL, MAY)
        for s, n in SIZES.items()
    ],
    "clusters.cluster_profile": [
        {"as_of": as_of, "segment_id": 1, "feature": name, "std_difference": value}
        for as_of in (APRIL, MAY)
        for name, value in (("b", 0.4), ("spend_12m", -1.5), ("c", None), ("a", 0.4))
    ],
    "clusters.cluster_typical": [
        {"as_of": as_of, "segment_id": 1, "position": place, "customer_id": f"K1{n:02d}"}
        for as_of in (APRIL, MAY)
        for place, n in ((4, 1), (2, 5), (3, 7), (1, 9))
    ],
    "tags.tag_catalogue": [
        *tag("tier", ["high", "low"]),
        *tag("likes", ["tea", "cake"]),
        *tag("idle", ["x"], lacks=["contacts", "responses.sent_at"]),
        *tag("mute", ["x"], lacks=["responses.sent_at"]),
        *tag("draft", ["x"], in_force=False, lacks=["market"]),
    ],
    "validation.backtest_bucket": [
        *(bucket("tier / spend", name, place) for place, name in ((2, "low"), (1, "high"))),
        bucket("tier / spend", "low", 1, MARCH),
        bucket("tier / spend", "low", 1, APRIL, 2),
        *(bucket("segment_id / silence", str(s), s) for s in (2, 1)),
        bucket("segment_id / silence", "2", 3, MAY),
    ],
    "validation.tag_proposal": [
        {"as_of": as_of, "tag_code": code, "tag_version": version}
        for as_of, code, version in (
            (date(2024, 1, 31), "tier", 2),
            (date(2024, 2, 29), "tier", 2),
            (MARCH, "likes", 1),
            (MARCH, "draft", 2),
            (APRIL, "idle", 2),
        )
    ],
    "validation.validation_report": [
        {
            "as_of": as_of,
            "area": area,
            "subject": subject,
            "metric": metric,
            "value": 0.5,
            "verdict": verdict,
            "advice_en": "a",
            "advice_zh": "甲",
        }
        for as_of, area, subject, metric, verdict in (
            (APRIL, "checks", "one", "tables failed", "warn"),
            (APRIL, "drift", "tag tier", "PSI", "fail"),
            (APRIL, "drift", "tag tier", "PSI again", "warn"),
            (APRIL, "tags", "tier", "coverage", "pass"),
            (APRIL, "source", "transactions", SHARE_RETURNED, "not judged"),
            (MAY, "source", "transactions", SHARE_RETURNED, "not judged"),
            (MARCH, "drift", "tag tier", "PSI", "fail"),
        )
    ],
    "validation.check_results": [
        {"month": month, "check_name": name, "table_name": table, "passed": passed, "detail": "d"}
        for month, name, table, passed in (
            ("2024-04", "unique", "b", False),
            ("2024-04", "unique", "a", False),
            ("2024-04", "unique", "c", True),
            ("2024-04", "adds_up", "a", True),
            ("2024-03", "adds_up", "a", False),
        )
    ],
    "raw.receipts": [
        {
            "month": month,
            "table_name": table,
            "is_provided": table != "contacts",
            "rows_in_file": placed + unplaced,
            "rows_placed": placed,
            "rows_unplaced": unplaced,
            "rows_erased": 2 if month > "2024-03" and table == "transactions" else None,
        }
        for month, table, placed, unplaced in (
            # Each month has the numbers of the whole file, as they were when it was read.
            ("2024-03", "transactions", 22, 3),
            ("2024-04", "transactions", 26, 4),
            ("2024-05", "transactions", 26, 4),
            *((month, "balances", 90, 0) for month in ("2024-03", "2024-04")),
            *((month, "contacts", 0, 0) for month in ("2024-03", "2024-04")),
        )
    ],
    "cleaned.rejects": [
        {"table_name": table, "column_name": column, "rule": rule, "severity": "value"}
        for table, column, rule in (
            ("transactions", "amount", "unreadable"),
            ("transactions", None, "exact duplicate"),
            ("transactions", "amount", "unreadable"),
        )
    ],
    "cleaned.completeness": [
        {"month": month, "table_name": table, "is_complete": complete}
        for month, table, complete in (
            ("2024-03", "transactions", False),
            ("2024-04", "contacts", False),
            ("2024-05", "transactions", False),
            ("2024-05", "contacts", True),
        )
    ],
    "tags.tag_quality": [
        {"as_of": as_of, "tag_code": code, "recommendation": advised}
        for as_of in (MARCH, APRIL)
        for code, advised in (("tier", "keep"), ("idle", "review"), ("likes", "retire"))
        if (as_of, code) != (MARCH, "likes")
    ],
    "features.feature_selection": [
        {"as_of": as_of, "feature": name, "is_kept": kept, "reason": None if kept else "empty"}
        for as_of in (MARCH, APRIL)
        for name, kept in (("x", as_of == APRIL), ("y", False))
    ],
}


@pytest.fixture(scope="module")
def published() -> Published:
    """A file of three months whose newest complete one is April."""
    con = duckdb.connect()
    for name, rows in TABLES.items():
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
        con.register("given", pl.DataFrame(rows, infer_schema_length=None))
        con.execute(f"CREATE TABLE {name} AS FROM given")
    con.execute(f"CREATE VIEW newest_month AS SELECT DATE '{APRIL}' AS as_of")
    return Published(con, "newest_month", smallest=1)


def of_april(segment: int | None = None) -> list[Row]:
    return [r for r in ROWS if r["as_of"] == APRIL and segment in (None, r["segment_id"])]


def test_a_segment_shows_the_numbers_of_its_customers_in_the_month(published: Published):
    found = published.of(segments)
    assert [row["segment_id"] for row in found] == [1, 2, 3]
    for row in found:
        own = of_april(row["segment_id"])
        assert row["spend"] == pytest.approx(mean(each["spend_12m"] for each in own))
        assert row["purchases"] == pytest.approx(mean(each["purchases_12m"] for each in own))
        assert row["recency"] == median(each["recency_days"] for each in own)
        assert row["ticket"] == pytest.approx(mean(each["average_ticket_12m"] for each in own))
        reached = [each for each in own if each["contacts_12m"] > 0]
        assert row["contacts"] == sum(each["contacts_12m"] for each in own)
        assert row["contacted"] == len(reached)
        assert row["responded"] == sum(each["responses_12m"] > 0 for each in reached)
        assert row["is_small"] == (row["segment_id"] == 3)
    assert [row["silent"]["position"] if row["silent"] else None for row in found] == [1, 2, None]


def test_a_segment_shows_what_sets_it_apart_most_and_who_is_typical_first(published: Published):
    first, second, small = published.of(segments)
    assert [row["feature"] for row in first["profile"]] == ["spend_12m", "a", "b"]
    assert [row["tenure_days"] for row in first["typical"]] == [9, 5, 7]
    assert (second["profile"], second["typical"], small["typical"]) == ([], [], [])


def holders(segment: int | None, code: str, value: str) -> int:
    """Customers of April who hold the value."""
    return sum(
        value in row[code] if code == "likes" else row[code] == value for row in of_april(segment)
    )


def test_tags_of_a_segment_are_compared_with_all_customers(published: Published):
    counted = {
        (row["segment_id"], row["tag"], row["value"]): row["n"]
        for row in published.of(counts_by_segment)
    }
    values = [("tier", "high"), ("tier", "low"), ("likes", "tea"), ("likes", "cake")]
    assert counted == {
        (s, code, value): n
        for s in SIZES
        for code, value in values
        if (n := holders(s, code, value))
    }
    for row in published.of(segments)[:2]:
        lines = {(line["code"], line["value"]): line for line in row["tags"]}
        assert lines.keys() == {key for key in values if holders(row["segment_id"], *key)}
        for key, line in lines.items():
            share, base = (
                holders(row["segment_id"], *key) / row["customers"],
                holders(None, *key) / 59,
            )
            assert (line["share"], line["base"]) == pytest.approx((share, base))
            assert line["tgi"] == pytest.approx(100 * share / base)
        gains = [line["share"] - line["base"] for line in row["tags"]]
        assert gains == sorted(gains, reverse=True)
    assert published.of(segments)[2]["tags"] == []


def test_the_matrix_has_the_values_that_differ_most(published: Published):
    names = {
        f"t{n}": TagName(f"t{n}", f"T{n}", f"标{n}", "symbol", {"a": ("A", "甲")}, True)
        for n in range(12)
    }
    counts: list[Row] = [
        {"segment_id": s, "tag": f"t{n}", "value": value, "n": size}
        for n in range(12)
        for value, sizes in (("a", (n, 1, 9)), ("b", (12 - n, 3, 0)), ("c", (1, 12, 0)))
        for s, size in zip(SIZES, sizes, strict=True)
        if size
    ]
    counts.append({"segment_id": 1, "tag": "t0", "value": "false", "n": 30})
    counts.append({"segment_id": 2, "tag": "t1", "value": "rare", "n": 1})
    found = matrix(names, counts, published.of(segments))
    shown = {each["element"]: each["lines"] for each in found}

    def spread(code: str, value: str) -> float:
        rows = [r for r in counts if (r["tag"], r["value"]) == (code, value)]
        own: dict[int, int] = {row["segment_id"]: row["n"] for row in rows}
        return max(abs(own.get(s, 0) / SIZES[s] - sum(own.values()) / 59) for s in (1, 2))

    listed = sorted(
        {(r["tag"], r["value"]) for r in counts} - {("t0", "false"), ("t1", "rare")},
        key=lambda key: (-spread(*key), *key),
    )
    taken: Counter[str] = Counter()
    expected: list[tuple[str, str]] = []
    for code, value in listed:
        taken[code] += 1
        if taken[code] <= 2 and len(expected) < 9:
            expected.append((code, value))
    assert [(line["code"], line["value"]) for line in shown["symbol"]] == sorted(
        expected, key=lambda key: key[0]
    )
    for line in shown["symbol"]:
        assert line["spread"] == pytest.approx(spread(line["code"], line["value"]))
        assert line["cells"][2] is None
    assert [shown[each] for each in ("entity", "concept", "principle")] == [[], [], []]


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
        "more": 0,
    }


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


@pytest.mark.parametrize(("contacted", "sentences"), [(9, 0), (10, 1)])
def test_a_rate_of_responses_is_given_of_enough_customers(contacted: int, sentences: int):
    found = advice._response({"contacted": contacted, "responded": 3})
    assert len(found) == sentences
    if found:
        assert "Of 10 reached by a campaign in 12 months 30%" in found[0][0]


def test_rates_of_responses_are_of_those_reached(published: Published):
    found = _responses(published.of(segments))
    assert [row["name"] for row in found] == ["1 S1", "2 S2"]
    for row, segment in zip(found, published.of(segments), strict=False):
        assert row["rate"] == segment["responded"] / segment["contacted"]
        assert row["low"] < row["rate"] < row["high"]


LINE = {"code": advice.ACTION, "value": "save", "value_en": "Save", "value_zh": "挽留"}


@pytest.mark.parametrize(
    ("changed", "is_said"),
    [
        ({}, True),
        ({"tgi": 109.9}, False),
        ({"share": 0.049}, False),
        ({"value": "none"}, False),
        ({"is_distinct": False}, False),
    ],
)
def test_an_action_is_suggested_where_it_is_due_more_than_elsewhere(changed: Row, is_said: bool):
    line = LINE | {"tgi": 110, "share": 0.05, "is_distinct": True} | changed
    assert len(advice._action([line])) == is_said


@pytest.mark.parametrize(
    ("changed", "is_said"), [({}, True), ({"tgi": 114.9}, False), ({"share": 0.149}, False)]
)
def test_times_are_suggested_that_are_more_frequent_than_elsewhere(changed: Row, is_said: bool):
    line = LINE | {"code": advice.TIMES, "tgi": 115, "share": 0.15, "is_distinct": True} | changed
    assert len(advice._times([line])) == is_said


def test_offers_are_listed_by_how_much_better_they_fit():
    lines = [
        LINE | {"code": advice.OFFERS, "value_en": name, "tgi": tgi, "is_distinct": True}
        for name, tgi in (("A", 120), ("B", 110), ("C", 150), ("D", 130), ("E", 109))
    ]
    [(sentence, _)] = advice._offers(lines)
    assert sentence.endswith("c (TGI 150), d (TGI 130), a (TGI 120).")


@pytest.mark.parametrize(("lift", "word"), [(1.49, "no discount"), (1.5, "remind")])
def test_silence_is_warned_of_from_one_and_a_half_times_the_usual(lift: float, word: str):
    silent = {"rate": 0.3, "low": 0.2, "high": 0.4, "lift": lift}
    assert word in advice._silence({"silent": silent})[0][0]


@pytest.mark.parametrize(("customers", "lines"), [(50, 1), (51, 0)])
def test_a_value_of_fewer_than_two_percent_is_not_in_the_matrix(customers: int, lines: int):
    name = TagName("t", "T", "标", "symbol", {}, True)
    segment = {"segment_id": 1, "customers": customers, "is_small": False}
    counts = [{"segment_id": 1, "tag": "t", "value": "a", "n": 1}]
    shown = {each["element"]: each["lines"] for each in matrix({"t": name}, counts, [segment])}
    assert len(shown["symbol"]) == lines
