"""Counts of outcomes, and rates of few observations, none of which is 0 or 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.statistics.intervals import Counts

Outcome = npt.NDArray[np.bool_] | Floats

WEIGHT = 1.0
"""Observations that the rate of all counts for: as many as Jeffreys's prior."""


def events_of(outcome: Outcome) -> int:
    """How often the rarer of two outcomes happened: as much as there is to learn or to judge by.

    Args:
        outcome: shape (rows,), whether it happened, or 0 and 1.
    """
    happened = int(np.count_nonzero(outcome))
    return min(happened, len(outcome) - happened)


def shrunk_to_all(hits: Counts, sizes: Counts) -> Floats:
    """The rates hits / sizes as if each had `WEIGHT` more observations of the rate of all.

    The m-estimate of B. Cestnik (1990), "Estimating probabilities: a crucial task in machine
    learning". The rate of all has Jeffreys's prior, half an observation of either outcome
    (L. Brown, T. Cai, A. DasGupta 2001, "Interval estimation for a binomial proportion"): so no
    rate is 0 or 1, and one without an observation is that of all. Both arguments and the rates
    have one shape.
    """
    base = (hits.sum() + 0.5) / (sizes.sum() + 1.0)
    found: Floats = (hits + WEIGHT * base) / (sizes + WEIGHT)
    return found
