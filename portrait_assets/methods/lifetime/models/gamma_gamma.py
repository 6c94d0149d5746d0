"""Gamma-gamma: what a customer spends per purchase, drawn towards the mean of all by few purchases.

P. Fader, B. Hardie (2013), "The gamma-gamma model of monetary value". Amounts of a customer are
Gamma(p, v), and v is Gamma(q, gamma) over customers.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.lifetime.models.fitting import FEWEST, Fit, Slopes, maximum
from portrait_assets.methods.lifetime.models.histories import FITTED_AT_MOST

NAME = "gamma-gamma"
PARAMETERS: tuple[str, ...] = ("p", "q", "gamma")
_MOST = np.array([1e3, 1e3, 1e3])
_START = np.log(np.array([3.0, 3.0, 3.0]))


def fit(x: Floats, mean_spend: Floats) -> Fit:
    """The parameters for which the mean spends are the most probable.

    Args:
        x: purchases that the mean is of, by customer.
        mean_spend: mean spend of these purchases; only customers above 0 are fitted to.
    """
    spent = np.flatnonzero((x > 0) & (mean_spend > 0))
    if len(spent) < FEWEST:
        problem = f"{len(spent)} customers spent something again, and it needs {FEWEST}"
        nothing = dict.fromkeys(PARAMETERS, float("nan"))
        return Fit(NAME, nothing, float("nan"), len(spent), problem)
    # In the order of values, so that the sample does not depend on the order of customers.
    ordered = spent[np.lexsort((x[spent], mean_spend[spent]))]
    every = max(len(ordered) / FITTED_AT_MOST, 1.0)
    places = (np.arange(int(len(ordered) / every)) + 0.5) * every
    drawn = ordered[places.astype(np.int64)]
    counts, means = x[drawn], mean_spend[drawn]
    scale = np.array([1.0, 1.0, float(np.median(means))])

    def mean(logs: Floats) -> Slopes:
        values = np.exp(logs) * scale
        found, gradient = log_likelihood(values, counts, means)
        return -float(found.mean()), -gradient.mean(axis=1) * values

    best = maximum(mean, [_START], _MOST)
    p, q, gamma = (float(value) for value in np.exp(best.logs) * scale)
    problem = best.problem(PARAMETERS, _MOST)
    if not problem and q <= 1:
        problem = "it is degenerate (with q up to 1 the mean spend is infinite)"
    parameters = {"p": p, "q": q, "gamma": gamma}
    return Fit(NAME, parameters, -best.value * len(spent), len(spent), problem)


def log_likelihood(parameters: Floats, x: Floats, mean_spend: Floats) -> tuple[Floats, Floats]:
    """Log-likelihood of each customer's mean spend (equation 1a), and its gradient by p, q, gamma.

    Args:
        parameters: p, q, gamma.
        x: purchases that the mean is of, above 0.
        mean_spend: above 0.
    """
    p, q, gamma = parameters
    shape, total = p * x, gamma + x * mean_spend
    found = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(gamma)
        + (shape - 1) * np.log(mean_spend)
        + shape * np.log(x)
        - (shape + q) * np.log(total)
    )
    by_shape = digamma(shape + q)
    gradient = np.stack(
        [
            x * (by_shape - digamma(shape) + np.log(mean_spend * x) - np.log(total)),
            by_shape - digamma(q) + np.log(gamma) - np.log(total),
            q / gamma - (shape + q) / total,
        ]
    )
    return found, gradient


def expected(parameters: Floats, x: Floats, mean_spend: Floats) -> Floats:
    """Expected spend per purchase (equation 5): that of all customers where x is 0."""
    p, q, gamma = parameters
    spent = np.where(x > 0, x * np.nan_to_num(mean_spend), 0.0)
    return np.asarray(p * (gamma + spent) / (p * x + q - 1))
