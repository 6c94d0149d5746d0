"""Which of several candidates: the simplest that no other surely beats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.statistics.discrimination.paired import auc_gain, mean_gain
from portrait_assets.methods.statistics.resampling import Interval

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """A candidate beside the one that led until it: its gain, in AUC or in mean squared error."""

    candidate: str
    against: str
    gain: Interval

    @property
    def is_surely_better(self) -> bool:
        """Whether the whole 95 % interval of the gain lies above 0."""
        return self.gain.low > 0


@dataclass(frozen=True)
class Choice:
    """The candidate that was chosen, and what each was compared with."""

    winner: str
    comparisons: tuple[Comparison, ...]


def choose(
    candidates: Mapping[str, Scores],
    outcome: npt.NDArray[np.generic],
    *,
    is_number: bool = False,
) -> Choice:
    """The simplest candidate that no later one surely beats, on rows that none has seen.

    Args:
        candidates: scores by name, the simplest first; each of shape (rows,).
        outcome: 0 and 1, or numbers, shape (rows,).
        is_number: the scores are expected numbers and judged by their squared error; otherwise by
            the area under the ROC curve, for which any score serves.

    Raises:
        PredictionError: without a candidate, or with outcomes of one kind.
    """
    if not candidates:
        raise PredictionError("there is no candidate to choose from: fit one first")
    numbers = np.asarray(outcome, dtype=np.float64)
    happened = numbers > 0.5
    if not is_number and happened.all() | ~happened.any():
        raise PredictionError(
            "the rows to judge by have outcomes of one kind: take more rows, or another month"
        )
    (winner, leading), *others = candidates.items()
    comparisons = []
    for name, scores in others:
        if is_number:
            gain = mean_gain((scores - numbers) ** 2, (leading - numbers) ** 2)
        else:
            gain = auc_gain(scores, leading, happened)
        comparison = Comparison(name, winner, gain)
        comparisons.append(comparison)
        if comparison.is_surely_better:
            winner, leading = name, scores
    return Choice(winner, tuple(comparisons))
