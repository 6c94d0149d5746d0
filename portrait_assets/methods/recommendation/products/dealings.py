"""Which product of a category is taken by customers who had transactions with one before they had
it: as a rule that one.

Of each category a share is learned of those who take one that they dealt with; the others take any
of the category, as everybody does. That is a mixture of two distributions, whose share is found by
expectation maximization (A. Dempster, N. Laird, D. Rubin 1977, "Maximum likelihood from incomplete
data via the EM algorithm").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.core.arrays import Floats

LEAST_CUSTOMERS = 20
"""Customers who dealt with a product, for that to be a feature."""
LEAST_DEALT = 20
"""Takings by customers who had dealt with a product of the category, to learn the share from."""
STEPS = 50
"""Iterations, after which the share changes in the sixth digit at most."""
PRIOR = 1.0
"""Takings of each sort that are added, so that no share is 0 or 1."""


class Dealt(NamedTuple):
    """Of a window that is over, by customer and product: days with transactions before it, what was
    had before it (as ones), and what was taken in it.
    """

    days: sparse.csr_matrix
    owned: sparse.csr_matrix
    taken: sparse.csr_matrix


@dataclass(frozen=True)
class Dealings:
    """The places of the products of each category, and how many of those who dealt with one of them
    take such a one.
    """

    among: tuple[tuple[int, ...], ...] = ()
    share: tuple[float, ...] = ()

    def pooled(self, probabilities: Floats, days: sparse.csr_matrix) -> Floats:
        """The probabilities, by customer and product, with that share of a category given to what
        each customer dealt with; their sum over the category stays, where none would pass 1. NaN
        stays too.
        """
        found = probabilities.copy()
        for places, share in zip(self.among, self.share, strict=True):
            base = probabilities[:, places]
            # What nobody takes is taken by nobody who dealt with it either.
            own = _shares(np.where(base > 0, days[:, places].toarray(), 0.0))
            total = np.nansum(base, axis=1, keepdims=True)
            mixed = np.minimum((1 - share) * base + share * total * own, 1.0)
            found[:, places] = np.where(own.sum(axis=1, keepdims=True) > 0, mixed, base)
        return found


def dealt_with(days: sparse.csr_matrix) -> tuple[int, ...]:
    """The places of the products that enough customers dealt with."""
    customers = np.asarray((days > 0).sum(axis=0)).ravel()
    return tuple(np.flatnonzero(customers >= LEAST_CUSTOMERS).tolist())


def with_days(
    features: pl.DataFrame, days: sparse.csr_matrix, products: Sequence[int]
) -> pl.DataFrame:
    """The features, and a column of the days with each of these products."""
    columns = days[:, products].toarray().astype(np.float32).T
    return features.with_columns(
        pl.Series(f"days with product {product}", column)
        for product, column in zip(products, columns, strict=True)
    )


def fit_dealings(windows: Iterable[Dealt], category: Sequence[str | None]) -> Dealings:
    """What is taken after transactions with it, of each category with two products and enough such
    takings.

    Args:
        windows: windows that are over, all with the same products.
        category: of each product; None is a category of its own.
    """
    windows = list(windows)
    among: list[tuple[int, ...]] = []
    shares: list[float] = []
    for name in sorted({each for each in category if each is not None}):
        places = [at for at, each in enumerate(category) if each == name]
        if len(places) < 2 or not windows:
            continue
        own, usual = _likelihoods([_of(window, places) for window in windows])
        if len(own) >= LEAST_DEALT:
            among.append(tuple(places))
            shares.append(_share(own, usual))
    return Dealings(tuple(among), tuple(shares))


def _of(window: Dealt, places: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    """Days, what may be taken (as ones) and takings of those who took a product of these."""
    may = window.owned[:, places].toarray() == 0
    taken = (window.taken[:, places].toarray() > 0) & may
    who = taken.any(axis=1)
    return window.days[:, places].toarray()[who] * may[who], may[who] * 1.0, taken[who] * 1.0


def _likelihoods(parts: Sequence[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats]:
    """Of each taking by who dealt with any: the probability by what they dealt with, and by how
    often each product is taken by all.
    """
    days, may, taken = (np.vstack(each) for each in zip(*parts, strict=True))
    usual = _shares(may * taken.sum(axis=0))
    own = _shares(days)
    dealt = (taken > 0) & (own.sum(axis=1, keepdims=True) > 0)
    return own[dealt], usual[dealt]


def _share(own: Floats, usual: Floats) -> float:
    share = 0.5
    for _ in range(STEPS):
        both = share * own + (1 - share) * usual
        share = float(((share * own / both).sum() + PRIOR) / (len(own) + 2 * PRIOR))
    return share


def _shares(values: Floats) -> Floats:
    """Each row as shares of its sum; zeros where that is 0."""
    total = values.sum(axis=1, keepdims=True)
    found: Floats = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return found
