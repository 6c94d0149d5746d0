"""Whether an outcome or a number is predicted decides how it is fitted, and not which families."""

from __future__ import annotations

import numpy as np
import polars as pl

from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.trials.trials import OF_NUMBERS, Trials, trials_of

ROWS = 400
FRAME = pl.DataFrame({"x": np.arange(ROWS) / ROWS})


def test_a_number_of_trees_alone_is_fitted_as_a_number():
    """Outcomes have trees, too."""
    amounts = 100 * FRAME["x"].to_numpy() + 3
    _, trees = OF_NUMBERS
    tried = Trials((trees,), PARAMETERS, is_of_number=True)
    scores = tried.fit(FRAME, amounts, trees, seed=0, order=None).expected(FRAME)
    assert scores.max() > 90


def test_what_is_tried_of_zeros_and_ones_is_of_what_they_are():
    values = (np.arange(ROWS) % 2).astype(np.float64)
    assert trials_of(values, True, PARAMETERS, None).is_of_number
    assert not trials_of(values, False, PARAMETERS, None).is_of_number
