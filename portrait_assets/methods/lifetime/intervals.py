"""Intervals of what customers do, from how far predictions of the past were off.

Split conformal prediction: J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman (2018),
"Distribution-free predictive inference for regression", within bins of like expectations, as the
spread of purchases rises with what is expected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.core.arrays import Floats

COVERED = 0.95
"""Share of customers whose outcome an interval is to hold."""
_PER_BIN = 200
_MOST_BINS = 50
_FLOOR = 0.1
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Spread:
    """How far outcomes lie from what was expected of them, by size of the expectation.

    Errors are in units of the square root of the expectation, as those of sums of events are.
    `ends` are the largest expectations of the bins but the last.
    """

    ends: Floats
    low: Floats
    high: Floats
    floor: float

    def bounds(self, expected: Floats) -> tuple[Floats, Floats]:
        """Low and high ends of the intervals of customers, 0 or more, around the expectation."""
        place = np.searchsorted(self.ends, expected, side="left")
        unit = np.sqrt(expected + self.floor)
        low = np.clip(expected + self.low[place] * unit, 0, None)
        return np.minimum(low, expected), np.maximum(expected + self.high[place] * unit, expected)

    def counts(self, expected: Floats) -> tuple[Floats, Floats]:
        """The same for counts: the whole numbers within, and those next to the expectation."""
        low, high = self.bounds(expected)
        # What rounding took off a whole number does not leave it out.
        low, high = np.ceil(np.maximum(low - _ROUNDING, 0)), np.floor(high + _ROUNDING)
        return np.minimum(low, np.floor(expected)), np.maximum(high, np.ceil(expected))


def spread(expected: Floats, actual: Floats) -> Spread:
    """The spread of the outcomes of customers around what was expected of them, both 0 or more."""
    floor = max(_FLOOR * float(expected.mean()), np.finfo(float).tiny)
    errors = (actual - expected) / np.sqrt(expected + floor)
    bins = int(np.clip(len(expected) // _PER_BIN, 1, _MOST_BINS))
    ends = np.unique(np.quantile(expected, np.arange(1, bins) / bins, method="higher"))
    ends = ends[ends < expected.max()]
    place = np.searchsorted(ends, expected, side="left")
    order = np.lexsort((errors, place))
    sorted_errors = errors[order]
    sizes = np.bincount(place, minlength=len(ends) + 1)
    begins = np.cumsum(sizes) - sizes
    tail = (1 - COVERED) / 2
    # Ranks among the bin's errors and the one to come, so that few errors give wider ends.
    low = np.clip(np.floor((sizes + 1) * tail).astype(int), 1, sizes) - 1
    high = np.clip(np.ceil((sizes + 1) * (1 - tail)).astype(int), 1, sizes) - 1
    return Spread(ends, sorted_errors[begins + low], sorted_errors[begins + high], floor)


def coverage(expected: Floats, actual: Floats) -> float:
    """Share of outcomes within intervals, in whole numbers, of the other half of the customers.

    Args:
        expected: by customer; every second one is of the other half.
        actual: by customer.
    """
    if len(expected) < 2:
        return float("nan")
    half = np.arange(len(expected)) % 2 == 0
    hits = 0
    for found, judged in ((half, ~half), (~half, half)):
        ends = spread(expected[found], actual[found])
        low, high = ends.counts(expected[judged])
        hits += int(((actual[judged] >= low) & (actual[judged] <= high)).sum())
    return hits / len(expected)
