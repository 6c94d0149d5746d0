"""Names that last, what becomes of segments, and the checks of both."""

from collections.abc import Sequence
from datetime import date
from math import sqrt
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from portrait_assets.methods.clustering.model import Segment
from portrait_assets.stages.clusters.contract import CLUSTER_SEGMENT
from portrait_assets.stages.clusters.names.checks import NAMES_DISTINCT, NAMES_EXPLAINED, NAMES_TRUE
from portrait_assets.stages.clusters.names.contract import SEGMENT_EVENT, SEGMENT_NAME
from portrait_assets.stages.clusters.names.history.events import Month, segment_events
from portrait_assets.stages.clusters.names.history.lasting import (
    Moved,
    Named,
    Naming,
    name_segments,
    profile_distance,
)
from portrait_assets.stages.clusters.names.history.stored import name_rows, names_from
from portrait_assets.stages.clusters.names.words import Claim, Label, Word
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse

MARCH, APRIL = date(2024, 3, 31), date(2024, 4, 30)
SEGMENTS = pl.DataFrame({"customer_id": range(20), "segment_id": [1] * 10 + [2] * 10})


def spends(high: int) -> pl.DataFrame:
    """Of the ten customers of segment 1 so many spend more than the others of all."""
    spend = [9.0] * high + [0.0] * (10 - high) + [1.0] * 10
    return pl.DataFrame({"customer_id": range(20), "spend_3m": spend})


def profile(difference: float, as_of: date = MARCH) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "as_of": [as_of] * 2,
            "segment_id": [1, 2],
            "feature": ["spend_3m"] * 2,
            "level": pl.Series([None] * 2, dtype=pl.String),
            "segment_mean": [9.0, 1.0],
            "base_mean": [5.0, 5.0],
            "std_difference": [difference, 0.0],
            "q_value": [0.0] * 2,
        }
    )


def april(high: int, difference: float, **more) -> Naming:
    before = name_segments(spends(10), SEGMENTS, profile(1.0), MARCH).names
    return name_segments(spends(high), SEGMENTS, profile(difference), APRIL, before, **more)


def lines(**differences: float) -> pl.DataFrame:
    return pl.DataFrame(
        {"feature": [*differences], "std_difference": [*differences.values()]}
    ).with_columns(level=pl.lit(None, pl.String))


def test_the_distance_is_over_what_sets_the_segment_apart_before_or_now() -> None:
    before, now = lines(a=1.0, b=0.1, c=0.0), lines(a=0.6, b=0.2, d=0.5)
    assert profile_distance(before, now) == pytest.approx(sqrt((0.4**2 + 0.5**2) / 2), abs=1e-6)
    assert profile_distance(lines(b=0.1), lines(b=0.2)) == 0.0
    assert profile_distance(lines(a=-1.0), lines(a=-0.1)) == 0.9
    assert profile_distance(lines(a=-0.1), lines(a=-1.0)) == 0.9
    assert profile_distance(before, before) == 0.0


def test_a_name_stays_while_the_profile_does() -> None:
    """Half of the customers still make it true, which would not earn the word today."""
    naming = april(high=5, difference=0.7)
    assert naming.names[1].name.en == "high-spend"
    assert naming.names[1].named_on == MARCH
    assert naming.names[1].distance == pytest.approx(0.3)
    assert naming.names[1].words[0].share == 0.5
    assert 1 not in naming.moved


def test_a_profile_that_moved_is_named_anew() -> None:
    naming = april(high=10, difference=-0.5)
    assert (naming.names[1].name.en, naming.names[1].named_on) == ("average, number 1", APRIL)
    assert naming.moved[1] == Moved(1.5, None)


def test_a_word_that_is_true_of_few_is_given_up() -> None:
    naming = april(high=4, difference=1.0)
    assert naming.names[1].name.en == "average, number 1"
    untrue = naming.moved[1].untrue
    assert untrue is not None
    assert (untrue.en, untrue.share) == ("high-spend", 0.4)


def test_a_name_that_a_person_gives_to_another_is_given_up() -> None:
    naming = april(high=10, difference=1.0, given={2: {"en": "high-spend"}})
    assert naming.names[1].name.en == "high-spend, number 1"
    assert naming.moved[1] == Moved(0.0, None)


def test_a_segment_of_few_whose_name_a_person_gave_to_another_says_so() -> None:
    naming = april(high=10, difference=1.0, given={2: {"en": "high-spend"}}, few=[1])
    assert naming.moved == {1: Moved(0.0, None)}


def test_names_are_read_back_as_they_were_stored() -> None:
    names = april(high=8, difference=0.9).names
    rows = name_rows(names).with_columns(as_of=pl.lit(APRIL))
    assert {*rows.columns} == {*SEGMENT_NAME.column_names}
    first = rows.filter(segment_id=1).sort("position")
    assert first["position"].to_list() == [*range(1, len(names[1].words) + 1)]
    assert first["en"].to_list() == [word.en for word in names[1].words]
    stored = pl.concat([profile(1.0, MARCH), profile(0.9, APRIL)])
    restored = names_from(rows, stored)
    assert restored[1].words == names[1].words
    assert restored[1].profile.equals(names[1].profile)


def month(names: dict[int, str], segments: list[int], given: frozenset[int] = frozenset()) -> Month:
    assigned = pl.DataFrame({"customer_id": range(len(segments)), "segment_id": segments})
    return Month({n: Label(en, f"{en}客") for n, en in names.items()}, given, assigned)


def events(before: Month | None, now: Month, moved=None, changed=None) -> list[tuple[object, ...]]:
    found = segment_events(before, now, moved or {}, changed or {})
    assert {"as_of", *found.columns} == {*SEGMENT_EVENT.column_names}
    return found.select("segment_id", "event", "name_before_en", "name_en", "reason_en").rows()


OLD = month({1: "a", 2: "b"}, [1] * 6 + [2] * 4)


def test_a_segment_that_is_named_as_before_has_no_event() -> None:
    assert events(OLD, OLD) == []


def test_the_first_segments_are_new() -> None:
    assert events(None, month({1: "a"}, [1])) == [
        (1, "new", None, "a", "It is of the first model.")
    ]


def test_another_name_is_an_event_with_the_distance_or_the_word() -> None:
    now = month({1: "c", 2: "d"}, [1] * 6 + [2] * 4)
    word = Word("t", "b", "乙", Claim("t", None, True, None), 0.42)
    found = events(OLD, now, {1: Moved(0.35, None), 2: Moved(0.1, word)})
    assert found == [
        (
            *(1, "renamed", "a", "c"),
            "Its profile has moved by 0.35 standard deviations since it was named, more than 0.3.",
        ),
        (2, "renamed", "b", "d", "'b' is true of only 42% of its customers, below 50%."),
    ]
    reasons = segment_events(OLD, now, {1: Moved(0.35, None), 2: Moved(0.1, word)}, {})["reason_zh"]
    assert reasons.to_list() == [
        "自命名以来，其画像已移动0.35个标准差，超过0.3。",
        "“乙”仅适用于其42%的客户，低于50%。",
    ]


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (frozenset(), frozenset({1}), "A person named it."),
        (frozenset({1}), frozenset(), "The name that a person gave it was taken back."),
        (frozenset(), frozenset(), "How it was named before is not on record."),
    ],
)
def test_names_of_people_and_of_older_warehouses_say_so(
    before: frozenset[int], now: frozenset[int], reason: str
) -> None:
    found = events(month({1: "a"}, [1], before), month({1: "c"}, [1], now))
    assert found == [(1, "renamed", "a", "c", reason)]


def test_split_merged_new_and_gone_say_of_what_and_where_to() -> None:
    before = month({1: "a", 2: "b", 3: "c", 4: "d"}, [1] * 10 + [2] * 4 + [3] * 4 + [4] * 2)
    now = month({1: "a", 2: "b", 5: "e", 6: "f"}, [1] * 6 + [5] * 4 + [2] * 8 + [6, 2])
    changed = {
        1: Segment(1, 0.3, "split", (1,), 0.3),
        2: Segment(2, 0.4, "merged", (2, 3), 0.4),
        5: Segment(5, 0.2, "split", (1,), 0.2),
        6: Segment(6, 0.1, "new", (), 0.1),
    }
    found = events(before, now, changed=changed)
    split = "Most of it comes from segment 1 (a), which others took a part of too."
    assert found == [
        (1, "split", "a", "a", split),
        (2, "merged", "b", "b", "It took most of the segments 2 (b) and 3 (c)."),
        (3, "gone", "c", None, "100% of its customers are now in segment 2."),
        (4, "gone", "d", None, "50% of its customers are now in segment 2."),
        (5, "split", None, "e", split),
        (
            *(6, "new", None, "f"),
            "It is no earlier segment: the one with most of its customers, 4, has 100%.",
        ),
    ]


def test_a_reason_tells_of_no_few_customers() -> None:
    now = month({1: "a"}, [1] * 10)
    found = segment_events(OLD, now, {}, {}, smallest=5)
    assert found["reason_en"].to_list() == ["Its customers are in no segment together."]


def test_a_segment_that_nobody_was_in_for_a_month_is_new() -> None:
    found = events(month({1: "a"}, [1, 1]), month({1: "a", 2: "b"}, [1, 2]))
    assert found == [(2, "new", None, "b", "Nobody was in it in the month before.")]


NOWHERE = cast(Warehouse, None)


def test_names_of_the_same_words_fail_the_check() -> None:
    def found(*names: str) -> Finding:
        zh = [f"{name}客" for name in names]
        rows = pl.DataFrame({"segment_id": [1, 2], "name_en": names, "name_zh": zh})
        return NAMES_DISTINCT.find(Subject(NOWHERE, CLUSTER_SEGMENT, "2024-03", lambda: rows))

    assert found("older, digital", "older") == Finding(0, "2 names")
    assert found("older, digital", "digital, older").failures == 1
    assert found("older", "Older").failures == 2


def test_a_word_that_few_customers_make_true_fails_the_check() -> None:
    rows = pl.DataFrame(
        {"segment_id": [1, 2], "position": [1, 1], "en": ["a", "b"], "true_share": [0.5, 0.49]}
    )
    found = NAMES_TRUE.find(Subject(NOWHERE, SEGMENT_NAME, "2024-03", lambda: rows))
    assert found == Finding(1, "'b' of 49% of segment 2")


def test_a_derived_name_stands_beside_the_one_that_a_person_gave() -> None:
    named = april(high=10, difference=1.0, given={1: {"en": "Mine"}}).names[1]
    assert isinstance(named, Named)
    assert named.name == ("high-spend", "高消费")


def named_segments(as_of: date, names: dict[int, str]) -> pl.DataFrame:
    """Rows of `clusters.cluster_segment` that have these names in both languages."""
    rows = [
        {
            **dict.fromkeys(CLUSTER_SEGMENT.column_names),
            "as_of": as_of,
            "segment_id": segment,
            "name_en": name,
            "name_zh": f"{name}客",
            "name_is_given": False,
            "customers": 10,
            "share": 1 / len(names),
            "status": "kept",
            "model_version": "v1",
        }
        for segment, name in names.items()
    ]
    return pl.DataFrame(rows, schema=CLUSTER_SEGMENT.polars_schema)


def test_a_name_that_changes_without_an_event_fails_the_check(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path / "warehouse.duckdb", "shop", "run-1")
    before = named_segments(MARCH, {1: "older", 2: "digital", 3: "lapsed"})
    now = named_segments(APRIL, {1: "older", 2: "regular", 4: "frequent"})
    warehouse.write(CLUSTER_SEGMENT, ["2024-03"], before)

    def found(month: str, rows: pl.DataFrame, explained: Sequence[int] = ()) -> Finding:
        events = [
            {
                **dict.fromkeys(SEGMENT_EVENT.column_names),
                "as_of": APRIL,
                "segment_id": segment,
                "event": "renamed",
                "reason_en": "Why.",
                "reason_zh": "原因。",
            }
            for segment in explained
        ]
        schema = SEGMENT_EVENT.polars_schema
        warehouse.write(SEGMENT_EVENT, ["2024-04"], pl.DataFrame(events, schema=schema))
        return NAMES_EXPLAINED.find(Subject(warehouse, CLUSTER_SEGMENT, month, lambda: rows))

    assert found("2024-03", before) == Finding(0, "no month before")
    assert found("2024-04", now) == Finding(3, "without an event: 2, 3, 4")
    assert found("2024-04", now, [2, 4]) == Finding(1, "without an event: 3")
    assert found("2024-04", now, [2, 3, 4]) == Finding(0, "all have an event")
    warehouse.close()
