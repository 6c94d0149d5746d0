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

from portrait_assets.core.arrays import Floats, Indexes

NEAREST = 50
OWN_SHARE = 0.5
"""What a customer's own frequency counts beside the neighbours'."""
MOST_REFERENCES = 500
"""Customers among whom neighbours are sought; of more every k-th."""
NOBODY = -1
DENSE = 0.05
"""Share of the references' entries from which on distances to them are those to a dense matrix."""
CHUNK_ENTRIES = 1_000_000
"""Neighbours' frequencies that stand in memory at once, 4 bytes each."""
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

    @cached_property
    def dense(self) -> npt.NDArray[np.float32]:
        """Their frequencies with seven digits: more say nothing of who takes what."""
        found: npt.NDArray[np.float32] = self.shares.astype(np.float32).toarray()
        return found

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


def nearest_of(
    shares: sparse.csr_matrix, among: Neighbourhood, numbers: Indexes, nearest: int = NEAREST
) -> sparse.csr_matrix:
    """What the frequencies of each of the neighbourhood count for each of these customers, who is
    no neighbour of himself: equal parts of 1 for the nearest, so that it averages them.

    Args:
        shares: some customers' frequencies, by item.
        among: where neighbours are sought.
        numbers: these customers' numbers, shape (rows,).
        nearest: how many neighbours, or all where there are fewer.
    """
    rows, references = shares.shape[0], among.count
    if references == 0:
        return sparse.csr_matrix((rows, 0), dtype=np.float32)
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
    part = np.repeat(share, size).astype(np.float32)
    return sparse.csr_matrix((part, chosen[is_other], starts), shape=(rows, references))


def mixed(
    own: sparse.csr_matrix,
    nearest: sparse.csr_matrix,
    among: Neighbourhood,
    own_share: float = OWN_SHARE,
) -> Floats:
    """What customers took, and their neighbours of that on the mean, weighted: the value of each
    entry of `own`, by customer and item.

    Args:
        own: some customers' frequencies.
        nearest: as `nearest_of` gives it for them.
        among: where their neighbours are.
        own_share: the weight of what is their own.
    """
    found: Floats = own.data * own_share
    size = max(1, CHUNK_ENTRIES // max(own.shape[1], 1))
    for start in range(0, own.shape[0], size):
        end = min(start + size, own.shape[0])
        entries = slice(own.indptr[start], own.indptr[end])
        customer = np.repeat(np.arange(end - start), np.diff(own.indptr[start : end + 1]))
        # Of a few rows there is room for all, and entries of an array are found at once.
        near = np.asarray(nearest[start:end] @ among.dense)
        found[entries] += near[customer, own.indices[entries]] * (1 - own_share)
    return found
