"""What customers buy next: again what they bought, or what they never did.

What was bought before is ranked by a decayed personal frequency mixed with the neighbours'
(`frequency`, `neighbours`), what was not by what goes with what was (`companions`), and for whoever
bought nothing by the rates of their segment, shrunk. A window that is over makes all of them
probabilities, by which they stand in one order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse
from scipy.special import expit, logit

from portrait_assets.core.bounds import every_kth
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.recommendation.companions import (
    Companions,
    chunks,
    fit_companions,
)
from portrait_assets.methods.recommendation.ease import MOST_ITEMS
from portrait_assets.methods.recommendation.frequency import Frequencies
from portrait_assets.methods.recommendation.neighbours import (
    Neighbourhood,
    mixed,
    neighbourhood,
    of_nearest,
)
from portrait_assets.methods.recommendation.ranking import best
from portrait_assets.methods.recommendation.shrinkage import shrunk_rates

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]

REPURCHASE, COMPANIONS, SEGMENT = "repurchase", "companions", "segment"
BASES = (REPURCHASE, COMPANIONS, SEGMENT)
LEAST_RATE = 1e-6
MOST_LEARNED = 400_000
"""Customers and items bought before that are learned from; of more customers every k-th."""
LEAST_SILENT = 20
"""Customers without a purchase before the window below which rates are those of all."""
SCHEMA = {
    "customer": pl.Int64,
    "item": pl.Int64,
    "rank": pl.UInt32,
    "probability": pl.Float64,
    "basis": pl.String,
}
"""The columns of affinities."""


@dataclass(frozen=True)
class Bought:
    """What makes frequencies probabilities; `common` are the items that companions are of."""

    again: Curve | None
    companions: Companions | None
    common: Indexes
    rates: Floats
    """By segment and item."""


def fit_bought(
    then: Frequencies, bought: sparse.csr_matrix, segment: Indexes, last: int | None = None
) -> Bought:
    """What makes frequencies probabilities of buying within as many months as the window had.

    Args:
        then: as known before a window that is over.
        bought: what was bought within it, as ones; by customer and item.
        segment: each customer's segment, from 0.
        last: the highest number of a segment; by default that of these customers.
    """
    customers = then.shares.shape[0]
    holders = np.diff(sparse.csc_matrix(then.shares).indptr)
    common = np.sort(np.argsort(-holders, kind="stable")[:MOST_ITEMS])
    came = np.flatnonzero(then.visits > 0)
    companions = fit_companions(
        _known(then, came)[:, common], then.shares[came][:, common] > 0, bought[came][:, common]
    )
    # Whoever bought nothing before is judged by others of whom that was so.
    silent = np.flatnonzero(then.visits <= 0)
    of_rates = silent if len(silent) >= LEAST_SILENT else np.arange(customers)
    members = sparse.csr_matrix(
        (np.ones(len(of_rates)), (segment[of_rates], of_rates)),
        shape=(_last(segment, last) + 1, customers),
    )
    sizes = np.asarray(members.sum(axis=1))
    hits = np.asarray((members @ bought).toarray())
    rates = np.clip(shrunk_rates(hits, sizes), LEAST_RATE, 1 - LEAST_RATE)
    return Bought(_curve_again(then, bought), companions, common, rates)


def _last(segment: Indexes, last: int | None) -> int:
    return int(segment.max(initial=0)) if last is None else int(last)


def _curve_again(then: Frequencies, bought: sparse.csr_matrix) -> Curve | None:
    among = neighbourhood(then.shares)
    sampled = np.arange(0, then.shares.shape[0], every_kth(then.shares.nnz, MOST_LEARNED))
    margins: list[Floats] = [np.zeros(0)]
    outcomes: list[Floats] = [np.zeros(0)]
    for rows in chunks(len(sampled), max(then.shares.shape[1], among.count)):
        own = sampled[rows]
        customer, item, margin = _again(then, own, among)
        margins.append(margin)
        came = bought[own].toarray()[customer, item] > 0
        outcomes.append(came.astype(np.float64))
    return curve_again(np.concatenate(margins), np.concatenate(outcomes))


def curve_again(margin: Floats, outcome: Floats) -> Curve | None:
    """How probably something is bought again, by margin; None where nothing was bought before."""
    if not len(outcome):
        return None
    if not 0 < outcome.sum() < len(outcome):
        # All was bought again, or nothing: half a row more of either says how sure that is.
        rate = (outcome.sum() + 0.5) / (len(outcome) + 1)
        return Curve(np.array([margin.mean()]), np.array([logit(rate)]))
    return fit_curve(margin, outcome)


def _again(of: Frequencies, rows: Indexes, among: Neighbourhood) -> tuple[Indexes, Indexes, Floats]:
    """Place in `rows`, item and margin of all that these customers bought before: the logarithm
    of how many visits with it to expect.
    """
    shares = sparse.csr_matrix(of.shares[rows])
    near = of_nearest(shares, among, rows)
    customer, item = shares.nonzero()
    return customer, item, np.log(mixed(shares, near) * of.visits[rows][customer])


def _known(of: Frequencies, rows: Indexes) -> sparse.csr_matrix:
    """Visits with each item, on a scale on which many are hardly more than some."""
    found = sparse.csr_matrix(sparse.diags(of.visits[rows]) @ of.shares[rows])
    found.data = np.log1p(found.data)
    return found


@dataclass(frozen=True)
class Buyers:
    """Customers as known today, and what says what they buy.

    `now` is by the same items as the model, `segment` numbers each customer's segment from 0.
    """

    model: Bought
    now: Frequencies
    segment: Indexes

    def affinities(self, rows: Indexes, most: int) -> pl.DataFrame:
        """The items that some customers most probably buy, with the columns of SCHEMA.

        Args:
            rows: these customers' numbers.
            most: how many items of a customer at most.
        """
        columns = max(self.now.shares.shape[1], self._among.count)
        parts = [self._of(rows[part], most) for part in chunks(len(rows), columns)]
        return pl.concat([pl.DataFrame(schema=SCHEMA), *parts])

    @cached_property
    def _among(self) -> Neighbourhood:
        return neighbourhood(self.now.shares)

    def _of(self, rows: Indexes, most: int) -> pl.DataFrame:
        model, now = self.model, self.now
        log_odds = np.asarray(logit(model.rates[self.segment[rows]]))
        basis = np.full(log_odds.shape, BASES.index(SEGMENT), dtype=np.int8)
        bought = np.diff(now.shares.indptr)[rows] > 0
        companions = model.companions
        if companions is not None:
            known = _known(now, rows)[:, model.common]
            found = np.asarray(companions.curve(companions.margins(known)))
            at = np.ix_(np.flatnonzero(bought), model.common[companions.is_known])
            log_odds[at] = found[np.ix_(bought, companions.is_known)]
            basis[at] = BASES.index(COMPANIONS)
        if model.again is not None:
            customer, item, margin = _again(now, rows, self._among)
            log_odds[customer, item] = model.again(margin)
            basis[customer, item] = BASES.index(REPURCHASE)
        ranked = best(log_odds, most)
        at_pairs = ranked["customer"].to_numpy(), ranked["item"].to_numpy()
        return ranked.select(
            pl.Series("customer", rows[at_pairs[0]], pl.Int64),
            pl.col("item").cast(pl.Int64),
            pl.int_range(1, pl.len() + 1).over("customer").cast(pl.UInt32).alias("rank"),
            pl.Series("probability", expit(ranked["score"].to_numpy()), pl.Float64),
            pl.Series("basis", np.array(BASES)[basis[at_pairs]], pl.String),
        )


def affinities(model: Bought, now: Frequencies, segment: Indexes, most: int) -> pl.DataFrame:
    """The items that each customer most probably buys.

    Args:
        model: as fitted on a window that is over.
        now: frequencies as known today, by the same items.
        segment: each customer's segment.
        most: how many items of a customer at most.

    Returns:
        `customer`, `item`, `rank` from 1, `probability` and `basis`, in the order of the first
        three.
    """
    every = np.arange(now.shares.shape[0])
    return Buyers(model, now, segment).affinities(every, most)
