"""What goes with what customers have: EASE.

H. Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data": each item's presence is
regressed on that of all others at once, with a ridge and without itself, which has a closed form.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg.lapack import dpotrf, dpotri

from portrait_assets.core.arrays import Floats
from portrait_assets.core.machine.threads import one_thread

STRENGTH = 0.4
"""The ridge, as a share of the customers."""
LEAST_STRENGTH = 10.0
MOST_ITEMS = 500
"""Items of which weights are found: the cost grows with their cube."""
DENSE = 0.05
"""Share of entries from which on they are multiplied as dense matrices."""
CHUNK_ROWS = 4_000


def fit_ease(owned: sparse.csr_matrix, strength: float | None = None) -> Floats:
    """Weights of shape (items, items), each column for one item from the others; 0 on the diagonal.

    Args:
        owned: what each customer has, by item: 1, or how much of it.
        strength: the ridge; by default STRENGTH for each customer.
    """
    customers, items = owned.shape
    ridge = max(STRENGTH * customers, LEAST_STRENGTH) if strength is None else strength
    # One thread, so that sums are the same each time.
    with one_thread():
        gram = _gram(owned)
        gram[np.diag_indices(items)] += ridge
        inverse = _inverse(gram)
    found: Floats = -inverse / np.diag(inverse)
    np.fill_diagonal(found, 0.0)
    return found


def _gram(owned: sparse.csr_matrix) -> Floats:
    """Products of each two items, added up over the customers."""
    customers, items = owned.shape
    if owned.nnz < DENSE * customers * items:
        return np.asarray((owned.T @ owned).toarray(), dtype=np.float64)
    gram = np.zeros((items, items))
    for start in range(0, customers, CHUNK_ROWS):
        part = owned[start : start + CHUNK_ROWS].toarray()
        gram += part.T @ part
    return gram


def _inverse(gram: Floats) -> Floats:
    """Of a symmetric matrix without a negative eigenvalue: by Cholesky, half the cost of any."""
    factor, _ = dpotrf(gram, lower=True)
    half, _ = dpotri(factor, lower=True, overwrite_c=True)
    half = np.tril(half)
    found: Floats = half + np.tril(half, -1).T
    return found
