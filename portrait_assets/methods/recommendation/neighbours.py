"""What the customers nearest to each take: the other half of TIFU-KNN.

H. Hu, X. He, J. Gao, Z. Zhang (2020), "Modeling Personalized Item Frequency Information for
Next-basket Recommendation": a customer's frequencies are mixed with the mean frequencies of those
customers whose own are nearest by Euclidean distance. Here neighbours are sought among some
customers only, so that the cost grows with the customers and not with their square.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]

NEAREST = 50
OWN_SHARE = 0.5
"""What a customer's own frequency counts beside the neighbours'."""
MOST_REFERENCES = 500
"""Customers among whom neighbours are sought; of more every k-th."""
NOBODY = -1
DENSE = 0.05
"""Share of the references' entries from which on they are multiplied as a dense matrix."""
_TIE = 1e-12
"""Of equally near customers the one with the smaller number is nearer by so much."""


@dataclass(frozen=True)
class Neighbourhood:
    """Customers among whom neighbours are sought.

    `place` is by customer the row of `shares` that is their own, or NOBODY.
    """

    shares: sparse.csr_matrix
    place: Indexes

    @property
    def count(self) -> int:
        """Number of customers among whom neighbours are sought."""
        return int(self.shares.shape[0])

    def closeness(self, shares: sparse.csr_matrix) -> Floats:
        """What grows as the distance falls, by these customers and those of the neighbourhood:
        the square of the distance, less what is the same for all neighbours of one customer.
        """
        near: Floats = np.asarray(
            shares @ self._by_item if self._is_dense else (shares @ self._by_item).toarray()
        )
        near *= 2
        near -= self._squares
        return near

    @property
    def _is_dense(self) -> bool:
        entries = self.shares.shape[0] * self.shares.shape[1]
        return bool(self.shares.nnz >= DENSE * entries)

    @cached_property
    def _by_item(self) -> Floats | sparse.csr_matrix:
        turned = sparse.csr_matrix(self.shares.T)
        return np.ascontiguousarray(turned.toarray()) if self._is_dense else turned

    @cached_property
    def _squares(self) -> Floats:
        """The squares of their lengths, of equal ones the smaller number's the smaller."""
        squares = np.asarray(self.shares.multiply(self.shares).sum(axis=1)).ravel()
        found: Floats = squares + _TIE * np.arange(self.count)
        return found


def neighbourhood(shares: sparse.csr_matrix, most: int = MOST_REFERENCES) -> Neighbourhood:
    """Every k-th customer who took anything, as many as wanted at most."""
    has_any = np.flatnonzero(np.diff(shares.indptr))
    count = min(most, len(has_any))
    chosen = has_any[np.arange(count) * len(has_any) // max(count, 1)]
    place = np.full(shares.shape[0], NOBODY, dtype=np.int64)
    place[chosen] = np.arange(count)
    return Neighbourhood(sparse.csr_matrix(shares[chosen]), place)


def of_nearest(
    shares: sparse.csr_matrix, among: Neighbourhood, numbers: Indexes, nearest: int = NEAREST
) -> sparse.csr_matrix:
    """The mean frequencies of the customers nearest to each of these, who is no neighbour of
    himself.

    Args:
        shares: some customers' frequencies, by item.
        among: where neighbours are sought.
        numbers: these customers' numbers, shape (rows,).
        nearest: how many neighbours, or all where there are fewer.
    """
    rows, references = shares.shape[0], among.count
    if references == 0:
        return sparse.csr_matrix(shares.shape)
    near = among.closeness(shares)
    own = among.place[numbers]
    near[np.flatnonzero(own != NOBODY), own[own != NOBODY]] = -np.inf
    count = min(nearest, references)
    chosen = np.argpartition(near, references - count, axis=1)[:, references - count :]
    # In the order of their numbers, so that sums are the same each time.
    chosen.sort(axis=1)
    is_other = np.isfinite(np.take_along_axis(near, chosen, axis=1))
    size = is_other.sum(axis=1)
    share = np.divide(1.0, size, out=np.zeros(rows), where=size > 0)
    starts = np.concatenate([[0], np.cumsum(size)])
    mean = sparse.csr_matrix(
        (np.repeat(share, size), chosen[is_other], starts), shape=(rows, references)
    )
    return sparse.csr_matrix(mean @ among.shares)


def mixed(own: sparse.csr_matrix, near: sparse.csr_matrix, own_share: float = OWN_SHARE) -> Floats:
    """What customers took, and their neighbours of that, weighted: the value of each entry of
    `own`; both by customer and item.
    """
    customer, item = own.nonzero()
    # Entries of an array are found at once, and of a few rows there is room for all.
    found: Floats = own.data * own_share + near.toarray()[customer, item] * (1 - own_share)
    return found
