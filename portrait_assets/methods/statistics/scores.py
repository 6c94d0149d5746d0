"""How well a score told hits from the rest, from counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.statistics.resampling import draws

TOP = 0.1

Floats = npt.NDArray[np.float64]
Measure = Callable[["Counts"], Floats]


@dataclass(frozen=True)
class Counts:
    """Customers and hits by bucket, the lowest score first; shape (draws, buckets).

    `amount`, `said`, `said_squared` and `said_of_hits` are sums over the bucket's customers: of
    what they spent later, and of the probability that was said.
    """

    customers: Floats
    hits: Floats
    amount: Floats
    said: Floats
    said_squared: Floats
    said_of_hits: Floats


def resampled(cells: npt.NDArray[np.float64], present: npt.NDArray[np.int64]) -> Counts:
    """The sample and its redraws.

    Args:
        cells: shape (6, groups, buckets), in the order of the fields of Counts.
        present: the groups that have a customer; only those are drawn.
    """
    weights = draws(len(present))
    return Counts(*(weights @ each[present] for each in cells))


def auc(counts: Counts) -> Floats:
    """Probability that a hit scored above one that was none, ties half (Hanley and McNeil 1982)."""
    others = counts.customers - counts.hits
    below = np.cumsum(others, axis=1) - others
    wins = (counts.hits * (below + 0.5 * others)).sum(axis=1)
    return _ratio(wins, counts.hits.sum(axis=1) * others.sum(axis=1))


def top_share(counts: Counts, of: Floats) -> Floats:
    """Share of the total of `of` in the tenth of customers with the highest scores.

    A bucket that the tenth cuts through gives in proportion, as if ties were broken by lot.
    """
    size = counts.customers[:, ::-1]
    above = np.cumsum(size, axis=1) - size
    wanted = TOP * size.sum(axis=1, keepdims=True)
    taken = np.clip(wanted - above, 0, size)
    share = np.divide(taken, size, out=np.zeros_like(size), where=size > 0)
    return _ratio((share * of[:, ::-1]).sum(axis=1), of.sum(axis=1))


def lift_of_top(counts: Counts) -> Floats:
    """Rate of the top tenth / rate of all."""
    return top_share(counts, counts.hits) / TOP


def amount_of_top(counts: Counts) -> Floats:
    """Share of the later amount that the top tenth brought."""
    return top_share(counts, counts.amount)


def brier(counts: Counts) -> Floats:
    """Mean squared error of the probability said (Brier 1950); 0 is perfect."""
    squared = counts.said_squared - 2 * counts.said_of_hits + counts.hits
    return _ratio(squared.sum(axis=1), counts.customers.sum(axis=1))


def brier_of_base_rate(counts: Counts) -> Floats:
    """The Brier score of who says the rate of all for everyone, and knew it beforehand."""
    rate = _ratio(counts.hits.sum(axis=1), counts.customers.sum(axis=1))
    return rate * (1 - rate)


def calibration_error(counts: Counts) -> Floats:
    """Mean distance of the probability said from the rate, bucket by bucket (ECE)."""
    distance = np.abs(counts.said - counts.hits).sum(axis=1)
    return _ratio(distance, counts.customers.sum(axis=1))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    ratio: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return ratio
