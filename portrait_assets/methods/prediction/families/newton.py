"""Ridge logistic regression, solved by Newton's steps from where a fit like it ended.

The steps are those of iteratively reweighted least squares (P. McCullagh, J. Nelder 1989,
"Generalized Linear Models") with a line search. Where there are so many columns that solving by all
of them at once is the slower way, L-BFGS goes by gradients alone (D. Liu, J. Nocedal 1989).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import ssyrk
from scipy.optimize import minimize
from scipy.special import expit

from portrait_assets.methods.prediction.families.losses import LOGISTIC

Floats = npt.NDArray[np.float64]

MOST_BY_NEWTON = 600
"""Columns up to which Newton's steps are the faster way."""
MOST_STEPS = 200
MOST_HALVINGS = 30
ENOUGH = 2e-8
"""A step that promises less than this per row, in nats, is the last: the next is its square."""
FALLS = 1e-4
"""The part of what a step promises that the loss must fall by (L. Armijo 1966)."""
BLOCK = 4_096
"""Rows whose part of the curvature is summed at a time, so that no copy of all is made."""


def fit_logistic(design: Floats, outcome: Floats, strength: float, start: Floats) -> Floats:
    """The coefficients with the intercept behind them, shape (columns + 1,).

    Args:
        design: shape (rows, columns); in one order for equal data, as sums depend on it.
        outcome: 0 and 1, shape (rows,).
        strength: variance of the prior of a coefficient; the intercept has none.
        start: where the steps begin, shaped as what is given.
    """
    problem = _Problem(design, outcome, strength)
    if design.shape[1] > MOST_BY_NEWTON:
        return problem.by_gradients(start)
    return problem.by_newton(start)


class _Problem(NamedTuple):
    design: Floats
    outcome: Floats
    strength: float

    def by_newton(self, at: Floats) -> Floats:
        margin = self._margin(at)
        value = self._value(at, margin)
        for _ in range(MOST_STEPS):
            gradient = self._gradient(at, margin)
            factor = cho_factor(self._curvature(margin), check_finite=False)
            step = cho_solve(factor, gradient, check_finite=False)
            promised, moved = float(gradient @ step), self._margin(step)
            for halvings in range(MOST_HALVINGS):
                size = 0.5**halvings
                tried, shown = at - size * step, margin - size * moved
                found = self._value(tried, shown)
                if found <= value - FALLS * size * promised:
                    at, margin, value = tried, shown, found
                    break
            else:
                break  # No step is small enough: what is left is rounding.
            if promised <= ENOUGH * len(self.outcome):
                break
        return at

    def by_gradients(self, at: Floats) -> Floats:
        rows = len(self.outcome)

        def per_row(at: Floats) -> tuple[float, Floats]:
            margin = self._margin(at)
            return self._value(at, margin) / rows, self._gradient(at, margin) / rows

        limits = {"maxiter": MOST_STEPS, "gtol": 1e-6, "ftol": 64 * np.finfo(np.float64).eps}
        # The last of so many steps is as good a start of the next strength, and judged as it is.
        found: Floats = minimize(per_row, at, jac=True, method="L-BFGS-B", options=limits).x
        return found

    def _margin(self, at: Floats) -> Floats:
        margin: Floats = self.design @ at[:-1] + at[-1]
        return margin

    def _value(self, at: Floats, margin: Floats) -> float:
        """The loss of all rows in nats, and the penalty of the coefficients."""
        loss = LOGISTIC.mean(margin, self.outcome) * len(self.outcome)
        return loss + float(at[:-1] @ at[:-1]) / (2 * self.strength)

    def _gradient(self, at: Floats, margin: Floats) -> Floats:
        apart = expit(margin) - self.outcome
        return np.append(self.design.T @ apart + at[:-1] / self.strength, apart.sum())

    def _curvature(self, margin: Floats) -> Floats:
        """The second derivatives, in the upper triangle; shape (columns + 1, columns + 1).

        Summed in single precision: they say how far a step goes, not where the steps end.
        """
        chances = expit(margin)
        weight = np.sqrt(chances * (1 - chances))
        rows, columns = self.design.shape
        total = np.zeros((columns + 1, columns + 1))
        for start in range(0, rows, BLOCK):
            own = weight[start : start + BLOCK]
            block = np.empty((len(own), columns + 1), dtype=np.float32, order="F")
            np.multiply(
                self.design[start : start + BLOCK],
                own[:, None],
                out=block[:, :-1],
                casting="same_kind",
            )
            block[:, -1] = own
            total += ssyrk(1.0, block, trans=True)
        total[np.arange(columns), np.arange(columns)] += 1 / self.strength
        return total
