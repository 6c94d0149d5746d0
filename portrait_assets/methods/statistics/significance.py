"""Whether two shares differ by more than chance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

SMALLEST_EXPECTED = 5.0


def two_proportions(hits: int, size: int, other_hits: int, other_size: int) -> float | None:
    """Two-sided p-value that two shares are the same; None where one side is empty or all agree.

    The z test with pooled variance, and Fisher's exact test (1922) where one of the four
    expected counts is below 5.
    """
    everyone, holders = size + other_size, hits + other_hits
    if size == 0 or other_size == 0 or holders in (0, everyone):
        return None
    smallest = min(holders, everyone - holders) * min(size, other_size) / everyone
    if smallest < SMALLEST_EXPECTED:
        return _exact(hits, size, holders, everyone)
    pooled = holders / everyone
    variance = pooled * (1 - pooled) * (1 / size + 1 / other_size)
    z = (hits / size - other_hits / other_size) / math.sqrt(variance)
    return math.erfc(abs(z) / math.sqrt(2))


def _exact(hits: int, size: int, holders: int, everyone: int) -> float:
    """Sum of the hypergeometric probabilities that are no larger than that of `hits`."""
    possible = np.arange(max(0, size + holders - everyone), min(size, holders) + 1)
    log = (
        _log_choose(holders, possible)
        + _log_choose(everyone - holders, size - possible)
        - _log_choose(everyone, np.array(size))
    )
    chance = np.exp(log)
    observed = chance[possible == hits][0]
    # Equal probabilities may differ in their last bits.
    return float(min(chance[chance <= observed * (1 + 1e-7)].sum(), 1.0))


def _log_choose(n: int, k: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    chosen: npt.NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return chosen
