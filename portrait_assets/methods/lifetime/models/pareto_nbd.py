"""Pareto/NBD: buying at a constant rate until a customer lapses at a random moment.

D. Schmittlein, D. Morrison, R. Colombo (1987), "Counting your customers: who are they and what will
they do next?". Rates are Gamma(r, alpha) over customers, rates of lapsing Gamma(s, beta).
"""

from __future__ import annotations

import numpy as np
from scipy.special import exprel, gammaln, hyp2f1

from portrait_assets.methods.lifetime.models.histories import Floats, Histories

NAME = "Pareto/NBD"
PARAMETERS: tuple[str, ...] = ("r", "alpha", "s", "beta")
TIMES: tuple[str, ...] = ("alpha", "beta")
"""Parameters in weeks; the others have no unit."""
WIDE: tuple[str, ...] = ("alpha", "beta")
"""Parameters that may be very large, where customers buy or lapse rarely."""
_STEP = 1e-5
_LARGE, _NEAR = 10.0, 0.8
_MOST_TERMS = 5_000
_EXACT = 1e-14
_LOOK = 8


def log_likelihood(parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
    """Log-likelihood of each history, and its gradient by central differences.

    Args:
        parameters: r, alpha, s, beta, all above 0.
        of: the histories.

    Returns:
        Arrays of shapes (histories,) and (4, histories).
    """
    gradient = []
    for place, value in enumerate(parameters):
        step = np.zeros(len(parameters))
        step[place] = _STEP * value
        rise = _values(parameters + step, of) - _values(parameters - step, of)
        gradient.append(rise / (2 * step[place]))
    return _values(parameters, of), np.stack(gradient)


def alive(parameters: Floats, of: Histories) -> Floats:
    """Probability that a customer has not lapsed by T."""
    active, lapsed = _parts(parameters, of)
    r, alpha, s, beta = parameters
    survived = -(r + of.x) * np.log(alpha + of.age) - s * np.log(beta + of.age)
    return np.asarray(np.exp(survived - np.logaddexp(active, lapsed)))


def expected(parameters: Floats, of: Histories, weeks: float) -> Floats:
    """Expected purchases in the weeks after T, also where s is 1."""
    r, alpha, s, beta = parameters
    logs = np.log1p(weeks / (beta + of.age))
    lifetime = (beta + of.age) * logs * exprel(-(s - 1) * logs)
    return np.asarray(alive(parameters, of) * (r + of.x) / (alpha + of.age) * lifetime)


def _values(parameters: Floats, of: Histories) -> Floats:
    r, alpha, s, beta = parameters
    shown = gammaln(r + of.x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return np.asarray(shown + np.logaddexp(*_parts(parameters, of)))


def _parts(parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
    """Logs of two parts that are never negative, so that nothing cancels.

    The difference of hypergeometric functions in the usual form (P. Fader, B. Hardie 2005, "A note
    on deriving the Pareto/NBD model") is split after Euler's transformation: with k = r + s + x,
    G(t) = (alpha + t)^-(r + x) (beta + t)^-s and H(t) = 2F1(1, r + x; k + 1; (alpha - beta) /
    (alpha + t)), which lies between 0 and k / s, it is G(T) (1 - s / k H(T)) + s / k G(t_x) H(t_x).
    """
    r, alpha, s, beta = parameters
    share = s / (r + s + of.x)

    def log_g(t: Floats) -> Floats:
        return np.asarray(-(r + of.x) * np.log(alpha + t) - s * np.log(beta + t))

    with np.errstate(divide="ignore"):
        at_end = np.log1p(-np.minimum(share * _h(parameters, of.x, of.age), 1.0))
        at_last = np.log(share * _h(parameters, of.x, of.t_x))
    return log_g(of.age) + at_end, log_g(of.t_x) + at_last


def _h(parameters: Floats, x: Floats, t: Floats) -> Floats:
    r, alpha, s, beta = parameters
    k = r + s + x
    if alpha < beta:  # Pfaff's transformation brings the argument between 0 and 1.
        flipped = _hypergeometric(np.full_like(x, s + 1), k, (beta - alpha) / (beta + t))
        return np.asarray((alpha + t) / (beta + t) * flipped)
    return _hypergeometric(r + x, k, (alpha - beta) / (alpha + t))


def _hypergeometric(b: Floats, k: Floats, z: Floats) -> Floats:
    """2F1(1, b; k + 1; z) for b below k + 1 and z from 0 to 1.

    Where b is large and z near 1 by Gauss's continued fraction (NIST DLMF 15.7.1), as SciPy's
    function sums very many terms there, and overflows.
    """
    found = np.empty(np.broadcast_shapes(b.shape, k.shape, z.shape))
    far = (b > _LARGE) & (z > _NEAR)
    found[~far] = hyp2f1(1.0, b[~far], k[~far] + 1, z[~far])
    far |= ~np.isfinite(found)
    if far.any():
        found[far] = _fraction(b[far], k[far], z[far])
    return found


def _fraction(b: Floats, k: Floats, z: Floats) -> Floats:
    """k / (k - u_1 z / (k + 1 - u_2 z / (k + 2 - ...))) by Lentz's method.

    u_n is (b + m) (k + m) for n = 2 m + 1, and m (k - b + m) for n = 2 m.
    """
    value, upper, lower = k.copy(), k.copy(), np.zeros_like(k)
    for n in range(1, _MOST_TERMS):
        m = n // 2
        term = -z * ((b + m) * (k + m) if n % 2 else m * (k - b + m))
        lower = 1 / (k + n + term * lower)
        upper = k + n + term / upper
        change = upper * lower
        value = value * change
        if n % _LOOK == 0 and np.abs(change - 1).max() < _EXACT:
            break
    return np.asarray(k / value)
