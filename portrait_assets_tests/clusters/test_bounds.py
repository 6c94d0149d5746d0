"""Bounds of segments, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from portrait_assets.stages.clusters.names.bounds import Scale, bounds_of_segments
from portrait_assets.stages.clusters.names.words import Label, Word

SEGMENTS = pl.DataFrame({"customer_id": range(20), "segment_id": [1] * 10 + [2] * 10})


def bounds(
    first: Sequence[float | None],
    second: Sequence[float | None],
    *,
    unit: str | None = None,
    q_value: float = 0.0,
    level: str | None = None,
) -> dict[int, list[Word]]:
    values = pl.Series("x", [*first, *second], dtype=pl.Float64)
    features = pl.DataFrame({"customer_id": range(20), "x": values})
    means = [pl.Series(side, dtype=pl.Float64).mean() for side in (first, second)]
    profile = pl.DataFrame(
        {
            "segment_id": [1, 2],
            "feature": ["x", "x"],
            "level": pl.Series([level] * 2, dtype=pl.String),
            "segment_mean": pl.Series(means, dtype=pl.Float64),
            "base_mean": [values.mean()] * 2,
            "std_difference": [1.0, -1.0],
            "q_value": [q_value] * 2,
        }
    )
    return bounds_of_segments(
        features, SEGMENTS, profile, {"x": Scale(Label("height", "身高"), unit)}
    )


def test_a_bound_lies_halfway_to_the_mean_of_all() -> None:
    """Means 1,800 and 1,600, of all 1,700: halfway 1,750, in two digits 1,800 (to even)."""
    found = bounds([1_800.0] * 10, [1_600.0] * 10)
    assert [(w.en, w.zh, w.share) for w in found[1]] == [
        ("height from 1,800", "身高1,800以上", 1.0)
    ]
    assert [(w.en, w.zh, w.share) for w in found[2]] == [
        ("height up to 1,600", "身高1,600以下", 1.0)
    ]


@pytest.mark.parametrize(
    ("unit", "en", "zh"),
    [
        ("share", "height from 65%", "身高65%以上"),
        ("days", "height from 0.65 days", "身高0.65天以上"),
    ],
)
def test_a_bound_has_its_unit(unit: str, en: str, zh: str) -> None:
    word = bounds([0.8] * 10, [0.2] * 10, unit=unit)[1][0]
    assert (word.en, word.zh) == (en, zh)
    assert word.claim == ("x", None, True, 0.65)


@pytest.mark.parametrize(
    ("mean", "unit", "number"),
    [
        (2_400_000.0, None, "1,200,000"),
        (0.000_024, None, "0.000012"),
        (0.07, "share", "3.5%"),
        (0.007, "share", "0.35%"),
        (2.0, "share", "100%"),
    ],
)
def test_a_bound_is_written_out_in_both_its_digits(
    mean: float, unit: str | None, number: str
) -> None:
    """Of all customers the mean is 0, so that the bound is half of that of the segment."""
    word = bounds([mean] * 10, [-mean] * 10, unit=unit)[1][0]
    assert (word.en, word.zh) == (f"height from {number}", f"身高{number}以上")


def test_days_are_said_once() -> None:
    profile = pl.DataFrame(
        {
            "segment_id": [1],
            "feature": ["x"],
            "level": pl.Series([None], dtype=pl.String),
            "segment_mean": [60.0],
            "base_mean": [40.0],
            "std_difference": [1.0],
            "q_value": [0.0],
        }
    )
    features = pl.DataFrame({"customer_id": range(20), "x": [60.0] * 10 + [20.0] * 10})
    scales = {"x": Scale(Label("days between purchases", "平均购买间隔天数"), "days")}
    word = bounds_of_segments(features, SEGMENTS, profile, scales)[1][0]
    assert (word.en, word.zh) == ("days between purchases from 50", "平均购买间隔天数50以上")


@pytest.mark.parametrize(("beyond", "words"), [(6, 1), (5, 0)])
def test_a_bound_is_of_six_in_ten_customers_of_the_segment(beyond: int, words: int) -> None:
    first = [9.0] * beyond + [None] * (10 - beyond)
    assert len(bounds(first, [1.0] * 10).get(1, [])) == words


@pytest.mark.parametrize(("others", "words"), [(1, 1), (2, 0)])
def test_a_bound_that_most_of_all_customers_keep_says_nothing(others: int, words: int) -> None:
    """Of 20 customers 11 or 12 are beyond it."""
    second = [9.0] * others + [-20.0] * (10 - others)
    assert len(bounds([9.0] * 10, second).get(1, [])) == words


def test_what_may_be_chance_is_a_level_or_is_not_known_gives_no_bound() -> None:
    assert bounds([9.0] * 10, [1.0] * 10, q_value=0.011) == {}
    assert bounds([9.0] * 10, [1.0] * 10, level="9") == {}
    assert 2 not in bounds([9.0] * 10, [None] * 10)
