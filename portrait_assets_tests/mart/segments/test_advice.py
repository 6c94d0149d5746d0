"""What a segment is advised to be used for, on both sides of the limits."""

from __future__ import annotations

import pytest

from portrait_assets.stages.mart.segments import advice
from portrait_assets.storage.published import Row


@pytest.mark.parametrize(("contacted", "sentences"), [(9, 0), (10, 1)])
def test_a_rate_of_responses_is_given_of_enough_customers(contacted: int, sentences: int):
    found = advice._response({"contacted": contacted, "responded": 3})
    assert len(found) == sentences
    if found:
        assert "Of 10 reached by a campaign in 12 months 30%" in found[0][0]


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


@pytest.mark.parametrize(
    ("changed", "is_said"),
    [({}, True), ({"tgi": 90}, False), ({"value": "false"}, False), ({"code": "tier"}, False)],
)
def test_a_permission_is_mentioned_that_clearly_fewer_give(changed: Row, is_said: bool):
    line = {"code": advice.CONSENT, "value": "true", "tgi": 89.9, "share": 0.4}
    mentioned = advice._contact([line | {"is_distinct": True} | changed])
    sentence = "Only 40% permit marketing contact: fewer than elsewhere."
    assert [en for en, _ in mentioned] == ([sentence] if is_said else [])


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


def test_of_a_segment_that_is_mostly_silent_no_rest_is_spoken_of():
    silent = {"rate": 0.76, "low": 0.72, "high": 0.8, "lift": 1.4}
    assert advice._silence({"silent": silent}) == [
        ("76% (72%–80%) bought nothing in the month after.", "次月76%（72%–80%）无购买。")
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
