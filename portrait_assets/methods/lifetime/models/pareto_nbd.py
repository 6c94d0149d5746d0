"""Pareto/NBD: buying at a constant rate until a customer lapses at a random moment.

D. Schmittlein, D. Morrison, R. Colombo (1987), "Counting your customers: who are they and what will
they do next?". Rates are Gamma(r, alpha) over customers, rates of lapsing Gamma(s, beta).

The usual form (P. Fader, B. Hardie 2005, "A note on deriving the Pareto/NBD model") is a difference
of hypergeometric functions, which cancel and overflow. Here the integral over the moment of lapsing
that they stand for is computed: all its parts are positive, and its gradient costs little more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, exprel, gammaln, logsumexp, roots_legendre

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.lifetime.models.histories import Histories

NAME = "Pareto/NBD"
PARAMETERS: tuple[str, ...] = ("r", "alpha", "s", "beta")
TIMES: tuple[str, ...] = ("alpha", "beta")
"""Parameters in weeks; the others have no unit."""
WIDE: tuple[str, ...] = ("alpha", "beta")
"""Parameters that may be very large, where customers buy or lapse rarely."""
_NODES, _WEIGHTS = roots_legendre(48)
_NOTHING = 40.0
"""Of a decay of so many powers of e nothing is left in double precision."""
_SLOW = 1e-3
_BLOCK = 1_000


def log_likelihood(parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
    """Log-likelihood of each history, and its gradient.

    Args:
        parameters: r, alpha, s, beta, all above 0.
        of: the histories.

    Returns:
        Arrays of shapes (histories,) and (4, histories).
    """
    parts = [_of_block(parameters, block) for block in _blocks(of)]
    values, gradients = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(gradients, axis=1)


def alive(parameters: Floats, of: Histories) -> Floats:
    """Probability that a customer has not lapsed by T."""
    lives = (_lives(parameters, block) for block in _blocks(of))
    return np.concatenate([expit(each.active - each.lapsed) for each in lives])


def expected(parameters: Floats, of: Histories, weeks: float) -> Floats:
    """Expected purchases in the weeks after T, also where s is 1."""
    r, alpha, s, beta = parameters
    logs = np.log1p(weeks / (beta + of.age))
    lifetime = (beta + of.age) * logs * exprel(-(s - 1) * logs)
    return np.asarray(alive(parameters, of) * (r + of.x) / (alpha + of.age) * lifetime)


@dataclass(frozen=True)
class _Lives:
    """What is known of when customers of each history lapsed.

    `active` and `lapsed` are the logs of the likelihood's parts, but for what they share: not
    lapsed by T, and lapsed before. `weights` of shape (histories, nodes) are how probable each
    `moment` of lapsing is, in weeks after the first purchase; they sum to the probability of
    `lapsed`.
    """

    active: Floats
    lapsed: Floats
    moments: Floats
    weights: Floats


def _of_block(parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
    r, alpha, s, beta = parameters
    lives = _lives(parameters, of)
    there = expit(lives.active - lives.lapsed)

    def mean(at_end: Floats, at_moments: Floats) -> Floats:
        return np.asarray(there * at_end + (lives.weights * at_moments).sum(axis=1))

    buying, lasting = alpha + lives.moments, beta + lives.moments
    inverse = lives.weights / lasting
    gradient = np.stack(
        [
            digamma(r + of.x)
            - digamma(r)
            + np.log(alpha)
            - mean(np.log(alpha + of.age), np.log(buying)),
            r / alpha - (r + of.x) * mean(1 / (alpha + of.age), 1 / buying),
            np.log(beta) + (1 - there) / s - mean(np.log(beta + of.age), np.log(lasting)),
            s / beta - s * there / (beta + of.age) - (s + 1) * inverse.sum(axis=1),
        ]
    )
    shared = gammaln(r + of.x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return shared + np.logaddexp(lives.active, lives.lapsed), gradient


def _lives(parameters: Floats, of: Histories) -> _Lives:
    """By Gauss-Legendre quadrature over u = log((m + y) / (m + t_x)) of the moments y of lapsing.

    m is the lesser of alpha and beta, so that the integrand decays ever faster in u: with its rate
    at t_x it is known from where on nothing is left of it.
    """
    r, alpha, s, beta = parameters
    least = min(alpha, beta)
    start = least + of.t_x
    rate = (r + of.x) * start / (alpha + of.t_x) + (s + 1) * start / (beta + of.t_x) - 1
    span = np.log((least + of.age) / start)
    span = np.minimum(span, _NOTHING / np.maximum(rate, _SLOW))
    u = span[:, None] * (_NODES + 1) / 2
    moments = start[:, None] * np.expm1(u) + of.t_x[:, None]
    logs = (
        np.log(least + moments)
        - (r + of.x)[:, None] * np.log(alpha + moments)
        - (s + 1) * np.log(beta + moments)
    )
    with np.errstate(divide="ignore"):  # Nobody has lapsed after a purchase on the last day.
        logs += np.log(s * span / 2)[:, None] + np.log(_WEIGHTS)
    active = -(r + of.x) * np.log(alpha + of.age) - s * np.log(beta + of.age)
    lapsed = np.asarray(logsumexp(logs, axis=1))
    weights = np.exp(logs - np.logaddexp(active, lapsed)[:, None])
    return _Lives(active, lapsed, moments, weights)


def _blocks(of: Histories) -> Iterator[Histories]:
    """The histories in parts of which the nodes are near the processor."""
    for begin in range(0, len(of.x), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        yield Histories(of.x[part], of.t_x[part], of.age[part], of.customers[part])
