"""Parameters by maximum likelihood, and what is wrong with a fit that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from portrait_assets.methods.lifetime.models.histories import Floats, Histories

FEWEST = 10
"""Customers with a purchase after the first that a model needs."""
FIRST_AT_MOST = 2_000
"""Histories that the best start is found with."""
STEEPEST = 1e-4
"""Largest slope of the mean log-likelihood, by the log of a parameter, at its maximum."""
_USABLE = 1e3
"""A parameter beyond this, or below its inverse, stands for a boundary that the data lead to.

Times are measured by the mean T.
"""
_BOUND = float(np.log(1e5))
_STARTS = (0.3, 1.0, 3.0)

Slopes = tuple[float, Floats]


class Family(Protocol):
    """A model of purchases: the modules `bg_nbd` and `pareto_nbd`."""

    NAME: str
    PARAMETERS: tuple[str, ...]
    TIMES: tuple[str, ...]

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
    first = maximum(mean(histories.sample(FIRST_AT_MOST)), starts)
    best = maximum(mean(sample), [first.logs])
    values = np.exp(best.logs) * scale
    parameters = dict(zip(family.PARAMETERS, map(float, values), strict=True))
    problem = best.problem(family.PARAMETERS)
    return Fit(
        family.NAME, parameters, -best.value * histories.total, int(histories.total), problem
    )


@dataclass(frozen=True)
class Maximum:
    """Logs of the scaled parameters at a maximum, the mean negative log-likelihood, its slope."""

    logs: Floats
    value: float
    slope: float

    def problem(self, names: tuple[str, ...]) -> str:
        """Why it cannot be used; empty when it can."""
        if not (np.isfinite(self.value) and self.slope <= STEEPEST):
            return f"it did not converge (slope {self.slope:.2g})"
        for name, log in zip(names, self.logs, strict=True):
            if abs(log) > np.log(_USABLE):
                end = "infinity" if log > 0 else "0"
                return f"it is degenerate ({name} tends to {end})"
        return ""


def maximum(function: Callable[[Floats], Slopes], starts: list[Floats]) -> Maximum:
    """The best that L-BFGS-B finds from the starts, within bounds.

    R. Byrd, P. Lu, J. Nocedal, C. Zhu (1995), "A limited memory algorithm for bound constrained
    optimization".

    Args:
        function: gives a mean negative log-likelihood of logs of parameters, and its gradient.
        starts: logs of parameters.
    """
    found = []
    for start in starts:
        result = minimize(
            function,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_BOUND, _BOUND)] * len(start),
            options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-8, "maxcor": 20},
        )
        slope = float(np.max(np.abs(result.jac)))
        found.append(Maximum(np.asarray(result.x), float(result.fun), slope))
    finite = [each for each in found if np.isfinite(each.value)] or found
    return min(finite, key=lambda each: each.value)
