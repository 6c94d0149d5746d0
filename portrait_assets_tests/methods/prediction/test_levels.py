"""Levels of a calibration, and how few rows are too few for its shape."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.methods.prediction.calibration import (
    LEAST_IN_BIN,
    LEAST_OF_EACH,
    MOST_BINS,
    _levels,
    fit_curve,
)


def rising(happened: int, others: int) -> tuple[np.ndarray, np.ndarray]:
    """Margins by which those whom it happened to lie above the others."""
    margins = np.concatenate([np.linspace(-2, 0, others), np.linspace(1, 3, happened)])
    return margins, np.concatenate([np.zeros(others), np.ones(happened)])


@pytest.mark.parametrize(
    ("happened", "others", "has_shape"),
    [
        (LEAST_OF_EACH, LEAST_OF_EACH, True),
        (LEAST_OF_EACH - 1, 500, False),
        (500, LEAST_OF_EACH - 1, False),
    ],
)
def test_the_shape_is_learned_of_fifty_of_each(happened: int, others: int, has_shape: bool):
    margins, outcome = rising(happened, others)
    curve = fit_curve(margins, outcome)
    assert (len(curve.margins) > 1) is has_shape
    probability = 1 / (1 + np.exp(-curve(margins)))
    assert probability.mean() == pytest.approx(outcome.mean(), abs=1e-6)


@pytest.mark.parametrize("above", [9, 10])
def test_what_equal_margins_leave_of_a_bin_is_a_level_from_ten_rows_on(above: int):
    """All margins but the last are equal, and fall into the first bin that they reach into."""
    margins = np.zeros(2 * LEAST_IN_BIN)
    margins[-above:] = 5.0
    outcome = np.zeros(len(margins))
    outcome[:20] = outcome[-above:] = 1
    centres, log_odds = _levels(margins, outcome)
    if above < 10:
        assert centres.tolist() == [5.0 * above / 100]
        assert log_odds == pytest.approx([np.log((20 + above) / (80 - above))])
        return
    assert centres.tolist() == [0.0, 5.0]
    # Of ten rows half a row less than all is the most that is certain.
    assert log_odds == pytest.approx([np.log(20 / 70), np.log(9.5 / 0.5)])


def test_levels_are_counted_in_bins_of_fifty_and_a_hundred_at_most():
    draw = np.random.default_rng(0)
    for rows, bins in ((LEAST_IN_BIN * 2 - 1, 1), (LEAST_IN_BIN * 2, 2), (50_000, MOST_BINS)):
        margins = np.sort(draw.normal(size=rows))
        outcome = (np.arange(rows) >= rows / 2).astype(float)
        centres, log_odds = _levels(margins, outcome)
        assert len(centres) <= bins
        assert (np.diff(log_odds) > 0).all()
        assert centres[0] == pytest.approx(margins[: rows // min(bins, 2)].mean(), abs=0.2)
