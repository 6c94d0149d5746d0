"""What is shown of a segment, and a TGI beside whether it differs from 100 by more than chance."""

from __future__ import annotations

from statistics import mean, median
from typing import Any

import numpy as np
import pytest

from portrait_assets.stages.mart.reading import TagName, counts_by_segment
from portrait_assets.stages.mart.segments.profiles import _tags_of_segments, is_small_part, segments
from portrait_assets.storage.published import Published
from portrait_assets_tests.mart.months_world import SIZES, of_april


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


VALUES = 40


def lines(counts: dict[int, list[int]], size: int, by_rank: bool = False) -> list[dict[str, Any]]:
    """The lines of segments of this size, whose customers have these values of one tag."""
    names = {str(value): (str(value), str(value)) for value in range(VALUES)}
    tags = {"t": TagName("t", "T", "T", "symbol", names, True, by_rank)}
    rows = [
        {"segment_id": segment, "tag": "t", "value": str(value), "n": n}
        for segment, own in counts.items()
        for value, n in enumerate(own)
        if n
    ]
    segments = [{"segment_id": each, "customers": size, "is_small": False} for each in counts]
    return [line for own in _tags_of_segments(tags, rows, segments).values() for line in own]


def test_of_values_that_fall_by_chance_hardly_any_tgi_is_distinct():
    rng = np.random.default_rng(6)
    worlds = []
    for _ in range(60):
        counts = {s: rng.multinomial(300, np.full(VALUES, 1 / VALUES)).tolist() for s in (1, 2, 3)}
        worlds.append(lines(counts, 300))
    assert np.mean([any(line["tgi"] >= 115 for line in world) for world in worlds]) == 1
    assert np.mean([any(line["is_distinct"] for line in world) for world in worlds]) <= 0.1


def test_a_value_that_is_more_frequent_than_chance_gives_is_distinct():
    found = lines({1: [200, 100], 2: [100, 200]}, 300)
    assert [(line["value"], round(line["tgi"]), line["is_distinct"]) for line in found] == [
        ("0", 133, True),
        ("1", 67, True),
        ("1", 133, True),
        ("0", 67, True),
    ]


def test_a_share_that_the_rule_sets_is_named_as_such():
    assert all(line["is_by_rank"] for line in lines({1: [5, 5], 2: [5, 5]}, 10, by_rank=True))


@pytest.mark.parametrize(
    ("customers", "is_small"), [(0, False), (1, True), (9, True), (10, False), (40, False)]
)
def test_neither_few_who_have_a_value_nor_few_who_lack_it_are_shown(
    customers: int, is_small: bool
) -> None:
    assert is_small_part(customers, 50, smallest=10) == is_small
    assert is_small_part(50 - customers, 50, smallest=10) == is_small
