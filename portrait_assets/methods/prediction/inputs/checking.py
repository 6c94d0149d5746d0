"""What a model is not fitted to, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.errors import suggestion
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.parameters import Parameters


def checked_events(outcome: npt.NDArray[np.generic], rows: int, parameters: Parameters) -> Floats:
    """The outcome as 0.0 and 1.0; raises where there is not enough of both."""
    events = np.asarray(outcome, dtype=np.float64)
    check_lengths(len(events), rows)
    if not np.isin(events, (0.0, 1.0)).all():
        raise PredictionError("an outcome is neither 0 nor 1: leave out rows where it is unknown")
    happened = int(events.sum())
    others = len(events) - happened
    if not happened or not others:
        only = 1 if happened else 0
        raise PredictionError(
            f"the outcome is {only} in all {len(events):,} rows: a model needs both kinds"
            if len(events)
            else "there is no row whose outcome is known: a model needs some of both kinds"
        )
    if min(happened, others) < parameters.least_events:
        few, which = (happened, 1) if happened < others else (others, 0)
        raise PredictionError(
            f"the outcome is {which} in only {few} of {len(events):,} rows, and a model needs "
            f"{parameters.least_events} of each kind at least: give it more rows"
        )
    return events


def check_lengths(outcomes: int, rows: int) -> None:
    """Raise where there is not one outcome for each row."""
    if outcomes != rows:
        raise PredictionError(f"there are {outcomes:,} outcomes for {rows:,} rows: give one each")


def check_monotone(frame: pl.DataFrame, monotone: Mapping[str, int]) -> None:
    """Raise where a score is to be monotone in what is no column, or in no direction."""
    for feature, sign in monotone.items():
        if feature not in frame.columns:
            near = suggestion(feature, frame.columns)
            raise PredictionError(
                f"the score is to be monotone in {feature}, which is no column{near}"
            )
        if sign not in (-1, 0, 1):
            raise PredictionError(
                f"the direction of {feature} is {sign}: give 1 (rising), -1 (falling) or 0"
            )
