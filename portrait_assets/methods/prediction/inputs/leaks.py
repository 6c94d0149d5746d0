"""Features that give the outcome away: recorded after it, or another form of it.

A single column that nearly decides what happens is known too late to predict anything (S. Kaufman,
S. Rosset, C. Perlich 2012, "Leakage in data mining: formulation, detection, and avoidance").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.evidence.lone import lone_features
from portrait_assets.methods.statistics.discrimination.paired import auc_interval

SUSPICIOUS = 0.95
"""Lone AUC from which a feature is named. What customers will do is not known so well by one
number; of what happens tomorrow it may be."""
GIVES_AWAY = 0.99
"""Lone AUC from which a feature is no prediction any more, but the outcome itself."""
LEAST_SURE = 0.9
"""The low end of the AUC's interval that is required, so that a few events name no feature."""
OF_NUMBERS = 0.99, 0.999
"""The same two limits of the share of the variance that is explained, where it is a number."""
MOST_ROWS = 50_000
"""Rows of either outcome that are looked at."""


class Leak(NamedTuple):
    """A feature, and how well it alone tells the outcome.

    `auc` is the share of the variance that it explains where the outcome is a number.
    """

    feature: str
    auc: float
    gives_away: bool


def leaks(
    frame: pl.DataFrame, outcome: npt.NDArray[np.generic], *, is_of_number: bool = False
) -> list[Leak]:
    """The features whose lone AUC is `SUSPICIOUS` or more, the highest first.

    By the feature's order, rising or falling with what is missing at either end, and by the mean
    outcome of its values, learned on the other half of the rows; so what is only there when the
    outcome has happened is found too.

    Args:
        frame: the features.
        outcome: 0 and 1, or numbers, shape (rows,).
        is_of_number: whether the outcome is a number.
    """
    numbers = np.asarray(outcome, dtype=np.float64)
    rows = _some(numbers, is_of_number)
    some, of_some = frame[rows], numbers[rows]
    named, away = OF_NUMBERS if is_of_number else (SUSPICIOUS, GIVES_AWAY)
    found = []
    for lone in lone_features(some, of_some, is_of_number=is_of_number):
        if lone.quality < named:
            continue
        if not is_of_number:
            sure = auc_interval(lone.score(some[lone.feature]), of_some > 0.5)
            if sure.low < LEAST_SURE:
                continue
        found.append(Leak(lone.feature, lone.quality, lone.quality >= away))
    return sorted(found, key=lambda leak: (-leak.auc, leak.feature))


def _some(outcome: Floats, is_of_number: bool) -> npt.NDArray[np.int64]:
    """Places of at most `MOST_ROWS` of each outcome, which the AUC does not depend on."""
    kinds = [np.arange(len(outcome))]
    if not is_of_number:
        kinds = [np.flatnonzero(outcome > 0.5), np.flatnonzero(outcome <= 0.5)]
    every = [kind[:: max(1, -(-len(kind) // MOST_ROWS))] for kind in kinds]
    return np.sort(np.concatenate(every))
