"""Correlation of two series' changes from month to month: a correlation, and no cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.statistics.intervals import Z95

LEAST_CHANGES = 8


@dataclass(frozen=True)
class Correlation:
    """Pearson's correlation with its 95 % interval, over so many months' changes."""

    value: float
    low: float
    high: float
    p_value: float
    months: int


def correlation_of_changes(one: Floats, other: Floats) -> Correlation | None:
    """How the changes of two series go together; None where that is not defined.

    Of changes rather than levels: two series that both grow are correlated whatever they are (C.
    Granger, P. Newbold 1974, "Spurious regressions in econometrics"). The interval is R. Fisher's
    (1921), for as many independent changes as there are, given how each change resembles the one
    before (M. Bartlett 1935, "Some aspects of the time-correlation problem").

    Args:
        one: a month each; NaN is not known.
        other: of the same months.
    """
    changes = np.stack([np.diff(one), np.diff(other)])
    known = np.isfinite(changes).all(axis=0)
    count = int(known.sum())
    if count < LEAST_CHANGES:
        return None
    centred = changes[:, known] - changes[:, known].mean(axis=1, keepdims=True)
    squares = (centred**2).sum(axis=1)
    # What rounding leaves of changes that are all alike.
    if (squares <= 1e-18 * (changes[:, known] ** 2).sum(axis=1)).any():
        return None
    value = float(np.clip((centred[0] * centred[1]).sum() / np.sqrt(squares.prod()), -1, 1))
    lagged = float(((centred[:, 1:] * centred[:, :-1]).sum(axis=1) / squares).prod())
    independent = count * min((1 - lagged) / (1 + lagged), 1.0)
    if independent <= 3:
        return None
    error = 1 / np.sqrt(independent - 3)
    centre = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    low, high = np.tanh([centre - Z95 * error, centre + Z95 * error])
    p_value = 2 * float(ndtr(-abs(centre) / error))
    return Correlation(value, float(low), float(high), p_value, count)
