"""What the customers nearest to each take: the other half of TIFU-KNN.

H. Hu, X. He, J. Gao, Z. Zhang (2020), "Modeling Personalized Item Frequency Information for
Next-basket Recommendation": a customer's frequencies are mixed with the mean frequencies of those
customers whose own are nearest by Euclidean distance. Here neighbours are sought among some
customers only, so that the cost grows with the customers and not with their square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int64]

NEAREST = 100
OWN_SHARE = 0.5
"""What a customer's own frequency counts beside the neighbours'."""
MOST_REFERENCES = 1_000
"""Customers among whom neighbours are sought; of more every k-th."""
NOBODY = -1
_TIE = 1e-12
"""Of equally near customers the one with the smaller number is nearer by so much."""


@dataclass(frozen=True)
class Neighbourhood:
    """Customers among whom neighbours are sought.

    `place` is by customer the row of `shares` that is their own, or NOBODY.
    """

    shares: sparse.csr_matrix
    place: Indexes


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
    rows, references = shares.shape[0], among.shares.shape[0]
    if references == 0:
        return sparse.csr_matrix(shares.shape)
    squares = np.asarray(among.shares.multiply(among.shares).sum(axis=1)).ravel()
    # The square of the distance, less what is the same for all neighbours of one customer.
    near = np.asarray((shares @ among.shares.T).toarray()) * 2 - squares
    near -= _TIE * np.arange(references)
    own = among.place[numbers]
    near[np.flatnonzero(own != NOBODY), own[own != NOBODY]] = -np.inf
    count = min(nearest, references)
    chosen = np.argpartition(near, references - count, axis=1)[:, references - count :]
    is_other = np.isfinite(np.take_along_axis(near, chosen, axis=1))
    size = is_other.sum(axis=1)
    share = np.divide(1.0, size, out=np.zeros(rows), where=size > 0)
    entries = np.repeat(share, count)[is_other.ravel()]
    at = (np.repeat(np.arange(rows), count)[is_other.ravel()], chosen[is_other])
    # In the order of their numbers, so that sums are the same each time.
    mean = sparse.csr_matrix((entries, at), shape=(rows, references))
    mean.sort_indices()
    return sparse.csr_matrix(mean @ among.shares)


def mixed(
    own: sparse.csr_matrix, near: sparse.csr_matrix, own_share: float = OWN_SHARE
) -> sparse.csr_matrix:
    """The customers' frequencies and their neighbours', weighted; both by customer and item."""
    return sparse.csr_matrix(own * own_share + near * (1 - own_share))
