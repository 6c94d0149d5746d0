"""Logistic regression on weights of evidence whose coefficients have one sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats

ADDS = 2**0.5
"""A column is kept whose coefficient is so many standard errors above 0: without it Akaike's
criterion would be higher, which is to say that it helps to predict other rows."""
STEPS = 50
_RIDGE = 1e-6
_PRECISION = 1e-10
_LONGEST = 5.0


@dataclass(frozen=True)
class Kept:
    """The columns that are kept with their coefficients, and those that are not: did they turn?"""

    coefficients: dict[int, float]
    intercept: float
    left: dict[int, bool]


def keep_one_sign(weights: Floats, bads: npt.NDArray[np.bool_]) -> Kept:
    """Regress good on weights of evidence, and leave out one column after the other.

    The weight of evidence has the sign of what it says, so that a coefficient at or below 0 is a
    column that says the contrary of its own bad rates beside the others (turned), and one less
    than `ADDS` standard errors above 0 adds nothing to them (H. Akaike 1974, "A new look at the
    statistical model identification"). The one furthest below is left out first, with the others'
    coefficients as they follow from the covariance (J. Lawless, K. Singhal 1978, "Efficient
    screening of nonnormal regression models"), until a fit of those that are left agrees.

    Args:
        weights: shape (rows, columns).
        bads: which rows are bad.
    """
    design = np.column_stack([np.ones(len(weights)), weights])
    good = (~bads).astype(np.float64)
    kept = list(range(weights.shape[1]))
    left: dict[int, bool] = {}
    start = np.zeros(len(kept) + 1)
    start[0] = np.log(good.sum() / bads.sum())
    while True:
        found, covariance = _fit(design[:, [0, *(column + 1 for column in kept)]], good, start)
        start, without = _screened(found, covariance)
        if not without:
            break
        left |= {kept[place]: turned for place, turned in without.items()}
        kept = [column for place, column in enumerate(kept) if place not in without]
    values = (round(float(value), 9) for value in found[1:])
    return Kept(dict(zip(kept, values, strict=True)), float(found[0]), left)


def _screened(found: Floats, covariance: Floats) -> tuple[Floats, dict[int, bool]]:
    """Coefficients without the columns that are left out, and whether each of those turned."""
    places = list(range(len(found) - 1))
    left: dict[int, bool] = {}
    while places:
        z = found[1:] / np.sqrt(np.diag(covariance)[1:])
        worst = int(z.argmin())
        if z[worst] >= ADDS:
            break
        at = worst + 1
        left[places.pop(worst)] = bool(found[at] <= 0)
        share = covariance[:, at] / covariance[at, at]
        found = np.delete(found - share * found[at], at)
        covariance = covariance - np.outer(share, covariance[at])
        covariance = np.delete(np.delete(covariance, at, axis=0), at, axis=1)
    return found, left


def _fit(design: Floats, good: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Coefficients of the greatest likelihood and their covariance, by Newton's steps."""
    found = start
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = design.T @ (good - expected) - _RIDGE * found
        curvature = (design * (expected * (1 - expected))[:, None]).T @ design
        inverse = np.linalg.inv(curvature + _RIDGE * np.eye(len(found)))
        step = inverse @ gradient
        found = found + step * min(1.0, _LONGEST / max(np.abs(step).max(), _LONGEST))
        if np.abs(step).max() < _PRECISION:
            break
    return found, np.asarray(inverse, dtype=np.float64)
