"""Probabilities set right on rows that the model has not seen.

By isotonic regression (M. Ayer and others 1955, "An empirical distribution function for sampling
with incomplete information"; B. Zadrozny, C. Elkan 2002, "Transforming classifier scores into
accurate multiclass probability estimates"), between whose levels log odds go in straight lines
(X. Jiang and others 2011, "Smooth isotonic regression: a new method to calibrate predictive
models"), so that the order of no two rows is reversed and none becomes certain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.disclosure.holders import EVERY_ROW, apart
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.rows import rounded

LEAST_OF_EACH = 50
"""Rows of either outcome below which the shape is not learned: only the mean is set right."""
LEAST_IN_BIN = 50
MOST_BINS = 100
"""Margins are first counted in bins of as many rows, so that one row is no level of its own."""
WIDEST_SHIFT = 50.0


def calibrated(
    model: PredictionModel, frame: pl.DataFrame, outcome: npt.NDArray[np.generic]
) -> PredictionModel:
    """The model with probabilities that come true on these rows: on the mean exactly.

    Args:
        model: of an outcome.
        frame: rows that it was not fitted on.
        outcome: 0 and 1, shape (rows,).

    Raises:
        PredictionError: when the outcomes are of one kind, or the model is of a number.
    """
    if model.is_number:
        raise PredictionError("the model predicts a number: only probabilities are calibrated")
    return model.with_curve(fit_curve(model.margin(frame), np.asarray(outcome, dtype=np.float64)))


def fit_curve(margins: Floats, outcome: Floats) -> Curve:
    """The log odds of the outcome, rising with the margin; arguments of shape (rows,).

    Raises:
        PredictionError: when the outcomes are of one kind.
    """
    happened = int(outcome.sum())
    if not 0 < happened < len(outcome):
        raise PredictionError(
            "the rows to calibrate on have outcomes of one kind: take more rows, or later ones"
        )
    centres, log_odds = np.zeros(1), np.zeros(1)
    if min(happened, len(outcome) - happened) >= LEAST_OF_EACH:
        centres, log_odds = _levels(margins, outcome)
    curve = Curve(centres, log_odds)
    shown = curve(margins)
    # Straight lines between levels do not keep the mean; a shift of all log odds does.
    shift = brentq(
        lambda by: float(expit(shown + by).mean() - outcome.mean()), -WIDEST_SHIFT, WIDEST_SHIFT
    )
    return Curve(rounded(centres), rounded(log_odds + shift))


def _levels(margins: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """Mean margin and log odds of each level, both rising."""
    order = np.argsort(margins)
    margins, outcome = margins[order], outcome[order]
    bins = int(np.clip(len(margins) // LEAST_IN_BIN, 1, MOST_BINS))
    part = np.arange(len(margins)) * bins // len(margins)
    # Equal margins are one bin, the first that they reach into.
    is_first = np.append(True, margins[1:] != margins[:-1])
    part = part[is_first][np.cumsum(is_first) - 1]
    part = _of_enough(part)
    size = np.bincount(part)
    used = size > 0
    rows = size[used].astype(np.float64)
    centre = np.bincount(part, weights=margins)[used] / rows
    rate = np.bincount(part, weights=outcome)[used] / rows
    level = IsotonicRegression().fit(centre, rate, sample_weight=rows).predict(centre)
    _, pooled = np.unique(level, return_inverse=True)
    rows_of = np.bincount(pooled, weights=rows)
    centres = np.bincount(pooled, weights=centre * rows) / rows_of
    events = np.bincount(pooled, weights=rate * rows)
    # Half a row at the least: no level was seen often enough to be certain.
    low, high = 0.5 / rows_of, 1 - 0.5 / rows_of
    shares = np.maximum.accumulate(np.clip(events / rows_of, low, np.maximum(low, high)))
    return centres, np.asarray(logit(shares))


def _of_enough(part: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Parts in order, each of few rows together with another: equal margins may leave few of it."""
    count = int(part.max()) + 1
    into = np.zeros(count, dtype=np.int64)
    for group in apart(part, count, EVERY_ROW):
        into[list(group)] = group[0]
    return into[part]
