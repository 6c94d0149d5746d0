"""Bootstrap intervals from counts by group alone.

What is sampled, such as customers, is put into groups by a hash of its number, and groups are drawn
with replacement instead of it (B. Efron 1979, "Bootstrap methods: another look at the jackknife").
A group is a random sample, so the intervals are those of the plain bootstrap, at the same cost for
a thousand customers and for millions; SciPy's `bootstrap` draws the customers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from portrait_assets.core.arrays import Floats

GROUPS = 50
DRAWS = 200
SEED = 20_070_401


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@cache
def draws(groups: int) -> Floats:
    """How often each group is drawn; the first line is the sample itself.

    Shape (1 + DRAWS, groups); the same for the same number of groups, so that results repeat.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=DRAWS)
    return np.vstack([np.ones((1, groups)), drawn]).astype(np.float64)


def interval(measured: Floats) -> Interval:
    """The first entry, of the sample itself, within the bounds of its redraws; NaN if undefined."""
    low, high = bounds(measured[:, None])
    return Interval(float(measured[0]), float(low[0]), float(high[0]))


def bounds(measured: Floats) -> tuple[Floats, Floats]:
    """The 2.5 % and 97.5 % points of each column's redraws, of those that are defined.

    Args:
        measured: shape (1 + DRAWS, columns); the first row, of the sample itself, is left out.
    """
    drawn = np.sort(measured[1:], axis=0)  # What is not a number goes to the end.
    known = np.isfinite(drawn).sum(axis=0)
    columns = np.arange(drawn.shape[1])
    ends = []
    for share in (0.025, 0.975):
        place = np.clip(np.round(share * (known - 1)), 0, None).astype(int)
        ends.append(np.where(known > 0, drawn[place, columns], np.nan))
    return ends[0], ends[1]
