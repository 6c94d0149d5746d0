"""How often something was expected, and how often it happened."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.methods.statistics.intervals import Z95

_LEAST = 1e-9
_WIDEST = 20.0


class Calibrated(NamedTuple):
    """How often it was expected of some customers, how often it happened, and by chance."""

    expected: float
    happened: float
    spread: float
    """The standard deviation of how often it happens, if every probability is right."""

    @property
    def is_surely_off(self) -> bool:
        """Whether they differ by more than they do by chance 95 times in 100."""
        return abs(self.happened - self.expected) > Z95 * max(self.spread, _LEAST)


def calibrated(hit: Bools, probability: Floats) -> Calibrated:
    """How often it was expected of these customers, and how often it happened."""
    spread = float(np.sqrt((probability * (1 - probability)).sum()))
    return Calibrated(float(probability.sum()), float(hit.sum()), spread)


def shift_of(hit: Bools, probability: Floats) -> float:
    """By how much all log odds are raised so that it is expected as often as it happened.

    0 where it happened to all or to none, of which no finite shift gives an account.
    """
    if hit.all() or not hit.any():
        return 0.0
    log_odds = logit(np.clip(probability, _LEAST, 1 - _LEAST))
    apart = brentq(lambda by: float(expit(log_odds + by).mean() - hit.mean()), -_WIDEST, _WIDEST)
    return round(float(apart), 9)
