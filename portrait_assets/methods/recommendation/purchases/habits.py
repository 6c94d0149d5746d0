"""What customers buy again of what few buy: by their own frequency alone.

Of such an item neighbours and companions say nothing, and who never bought it is not offered it; so
that it costs no more than its purchases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse
from scipy.special import expit

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.core.machine.bounds import every_kth
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.recommendation.purchases.bought import (
    MOST_LEARNED,
    REPURCHASE,
    SCHEMA,
    curve_again,
)
from portrait_assets.methods.recommendation.purchases.frequency import Frequencies
from portrait_assets.methods.recommendation.ranking import best_of


@dataclass(frozen=True)
class Habits:
    """How frequencies become probabilities, and the frequencies as known today."""

    curve: Curve | None
    now: Frequencies

    def affinities(self, rows: Indexes, most: int) -> pl.DataFrame:
        """What some customers most probably buy again, with the columns of `bought.SCHEMA`.

        Args:
            rows: these customers' numbers.
            most: how many items of a customer at most.
        """
        if self.curve is None:
            return pl.DataFrame(schema=SCHEMA)
        customer, item, margin = _margins(self.now, rows)
        scored = pl.DataFrame({"customer": rows[customer], "item": item, "score": margin})
        ranked = best_of(scored.cast({"customer": pl.Int64, "item": pl.Int64}), most)
        return ranked.select(
            "customer",
            "item",
            pl.int_range(1, pl.len() + 1).over("customer").cast(pl.UInt32).alias("rank"),
            pl.Series("probability", expit(self.curve(ranked["score"].to_numpy())), pl.Float64),
            pl.lit(REPURCHASE).alias("basis"),
        )


def fit_habits(then: Frequencies, bought: sparse.csr_matrix) -> Curve | None:
    """How probably something is bought again within as many months as the window had.

    Args:
        then: as known before a window that is over.
        bought: what was bought within it, as ones; by customer and item.

    Returns:
        The curve by the logarithm of the visits with the item; None where nobody had bought any.
    """
    step = every_kth(then.shares.nnz, MOST_LEARNED)
    sampled = np.arange(0, then.shares.shape[0], step)
    customer, item, margin = _margins(then, sampled)
    # Entries by a number of their own: the matrix of all items is too wide to be filled.
    found = sparse.coo_matrix(bought[sampled])
    items = bought.shape[1]
    came = np.isin(_entry(customer, item, items), _entry(found.row, found.col, items))
    return curve_again(margin, came.astype(np.float64))


def _entry(customer: Indexes, item: Indexes, items: int) -> Indexes:
    return customer.astype(np.int64) * items + item


def _margins(of: Frequencies, rows: Indexes) -> tuple[Indexes, Indexes, Floats]:
    """Place in `rows`, item, and the logarithm of how many visits with it to expect."""
    shares = sparse.csr_matrix(of.shares[rows])
    customer, item = shares.nonzero()
    return customer, item, np.log(shares.data * of.visits[rows][customer])
