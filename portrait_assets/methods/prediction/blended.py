"""The mean of a line and of trees: what neither sees alone.

A line sees what adds up, trees see what depends on something else; their errors differ, so that
the mean of their log odds, or of their numbers, is off by less than either (D. Wolpert 1992,
"Stacked generalization"; equal weights, as those that are learned are off by chance themselves:
R. Clemen 1989, "Combining forecasts").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl
from scipy.special import expit

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.prediction.families.encoding import Dropped
from portrait_assets.methods.prediction.model import PredictionModel

BOTH = "both"
"""The name of the mean among the families that are tried."""


def mean_of(line: Floats, trees: Floats) -> Floats:
    """The mean of two scores of the same rows, each of shape (rows,)."""
    return (line + trees) / 2


@dataclass(frozen=True)
class Blend:
    """A line and trees of the same rows, and the calibration of the mean of their scores."""

    line: PredictionModel
    trees: PredictionModel
    curve: Curve | None = None

    @property
    def family(self) -> str:
        """The name of the family."""
        return BOTH

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """The features that it was given and does not use, because they say nothing."""
        return self.line.dropped

    def margin(self, frame: pl.DataFrame) -> Floats:
        """The score of every row before calibration: log odds, or the number. Shape (rows,).

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        return mean_of(self.line.margin(frame), self.trees.margin(frame))

    def probability(self, frame: pl.DataFrame) -> Floats:
        """The probability of the outcome 1 for every row, shape (rows,), calibrated if it is.

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        margin = self.margin(frame)
        found: Floats = expit(margin if self.curve is None else self.curve(margin))
        return found

    def expected(self, frame: pl.DataFrame) -> Floats:
        """The expected number of every row, shape (rows,), or the probability of an outcome.

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        if not self.line.is_number:
            return self.probability(frame)
        return mean_of(self.line.expected(frame), self.trees.expected(frame))

    def with_curve(self, curve: Curve | None) -> Blend:
        """The same with another calibration, or none."""
        return replace(self, curve=curve)
