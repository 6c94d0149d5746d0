"""Columns that give the outcome away: what was written down after it happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.scorecard.fitting.weighing import Weights
from portrait_assets.methods.statistics.discrimination.roc import auc_intervals
from portrait_assets.methods.statistics.intervals import wilson

LEAK_AUC, LEAK_AT_LEAST = 0.97, 0.9
"""An AUC of one column alone that is a leak's, and where its interval begins at least: what was
owed by who defaults in a month, and known before, reaches 0.95."""
SUSPECT_AUC = 0.8
SURELY_BAD = 0.9
"""A bin whose bad rate is surely above this, where less than half of all rows are bad, is a leak:
such as what was recovered after a default."""


@dataclass(frozen=True)
class Lone:
    """How well one column alone separates good from bad, crosswise, with its 95 % interval.

    `certain` is the least bad rate, with 95 % certainty, of its worst bin.
    """

    feature: str
    auc: float
    low: float
    high: float
    certain: float
    base_rate: float

    @property
    def is_of_its_own(self) -> bool:
        """Whether a bin of it is bad nearly without exception."""
        return self.certain > SURELY_BAD and self.base_rate < 0.5

    @property
    def leaks(self) -> bool:
        """Whether it gives the outcome away."""
        return (self.auc >= LEAK_AUC and self.low >= LEAK_AT_LEAST) or self.is_of_its_own

    @property
    def is_suspect(self) -> bool:
        """Whether it should be looked at, though it may have been known beforehand."""
        return self.auc >= SUSPECT_AUC and not self.leaks

    @property
    def sentence(self) -> str:
        """What is known of it."""
        alone = f"alone it has an AUC of {self.auc:.3f} ({self.low:.3f} to {self.high:.3f})"
        if self.is_of_its_own and self.auc < LEAK_AUC:
            return (
                f"it gives the outcome away: of one of its bins {self.certain:.0%} or more are bad"
            )
        if self.leaks:
            return f"it gives the outcome away: {alone}"
        return f"{alone}; make sure that it was known before the outcome, or leave it out"


def lone(
    feature: str,
    weights: npt.NDArray[np.float64],
    bads: npt.NDArray[np.bool_],
    bins: Weights,
) -> Lone:
    """What a column knows of the outcome by itself.

    Args:
        feature: its name.
        weights: its weight of evidence by row, crosswise.
        bads: which rows are bad.
        bins: its bins over all rows.
    """
    _, at = np.unique(-weights, return_inverse=True)
    hits = np.bincount(at[bads], minlength=int(at.max()) + 1).astype(np.float64)
    others = np.bincount(at[~bads], minlength=len(hits)).astype(np.float64)
    areas = auc_intervals(hits[None], others[None])
    auc, low, high = (float(np.nan_to_num(each[0], nan=0.5)) for each in areas)
    certain = float(np.nan_to_num(wilson(bins.bads, bins.rows)[0]).max())
    return Lone(feature, auc, low, high, certain, float(bads.mean()))
