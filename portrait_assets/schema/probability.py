"""Probabilities as they are stored: six digits, and none is certain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DIGITS = 6
"""Of stored probabilities: more would be noise that compresses badly."""
LEAST = 10.0**-DIGITS
MOST = 1 - LEAST
"""What has not happened to any of some customers yet may happen to the next one: 0 and 1 would say
that it cannot, and make every sum of log odds infinite."""


def stored(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rounded, and from `LEAST` to `MOST`; of the same shape. NaN, which is not known, stays."""
    return np.clip(np.round(probability, DIGITS), LEAST, MOST)


def rounded(value: float | None) -> float | None:
    """An area, a rate or the like with as many digits; None of what is not known or not finite."""
    return None if value is None or not np.isfinite(value) else round(value, DIGITS)
