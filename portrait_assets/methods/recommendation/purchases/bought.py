"""What customers buy next: again what they bought, or what they never did.

What was bought before is ranked by a decayed personal frequency mixed with the neighbours'
(`frequency`, `neighbours`), what was not by what goes with what was (`companions`), and for whoever
bought nothing by the rates of their segment, shrunk. A window that is over makes all of them
probabilities, by which they stand in one order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse
from scipy.special import expit, logit

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.core.machine.bounds import every_kth
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.recommendation.products.companions import (
    Companions,
    chunks,
    fit_companions,
)
from portrait_assets.methods.recommendation.products.ease import MOST_ITEMS
from portrait_assets.methods.recommendation.purchases.frequency import Frequencies
from portrait_assets.methods.recommendation.purchases.neighbours import (
    Neighbourhood,
    mixed,
    nearest_of,
    neighbourhood,
)
from portrait_assets.methods.recommendation.ranking import best_of, candidates
from portrait_assets.methods.recommendation.shrinkage import shrunk_rates

REPURCHASE, COMPANIONS, SEGMENT = "repurchase", "companions", "segment"
BASES = (REPURCHASE, COMPANIONS, SEGMENT)
LEAST_RATE = 1e-6
MOST_LEARNED = 50_000
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
    customer, item = shares.nonzero()
    expected = mixed(shares, nearest_of(shares, among, rows), among)
    return customer, item, np.log(expected * of.visits[rows][customer])


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
        columns = max(len(self.model.common), self._among.count)
        parts = [self._of(rows[part], most) for part in chunks(len(rows), columns)]
        return pl.concat([pl.DataFrame(schema=SCHEMA), *parts])

    @cached_property
    def _among(self) -> Neighbourhood:
        return neighbourhood(self.now.shares)

    def _of(self, rows: Indexes, most: int) -> pl.DataFrame:
        """The best of what each basis ranks by itself; customers by their place among the rows."""
        own = sparse.csr_matrix(self.now.shares[rows])
        # What is judged by itself once it was bought is judged by nothing else.
        had = own if self.model.again is not None else sparse.csr_matrix(own.shape)
        parts = [
            self._bought_again(rows),
            self._going_with(rows, had, most),
            *self._of_segments(rows, had, most),
        ]
        ranked = best_of(pl.concat(parts), most)
        return ranked.select(
            pl.Series("customer", rows, pl.Int64).gather(ranked["customer"]),
            pl.col("item").cast(pl.Int64),
            pl.int_range(1, pl.len() + 1).over("customer").cast(pl.UInt32).alias("rank"),
            pl.Series("probability", expit(ranked["score"].to_numpy()), pl.Float64),
            "basis",
        )

    def _bought_again(self, rows: Indexes) -> pl.DataFrame:
        """All that was bought before."""
        if self.model.again is None:
            return _scored([], [], [], REPURCHASE)
        customer, item, margin = _again(self.now, rows, self._among)
        return _scored(customer, item, self.model.again(margin), REPURCHASE)

    def _going_with(self, rows: Indexes, had: sparse.csr_matrix, most: int) -> pl.DataFrame:
        """What goes best with what was bought."""
        companions, common = self.model.companions, self.model.common
        if companions is None:
            return _scored([], [], [], COMPANIONS)
        came = np.flatnonzero(np.diff(self.now.shares.indptr)[rows] > 0)
        margins = companions.margins(_known(self.now, rows[came])[:, common])
        margins[:, ~companions.is_known] = -np.inf
        margins[had[came][:, common].nonzero()] = -np.inf
        # Log odds rise with the margin, and a curve costs more than what it is of.
        customer, item = candidates(margins, most)
        log_odds = companions.curve(margins[customer, item].astype(np.float64))
        return _scored(came[customer], common[item], log_odds, COMPANIONS)

    def _of_segments(
        self, rows: Indexes, had: sparse.csr_matrix, most: int
    ) -> Iterator[pl.DataFrame]:
        """What customers of the segment bought most, of all else; by segment and whether anything
        was bought before.
        """
        rates, companions = self.model.rates, self.model.companions
        others = np.arange(rates.shape[1])
        if companions is not None:
            others = np.setdiff1d(others, self.model.common[companions.is_known])
        came = np.diff(self.now.shares.indptr)[rows] > 0
        segment = self.segment[rows]
        for number, has_come in sorted({*zip(segment.tolist(), came.tolist(), strict=True)}):
            customers = np.flatnonzero((segment == number) & (came == has_come))
            items = others if has_come else np.arange(rates.shape[1])
            items = items[np.argsort(-rates[number, items], kind="stable")]
            place, at = _first_without(had[customers], items, most)
            log_odds = logit(rates[number, items[at]])
            yield _scored(customers[place], items[at], log_odds, SEGMENT)


def _first_without(had: sparse.csr_matrix, items: Indexes, most: int) -> tuple[Indexes, Indexes]:
    """Customer, and place among the items, of the first so many that each customer did not have."""
    looked_at = most
    while True:
        is_free = had[:, items[:looked_at]].toarray() == 0
        if looked_at >= len(items) or is_free.sum(axis=1).min(initial=most) >= most:
            break
        looked_at *= 2
    customer, at = np.nonzero(is_free & (is_free.cumsum(axis=1) <= most))
    return customer, at


def _scored(
    customer: npt.ArrayLike, item: npt.ArrayLike, log_odds: npt.ArrayLike, basis: str
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer": np.asarray(customer, dtype=np.int64),
            "item": np.asarray(item, dtype=np.int64),
            "score": np.asarray(log_odds, dtype=np.float64),
        }
    ).with_columns(pl.lit(basis).alias("basis"))


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
