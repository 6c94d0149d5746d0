"""Linear models: a coefficient for every column of the design.

Logistic regression with a ridge penalty (S. le Cessie, J. van Houwelingen 1992, "Ridge estimators
in logistic regression") and, for numbers, ridge regression (A. Hoerl, R. Kennard 1970). Scores are
additive, so that each feature's part of a score is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.columns import Term
from portrait_assets.methods.prediction.families.folds import Fold
from portrait_assets.methods.prediction.families.losses import Loss
from portrait_assets.methods.prediction.families.newton import Logistic
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.rows import Row, rounded


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
        """The score of every row, shape (rows,)."""
        return self.margin_of(design @ self.coefficients)

    def margin_of(self, sums: Floats) -> Floats:
        """The score of rows with these products of design and coefficients, to the tenth decimal.

        The last digits of a product of matrices differ with the place of a row among others.
        """
        margin: Floats = np.round(sums + self.intercept, 10)
        return margin

    @property
    def expected(self) -> float:
        """The score of a row with all columns at their means."""
        return float(self.means @ self.coefficients + self.intercept)

    def opposite(self) -> Linear:
        """The same score with the other sign."""
        return replace(self, coefficients=0.0 - self.coefficients, intercept=0.0 - self.intercept)

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
    losses, starts = _tried(design, outcome, folds, loss, parameters)
    # The first of equals has the smaller coefficients.
    at = int(np.argmin(losses))
    strength, found = parameters.strengths[at], starts[at]
    is_used = np.ones(len(terms), dtype=bool)
    while True:
        columns = np.append(is_used, True)
        used = design if is_used.all() else design[:, is_used]
        found[columns] = _solver(loss, used, outcome)(strength, found[columns])
        is_wrong = found[:-1] * signs < 0
        if not is_wrong.any():
            break
        is_used &= ~is_wrong
        found[:-1][is_wrong] = 0.0
    means = rounded(design.mean(axis=0))
    scorer = Linear(tuple(terms), rounded(found[:-1]), means, float(rounded(found[-1])))
    return LinearFit(scorer, strength, float(losses[at]))


def _tried(
    design: Floats, outcome: Floats, folds: Sequence[Fold], loss: Loss, parameters: Parameters
) -> tuple[Floats, Floats]:
    """The mean loss of each strength over the folds' unseen rows, and where its last fit ended.

    Each fit begins where the one of the fold before ended, or of the strength before. Shapes
    (strengths,) and (strengths, terms + 1).
    """
    strengths = parameters.strengths
    losses, ends = np.zeros(len(strengths)), np.zeros((len(strengths), design.shape[1] + 1))
    ends[0, -1] = loss.constant(outcome)
    for turn, fold in enumerate(folds):
        # By columns, as curvatures are summed.
        learned = np.take(design.T, fold.learned, axis=1).T
        solved = _solver(loss, learned, outcome[fold.learned])
        unseen, happened = design[fold.unseen], outcome[fold.unseen]
        for at, strength in enumerate(strengths):
            start = ends[at] if turn or not at else ends[at - 1]
            ends[at] = solved(strength, start)
            margin = unseen @ ends[at, :-1] + ends[at, -1]
            losses[at] += loss.mean(margin, happened) / len(folds)
    return losses, ends


def _solver(loss: Loss, design: Floats, outcome: Floats) -> Callable[[float, Floats], Floats]:
    """Gives for a strength, and a start, the coefficients with the intercept behind them."""
    if not design.shape[1]:
        return lambda strength, start: np.array([loss.constant(outcome)])
    if loss.is_logistic:
        return Logistic(design, outcome).fit

    def ridge(strength: float, start: Floats) -> Floats:
        # A strength is in units of the outcome's variance, as that of log odds is in theirs.
        model = Ridge(alpha=1.0 / strength, solver="cholesky").fit(design, outcome)
        return np.append(model.coef_, model.intercept_)

    return ridge
