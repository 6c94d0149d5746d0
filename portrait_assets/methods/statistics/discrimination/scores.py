"""How well a score separates hits from the rest, measured from counts by bucket of the score.

Every measure gives one number for the sample and for each of its redraws (`resampling`);
scikit-learn's measures take one sample of single customers at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.statistics.resampling import SEED, draws

TOP = 0.1
SIMULATIONS = 1_000

Groups = npt.NDArray[np.int64]
Measure = Callable[["Counts"], Floats]


@dataclass(frozen=True)
class Counts:
    """Customers and hits by bucket, the lowest score first; each of shape (draws, buckets).

    `amount`, `predicted`, `predicted_squared` and `predicted_of_hits` are sums over the bucket's
    customers: of what they spent later, and of the probability that was predicted.
    """

    customers: Floats
    hits: Floats
    amount: Floats
    predicted: Floats
    predicted_squared: Floats
    predicted_of_hits: Floats

    @property
    def rates(self) -> Floats:
        """Hits per customer, shape (draws, buckets); NaN in an empty bucket."""
        empty = np.full(self.customers.shape, np.nan)
        rates: Floats = np.divide(self.hits, self.customers, out=empty, where=self.customers > 0)
        return rates

    def merged(self, groups: Sequence[int]) -> Counts:
        """The buckets added up by group: the bucket's place among the new ones, from 0."""
        sums = np.eye(max(groups) + 1)[list(groups)]
        return Counts(*(getattr(self, field.name) @ sums for field in fields(self)))


def resampled(cells: Floats, present: Groups | None = None) -> Counts:
    """The sample and its redraws.

    Args:
        cells: shape (fields, groups, buckets), in the order of the fields of Counts; those left
            out at the end are 0.
        present: the groups that have a customer, of which only those are drawn; all when None.
    """
    drawn = np.arange(cells.shape[1]) if present is None else present
    return _counts([draws(len(drawn)) @ each[drawn] for each in cells])


def sampled(cells: Floats) -> Counts:
    """The sample itself, without redraws; `cells` as of `resampled`."""
    return _counts([each.sum(axis=0, keepdims=True) for each in cells])


def _counts(sums: list[Floats]) -> Counts:
    zeros = np.zeros_like(sums[0])
    return Counts(*sums, *[zeros] * (len(fields(Counts)) - len(sums)))


def auc(counts: Counts) -> Floats:
    """Area under the ROC curve: the probability that a hit scored above one that was none.

    Ties count half (J. Hanley, B. McNeil 1982, "The meaning and use of the area under a receiver
    operating characteristic curve").
    """
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
    """Mean squared error of the predicted probability, 0 for a perfect one.

    G. Brier (1950), "Verification of forecasts expressed in terms of probability".
    """
    squared = counts.predicted_squared - 2 * counts.predicted_of_hits + counts.hits
    return _ratio(squared.sum(axis=1), counts.customers.sum(axis=1))


def brier_of_base_rate(counts: Counts) -> Floats:
    """The Brier score of predicting the rate of all for everyone, known beforehand."""
    rate = _ratio(counts.hits.sum(axis=1), counts.customers.sum(axis=1))
    return rate * (1 - rate)


def calibration_error(counts: Counts) -> Floats:
    """Expected calibration error: mean distance of the prediction from the rate, by bucket.

    M. Naeini, G. Cooper, M. Hauskrecht (2015), "Obtaining well calibrated probabilities using
    Bayesian binning".
    """
    distance = np.abs(counts.predicted - counts.hits).sum(axis=1)
    return _ratio(distance, counts.customers.sum(axis=1))


def calibration_error_by_chance(counts: Counts) -> Floats:
    """Calibration errors of SIMULATIONS samples in which the predictions are right, rising.

    Hits are drawn with the predicted probability of their bucket: an error of few customers is
    not 0 although they are calibrated (J. Brocker, L. Smith 2007, "Increasing the reliability of
    reliability diagrams").
    """
    customers, predicted = counts.customers[0], counts.predicted[0]
    present = customers > 0
    customers, predicted = customers[present], predicted[present]
    rng = np.random.default_rng(SEED)
    probability = np.clip(predicted / customers, 0, 1)
    hits = rng.binomial(customers.astype(np.int64), probability, (SIMULATIONS, len(customers)))
    errors: Floats = np.sort(np.abs(predicted - hits).sum(axis=1) / max(customers.sum(), 1))
    return errors


def _ratio(top: Floats, bottom: Floats) -> Floats:
    ratio: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return ratio
