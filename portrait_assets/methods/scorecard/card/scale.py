"""From odds to points and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.scorecard.errors import ScorecardError


@dataclass(frozen=True)
class Scale:
    """`base_points` stand for odds of `base_odds` good to one bad; `pdo` more double the odds.

    600 points at 50 to 1 and 20 to double the odds are the example of N. Siddiqi (2006), "Credit
    Risk Scorecards", chapter 6.

    Raises:
        ScorecardError: when a number is not above 0.
    """

    pdo: float = 20.0
    base_points: float = 600.0
    base_odds: float = 50.0

    def __post_init__(self) -> None:
        for name in ("pdo", "base_odds"):
            if not getattr(self, name) > 0:
                raise ScorecardError(f"{name} must be above 0, not {getattr(self, name):g}.")

    @property
    def factor(self) -> float:
        """Points of one unit of the logarithm of the odds."""
        return self.pdo / math.log(2)

    @property
    def offset(self) -> float:
        """Points of even odds."""
        return self.base_points - self.factor * math.log(self.base_odds)

    def probability(self, score: npt.ArrayLike) -> Floats:
        """The probability of 1 that points stand for."""
        odds = np.exp((np.asarray(score, dtype=np.float64) - self.offset) / self.factor)
        return np.asarray(1 / (1 + odds), dtype=np.float64)
