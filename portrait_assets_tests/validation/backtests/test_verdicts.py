"""A test passes, warns or fails by its intervals, and is not judged by too few."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.measures import (
    Judged,
    _calibration,
    _verdict,
    measure_rows,
)
from portrait_assets.stages.validation.backtests.orders import Order
from portrait_assets_tests.validation.town_world import CLAIMS


def test_the_verdict_of_a_test_is_that_of_its_intervals():
    """Worse than the baseline or than chance fails; better than both passes."""
    order = Order(("low", "high"))
    cells = np.full((6, 50, 2), 20.0)
    cells[1] = 10
    judged = Judged(CLAIMS[0], "silence", Window("2024-01", 1), order, cells)
    ends = [(-0.2, -0.1), (-0.1, 0.0), (-0.1, 0.1), (0.0, 0.1), (0.1, 0.2)]
    for gain, value in product(ends, ends):
        beyond, own = (Interval(0.0, *each) for each in (gain, value))
        fails = gain[1] < 0 or value[1] <= 0
        passes = gain[0] > 0 and value[0] > 0
        expected = "fail" if fails else "pass" if passes else "warn"
        assert _verdict(judged, beyond, own, 0.0) == expected
        assert _verdict(replace(judged, is_found=False), beyond, own, 0.0) == (
            "warn" if expected == "pass" else expected
        )


@pytest.mark.parametrize(
    ("hits", "others", "is_judged"), [(20, 20, True), (19, 500, False), (500, 19, False)]
)
def test_a_test_of_fewer_than_twenty_either_way_is_not_judged(
    hits: int, others: int, is_judged: bool
):
    cells = np.zeros((6, 50, 2))
    cells[0, 0], cells[1, 0] = [hits, others], [hits, 0]
    judged = Judged(CLAIMS[0], "silence", Window("2024-01", 1), Order(("low", "high")), cells)
    found = _verdict(judged, Interval(0.1, 0.1, 0.2), Interval(0.1, 0.1, 0.2), 0.0)
    assert found == ("pass" if is_judged else "not judged")


@pytest.mark.parametrize(("error", "verdict"), [(0.0, "pass"), (0.03, "pass"), (0.07, "warn")])
def test_a_small_error_of_a_probability_is_no_matter_even_beyond_chance(error: float, verdict: str):
    cells = np.full((6, 50, 2), 10_000.0)
    cells[1] = [2_000, 6_000]
    cells[3] = cells[1] + 10_000 * error
    judged = Judged(CLAIMS[1], "purchase", Window("2024-01", 1), Order(("0", "19")), cells)
    found = _calibration(judged)
    assert (found["value"], found["verdict"]) == (pytest.approx(error), verdict)
    assert (float(str(found["gain_low"])) > 0) == (error > 0)


@pytest.mark.parametrize(
    ("predicted", "error", "verdict"),
    [((0.1, 0.9), 0.09, "pass"), ((0.5, 0.5), 0.25, "warn"), ((0.9, 0.1), 0.73, "fail")],
)
def test_a_probability_passes_where_its_squared_error_is_below_that_of_the_base_rate(
    predicted: tuple[float, float], error: float, verdict: str
):
    """Of either twenty customers two and eighteen bought, half of all."""
    p = np.array(predicted)
    cells = np.full((6, 50, 2), 20.0)
    cells[1] = [2, 18]
    cells[3], cells[4], cells[5] = 20 * p, 20 * p**2, cells[1] * p
    judged = Judged(CLAIMS[1], "purchase", Window("2024-01", 1), Order(("0", "19")), cells)
    (row,) = (row for row in measure_rows(judged) if row["metric"] == "Brier score")
    assert (row["value"], row["baseline_value"]) == (pytest.approx(error), 0.25)
    assert (row["verdict"], row["baseline"]) == (verdict, "base rate")
    assert row["gain_low"] == pytest.approx(0.25 - error), "all groups are alike"
