"""Linear models: a coefficient for every column of the design.

Logistic regression with a ridge penalty (S. le Cessie, J. van Houwelingen 1992, "Ridge estimators
in logistic regression") and, for numbers, ridge regression (A. Hoerl, R. Kennard 1970). Scores are
additive, so that each feature's part of a score is exact.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from portrait_assets.methods.prediction.families.encoding import Term
from portrait_assets.methods.prediction.families.folds import Fold
from portrait_assets.methods.prediction.families.losses import Loss
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.rows import Row, rounded

Floats = npt.NDArray[np.float64]
MOST_BY_CHOLESKY = 600
"""Columns up to which Newton's steps, which solve by all of them at once, are the faster way."""


@dataclass(frozen=True)
class Linear:
    """A score that is `intercept + design @ coefficients`.

    `means` are those of the columns when it was fitted: what a feature adds is counted from them.
    """

    terms: tuple[Term, ...]
    coefficients: Floats
    means: Floats
    intercept: float

    def margin(self, design: Floats) -> Floats:
        """The score of every row, shape (rows,), to the tenth decimal.

        The last digits of a product of matrices differ with the place of a row among others.
        """
        margin: Floats = np.round(design @ self.coefficients + self.intercept, 10)
        return margin

    @property
    def expected(self) -> float:
        """The score of a row with all columns at their means."""
        return float(self.means @ self.coefficients + self.intercept)

    def contributions(self, design: Floats, groups: Sequence[int]) -> Floats:
        """What each group of columns adds to `expected`, shape (rows, groups)."""
        count = max(groups, default=-1) + 1
        weights = np.zeros((len(self.terms), count))
        weights[np.arange(len(self.terms)), list(groups)] = self.coefficients
        contributions: Floats = design @ weights - self.means @ weights
        return contributions

    def to_rows(self) -> list[Row]:
        """The coefficients with the columns that they are of."""
        values = zip(self.terms, self.coefficients, self.means, strict=True)
        return [
            Row("intercept", 0, value=self.intercept),
            *(
                Row("term", at, term.feature, term.level, term.kind, float(c), threshold=float(m))
                for at, (term, c, m) in enumerate(values)
            ),
        ]


def linear_from(intercept: float, terms: Sequence[Row]) -> Linear:
    """The scorer that `Linear.to_rows` wrote."""
    return Linear(
        tuple(Term(str(row.feature), row.key, row.level) for row in terms),  # type: ignore[arg-type]
        np.array([row.value for row in terms], dtype=np.float64),
        np.array([row.threshold for row in terms], dtype=np.float64),
        intercept,
    )


@dataclass(frozen=True)
class LinearFit:
    """A fitted scorer, the strength that was chosen, and the loss on unseen rows."""

    scorer: Linear
    strength: float
    loss: float


def fit_linear(
    design: Floats,
    outcome: Floats,
    terms: Sequence[Term],
    signs: npt.NDArray[np.int64],
    folds: Sequence[Fold],
    loss: Loss,
    parameters: Parameters,
) -> LinearFit:
    """The coefficients, with the strength whose loss on rows that were not seen is least.

    Args:
        design: shape (rows, terms), scaled.
        outcome: 0 and 1, or numbers, shape (rows,).
        terms: what the columns are.
        signs: 1 where a coefficient must not be negative, -1 where not positive, 0 otherwise.
            Columns with a coefficient of the other sign are left out one after another.
        folds: rows to learn from and rows to judge by; at least one.
        loss: logistic or squared.
        parameters: strengths to choose from.
    """
    losses = _losses(design, outcome, folds, loss, parameters)
    # The first of equals has the smaller coefficients.
    strength = parameters.strengths[int(np.argmin(losses))]
    is_used = np.ones(len(terms), dtype=bool)
    coefficients = np.zeros(len(terms))
    while True:
        found, intercept = _solve(loss, design[:, is_used], outcome)(strength)
        coefficients[:] = 0.0
        coefficients[is_used] = found
        is_wrong = coefficients * signs < 0
        if not is_wrong.any():
            break
        is_used &= ~is_wrong
    means = rounded(design.mean(axis=0))
    scorer = Linear(tuple(terms), rounded(coefficients), means, float(rounded(intercept)))
    return LinearFit(scorer, strength, float(np.min(losses)))


def _losses(
    design: Floats, outcome: Floats, folds: Sequence[Fold], loss: Loss, parameters: Parameters
) -> Floats:
    """The mean loss of each strength over the folds' unseen rows, shape (strengths,)."""
    losses = np.zeros(len(parameters.strengths))
    for fold in folds:
        solve = _solve(loss, design[fold.learned], outcome[fold.learned])
        judged, happened = design[fold.unseen], outcome[fold.unseen]
        for at, strength in enumerate(parameters.strengths):
            coefficients, intercept = solve(strength)
            losses[at] += loss.mean(judged @ coefficients + intercept, happened) / len(folds)
    return losses


Solve = Callable[[float], tuple[Floats, Floats]]


def _solve(loss: Loss, design: Floats, outcome: Floats) -> Solve:
    """What gives coefficients and intercept for a strength; one fit begins where the last ended."""
    width = design.shape[1]
    if not width:
        middle = loss.constant(outcome)
        return lambda strength: (np.zeros(0), np.asarray(middle))
    if not loss.is_logistic:
        return lambda strength: _ridge(design, outcome, strength)
    solver = "newton-cholesky" if width <= MOST_BY_CHOLESKY else "lbfgs"
    model = LogisticRegression(solver=solver, tol=1e-6, max_iter=200, warm_start=True)

    def solve(strength: float) -> tuple[Floats, Floats]:
        model.set_params(C=strength)
        with warnings.catch_warnings():
            # The last of 200 steps is as good a start of the next strength, and judged as it is.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(design, outcome)
        return model.coef_[0].copy(), np.asarray(model.intercept_[0])

    return solve


def _ridge(design: Floats, outcome: Floats, strength: float) -> tuple[Floats, Floats]:
    # A strength is in units of the outcome's variance, as that of log odds is in theirs.
    model = Ridge(alpha=1.0 / strength, solver="cholesky").fit(design, outcome)
    return np.asarray(model.coef_), np.asarray(model.intercept_)
