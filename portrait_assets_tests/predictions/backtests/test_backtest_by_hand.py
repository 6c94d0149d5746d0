"""What a backtest measures of a window, by hand."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.backtests.backtest import (
    FEWEST,
    Closed,
    _calibration_error,
    _large_enough,
    _verdict,
    calibration_rows,
)
from portrait_assets.stages.predictions.learning.baseline import Steps

BETTER, WORSE = Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.3, -0.1)


@pytest.mark.parametrize(
    ("hits", "gain", "verdict"),
    [
        (FEWEST, BETTER, "better"),
        (FEWEST, WORSE, "worse"),
        (FEWEST, Interval(0.1, 0.0, 0.2), "not surely better"),
        (FEWEST, Interval(-0.1, -0.2, 0.0), "not surely better"),
        (FEWEST, Interval(*[np.nan] * 3), "not judged"),
        (FEWEST - 1, BETTER, "not judged"),
        (100 - FEWEST, BETTER, "better"),
        (100 - FEWEST + 1, WORSE, "not judged"),
    ],
)
def test_the_verdict_is_that_of_the_gain_where_enough_had_either_outcome(
    hits: int, gain: Interval, verdict: str
):
    assert _verdict(np.arange(100) < hits, gain) == verdict


@pytest.mark.parametrize(
    ("smallest", "sizes"),
    [(1, [5, 12, 3]), (3, [5, 12, 3]), (4, [5, 15]), (5, [5, 15]), (6, [20]), (21, [])],
)
def test_tenths_of_few_go_with_the_next_and_the_last_with_those_before(
    smallest: int, sizes: list[int]
):
    tenths = np.repeat([0, 1, 9], [5, 12, 3])
    found = _large_enough(tenths, smallest)
    assert [int(members.sum()) for members in found] == sizes
    assert not found or np.sum(found, axis=0).max() == 1, "each customer is in one"


def closed(score: list[float], hit: list[bool]) -> Closed:
    """A window of these customers, the likeliest first, without a baseline."""
    rows = pl.DataFrame(
        {
            "hit": hit,
            "score": score,
            "rank": pl.Series(score).rank("min", descending=True),
            "model_version": "m1",
            "basis": "model",
        }
    )
    asked = cast(Asked, type("Of", (), {"code": "silence", "horizon": 1}))
    return Closed(asked, "2024-02", "2024-01", rows, (), Steps(None))


def test_probabilities_are_held_against_outcomes_tenth_by_tenth():
    """Of twenty customers two are in each tenth; of equal scores all are in the middle one."""
    score = [0.9, 0.9, *[0.4] * 6, *[0.1] * 12]
    hit = [True, False, *[True, False] * 3, *[False] * 12]
    window = closed(score, hit)
    assert window.tenths.tolist() == [0] * 2 + [2] * 6 + [7] * 12
    # Expected 1.8, 2.4 and 1.2; happened 1, 3 and 0.
    assert _calibration_error(window) == pytest.approx((0.8 + 0.6 + 1.2) / 20)
    rows = list(calibration_rows(window, 5))
    shown = [(row["tenth"], row["customers"], row["hits"], row["predicted_rate"]) for row in rows]
    assert shown == [(1, 8, 4, 0.525), (2, 12, 0, 0.1)]
