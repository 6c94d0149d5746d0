"""A TGI is beside whether it differs from 100 by more than chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from portrait_assets.stages.mart import advice
from portrait_assets.stages.mart.reading import TagName
from portrait_assets.stages.mart.segments import _tags_of_segments

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


def test_a_use_is_suggested_by_what_is_distinct_alone():
    segment = {"is_small": False, "customers": 300}
    line: dict[str, object] = {
        "code": "next_action",
        "value": "save",
        "value_en": "Save",
        "value_zh": "挽留",
    }
    line |= {"share": 0.3, "tgi": 150}
    uses = advice.suggested_use(segment, [line | {"is_distinct": True}])
    assert uses[0][0] == "Programme more due here than elsewhere: save (30%)."
    unsure = advice.suggested_use(segment, [line | {"is_distinct": False}])
    assert unsure[0][0].startswith("No tag suggests a use")


def test_a_share_that_the_rule_sets_is_named_as_such():
    assert all(line["is_by_rank"] for line in lines({1: [5, 5], 2: [5, 5]}, 10, by_rank=True))
