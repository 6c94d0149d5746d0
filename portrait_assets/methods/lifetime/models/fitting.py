"""Parameters by maximum likelihood, and what is wrong with a fit that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from portrait_assets.core.arrays import Floats
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.lifetime.models.histories import Histories

FEWEST = 10
"""Customers with a purchase after the first that a model needs."""
FIRST_AT_MOST = 500
"""Histories that the best start is found with."""
STEEPEST = 1e-4
"""Largest slope of the mean log-likelihood, by the log of a parameter, at its maximum."""
LEAST, MOST, MOST_WIDE = 1e-3, 1e2, 1e3
"""A parameter outside of these stands for 0 or infinity, where the data lead to a boundary.

Times are measured by the mean T. The wide bound is of times, and of what rare events make large.
"""
_BEYOND = 2.0
"""How far beyond them the search goes, to get there and not end before."""
_STARTS = (0.3, 1.0, 3.0)

Slopes = tuple[float, Floats]


class Family(Protocol):
    """A model of purchases: the modules `bg_nbd` and `pareto_nbd`."""

    NAME: str
    PARAMETERS: tuple[str, ...]
    TIMES: tuple[str, ...]
    WIDE: tuple[str, ...]

    def log_likelihood(self, parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
        """By history, and its gradient."""

    def alive(self, parameters: Floats, of: Histories) -> Floats:
        """Probability by history."""

    def expected(self, parameters: Floats, of: Histories, weeks: float) -> Floats:
        """Purchases by history."""


@dataclass(frozen=True)
class Fit:
    """A fitted model; `problem` names in a few words why it cannot be used, and is empty otherwise.

    `log_likelihood` is of all customers: of an even sample of them, scaled to all, where more
    histories differ than are fitted to.
    """

    name: str
    parameters: dict[str, float]
    log_likelihood: float
    customers: int
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it converged to parameters that are no boundary."""
        return not self.problem

    @property
    def values(self) -> Floats:
        """The parameters in their order."""
        return np.array(list(self.parameters.values()))


def fit(family: Family, histories: Histories) -> Fit:
    """The family's parameters for which the histories are the most probable.

    Args:
        family: what to fit.
        histories: of all customers; an even sample of them is taken where very many differ.
    """
    repeat = float(histories.customers[histories.x > 0].sum())
    if repeat < FEWEST:
        problem = f"{repeat:.0f} customers bought again, and it needs {FEWEST}"
        nothing = dict.fromkeys(family.PARAMETERS, float("nan"))
        return Fit(family.NAME, nothing, float("nan"), int(histories.total), problem)
    sample = histories.sample()
    unit = float(np.average(sample.age, weights=sample.customers))
    scale = np.array([unit if name in family.TIMES else 1.0 for name in family.PARAMETERS])

    def mean(of: Histories) -> Callable[[Floats], Slopes]:
        def function(logs: Floats) -> Slopes:
            values = np.exp(logs) * scale
            with np.errstate(all="ignore"):
                found, gradient = family.log_likelihood(values, of)
            share = of.customers / of.total
            return -float(share @ found), -(gradient @ share) * values

        return function

    starts = [np.log(np.full(len(scale), start)) for start in _STARTS]
    most = np.array([MOST_WIDE if name in family.WIDE else MOST for name in family.PARAMETERS])
    first = maximum(mean(histories.sample(FIRST_AT_MOST)), starts, most)
    best = maximum(mean(sample), [first.logs], most)
    values = np.exp(best.logs) * scale
    parameters = dict(zip(family.PARAMETERS, map(float, values), strict=True))
    problem = best.problem(family.PARAMETERS, most)
    return Fit(
        family.NAME, parameters, -best.value * histories.total, int(histories.total), problem
    )


@dataclass(frozen=True)
class Maximum:
    """Logs of the scaled parameters at a maximum, the mean negative log-likelihood, its slope."""

    logs: Floats
    value: float
    slope: float

    def problem(self, names: tuple[str, ...], most: Floats) -> str:
        """Why it cannot be used; empty when it can.

        Args:
            names: of the parameters.
            most: what each may be at most, in the units of the search.
        """
        for name, log, end in zip(names, self.logs, np.log(most), strict=True):
            if not np.log(LEAST) < log < end:
                return f"it is degenerate ({name} tends to {'infinity' if log > 0 else '0'})"
        if not (np.isfinite(self.value) and self.slope <= STEEPEST):
            return f"it did not converge (slope {self.slope:.2g})"
        return ""


def maximum(
    function: Callable[[Floats], Slopes], starts: Sequence[Floats], most: Floats
) -> Maximum:
    """The best that L-BFGS-B finds from the starts, within bounds.

    R. Byrd, P. Lu, J. Nocedal, C. Zhu (1995), "A limited memory algorithm for bound constrained
    optimization".

    Args:
        function: gives a mean negative log-likelihood of logs of parameters, and its gradient.
        starts: logs of parameters.
        most: what each parameter may be at most; the search goes a little further.
    """
    bounds = [(np.log(LEAST / _BEYOND), np.log(end * _BEYOND)) for end in most]
    found = []
    # Of so few numbers threads only wait for each other; one adds them up alike everywhere.
    with one_thread():
        for start in starts:
            result = minimize(
                function,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": 200, "ftol": 1e-11, "gtol": 1e-7, "maxcor": 20},
            )
            slope = float(np.max(np.abs(result.jac)))
            found.append(Maximum(np.asarray(result.x), float(result.fun), slope))
    finite = [each for each in found if np.isfinite(each.value)] or found
    return min(finite, key=lambda each: each.value)
