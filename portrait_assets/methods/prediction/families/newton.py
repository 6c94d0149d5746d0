"""Ridge logistic regression, solved by Newton's steps from where a fit like it ended.

The steps are those of iteratively reweighted least squares (P. McCullagh, J. Nelder 1989,
"Generalized Linear Models") with a line search; a curvature serves for several steps, and for other
strengths, as long as each promises much less than the one before (V. Shamanskii 1967). Where there
are so many columns that solving by all of them at once is the slower way, L-BFGS goes by gradients
alone (D. Liu, J. Nocedal 1989).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import ssyrk
from scipy.optimize import minimize
from scipy.special import expit

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.losses import LOGISTIC

MOST_BY_NEWTON = 600
"""Columns up to which Newton's steps are the faster way."""
MOST_STEPS = 200
MOST_HALVINGS = 30
ENOUGH = 1e-13
"""A step that promises less than this per row, in nats, is the last: the next is a tenth of it."""
SLOW = 0.1
"""A step that promises more than this part of what the one before promised: the curvature has moved
on, and is computed where it stands."""
FALLS = 1e-4
"""The part of what a step promises that the loss must fall by (L. Armijo 1966)."""
BLOCK = 4_096
"""Rows whose part of the curvature is summed at a time, so that no copy of all is made."""


class Logistic:
    """Ridge logistic regression on some rows, for one strength after another.

    Args:
        design: shape (rows, columns); in one order for equal data, as sums depend on it.
        outcome: 0 and 1, shape (rows,).
    """

    def __init__(self, design: Floats, outcome: Floats) -> None:
        self._design, self._outcome = design, outcome
        self._curvature: Floats | None = None
        """The second derivatives of the rows' loss, at one of the steps so far."""

    def fit(self, strength: float, start: Floats) -> Floats:
        """The coefficients with the intercept behind them, shape (columns + 1,).

        Args:
            strength: variance of the prior of a coefficient; the intercept has none.
            start: where the steps begin, shaped as what is given.
        """
        if self._design.shape[1] > MOST_BY_NEWTON:
            return self._by_gradients(strength, start)
        return self._by_newton(strength, start)

    def _by_newton(self, strength: float, at: Floats) -> Floats:
        margin = self._margin(at)
        value, before = self._value(strength, at, margin), np.inf
        is_slow = self._curvature is None
        for _ in range(MOST_STEPS):
            if is_fresh := is_slow:
                self._curvature = self._curved(margin)
            gradient = self._gradient(strength, at, margin)
            step = self._step(strength, gradient)
            promised, moved = float(gradient @ step), self._margin(step)
            for halvings in range(MOST_HALVINGS if is_fresh else 1):
                size = 0.5**halvings
                tried, shown = at - size * step, margin - size * moved
                found = self._value(strength, tried, shown)
                if found <= value - FALLS * size * promised:
                    at, margin, value = tried, shown, found
                    break
            else:
                if is_fresh:
                    break  # No step is small enough: what is left is rounding.
                is_slow = True
                continue
            if promised <= ENOUGH * len(self._outcome):
                break
            is_slow, before = promised > SLOW * before, promised
        return at

    def _step(self, strength: float, gradient: Floats) -> Floats:
        assert self._curvature is not None
        total = self._curvature.copy()
        columns = np.arange(len(gradient) - 1)
        total[columns, columns] += 1 / strength
        step: Floats = cho_solve(cho_factor(total, check_finite=False), gradient)
        return step

    def _by_gradients(self, strength: float, at: Floats) -> Floats:
        rows = len(self._outcome)

        def per_row(at: Floats) -> tuple[float, Floats]:
            margin = self._margin(at)
            return self._value(strength, at, margin) / rows, self._gradient(
                strength, at, margin
            ) / rows

        limits = {"maxiter": MOST_STEPS, "gtol": 1e-6, "ftol": 64 * np.finfo(np.float64).eps}
        # The last of so many steps is as good a start of the next strength, and judged as it is.
        found: Floats = minimize(per_row, at, jac=True, method="L-BFGS-B", options=limits).x
        return found

    def _margin(self, at: Floats) -> Floats:
        margin: Floats = self._design @ at[:-1] + at[-1]
        return margin

    def _value(self, strength: float, at: Floats, margin: Floats) -> float:
        """The loss of all rows in nats, and the penalty of the coefficients."""
        loss = LOGISTIC.mean(margin, self._outcome) * len(self._outcome)
        return loss + float(at[:-1] @ at[:-1]) / (2 * strength)

    def _gradient(self, strength: float, at: Floats, margin: Floats) -> Floats:
        apart = expit(margin) - self._outcome
        return np.append(self._design.T @ apart + at[:-1] / strength, apart.sum())

    def _curved(self, margin: Floats) -> Floats:
        """The second derivatives of the rows' loss, in the upper triangle of a square.

        Summed in single precision: they say how far a step goes, not where the steps end.
        """
        chances = expit(margin)
        weight = np.sqrt(chances * (1 - chances))
        rows, columns = self._design.shape
        total = np.zeros((columns + 1, columns + 1))
        for start in range(0, rows, BLOCK):
            own = weight[start : start + BLOCK]
            block = np.empty((len(own), columns + 1), dtype=np.float32, order="F")
            np.multiply(
                self._design[start : start + BLOCK],
                own[:, None],
                out=block[:, :-1],
                casting="same_kind",
            )
            block[:, -1] = own
            total += ssyrk(1.0, block, trans=True)
        return total
