"""BG/NBD: buying at a constant rate, and a chance to lapse after each purchase.

P. Fader, B. Hardie, K. Lee (2005), "Counting your customers the easy way: an alternative to the
Pareto/NBD model". Rates are Gamma(r, alpha) over customers, chances to lapse Beta(a, b).
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, expit, gammaln, hyp2f1

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.lifetime.models.histories import Histories

NAME = "BG/NBD"
PARAMETERS: tuple[str, ...] = ("r", "alpha", "a", "b")
TIMES: tuple[str, ...] = ("alpha",)
"""Parameters in weeks; the others have no unit."""
WIDE: tuple[str, ...] = ("alpha", "b")
"""Parameters that may be very large, b where customers rarely lapse."""
_NEAR_ONE = 1e-7


def log_likelihood(parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
    """Log-likelihood of each history (equation 3 of the paper), and its gradient.

    Args:
        parameters: r, alpha, a, b, all above 0.
        of: the histories.

    Returns:
        Arrays of shapes (histories,) and (4, histories).
    """
    r, alpha, a, b = parameters
    x = of.x
    shown = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b)
    active = -(r + x) * np.log(alpha + of.age)
    lapsed = _log_lapsed(parameters, of)
    share = expit(lapsed - active)
    mean_log = (1 - share) * np.log(alpha + of.age) + share * np.log(alpha + of.t_x)
    mean_inverse = (1 - share) / (alpha + of.age) + share / (alpha + of.t_x)
    both = digamma(a + b) - digamma(a + b + x)
    gradient = np.stack(
        [
            digamma(r + x) - digamma(r) + np.log(alpha) - mean_log,
            r / alpha - (r + x) * mean_inverse,
            both + share / a,
            both + digamma(b + x) - digamma(b) - share / np.where(x > 0, b + x - 1, 1.0),
        ]
    )
    return shown + stayed + np.logaddexp(active, lapsed), gradient


def alive(parameters: Floats, of: Histories) -> Floats:
    """Probability that a customer has not lapsed; 1 without a purchase after the first."""
    r, alpha = parameters[:2]
    active = -(r + of.x) * np.log(alpha + of.age)
    return np.asarray(expit(active - _log_lapsed(parameters, of)))


def expected(parameters: Floats, of: Histories, weeks: float) -> Floats:
    """Expected purchases in the weeks after T (equation 10).

    In the form that Pfaff's transformation gives twice, in which no argument of the hypergeometric
    function but its third grows with x; a singular a of 1 is moved by 1e-7, and the result by as
    little.
    """
    r, alpha, a, b = parameters
    if abs(a - 1) < _NEAR_ONE:
        a = 1 + _NEAR_ONE
    span = weeks / (alpha + of.age)
    third = a + b + of.x - 1
    survived = hyp2f1(a - 1, a + b - 1 - r, third, span / (1 + span)) * (1 + span) ** (1 - a)
    purchases = third / (a - 1) * (1 - survived)
    return np.asarray(alive(parameters, of) * purchases)


def _log_lapsed(parameters: Floats, of: Histories) -> Floats:
    """Log of the part of the likelihood in which the last purchase was the last; -inf for none."""
    r, alpha, a, b = parameters
    chance = np.log(a) - np.log(np.where(of.x > 0, b + of.x - 1, 1.0))
    return np.where(of.x > 0, chance - (r + of.x) * np.log(alpha + of.t_x), -np.inf)
