"""How probably customers take what they do not have, by what they have: EASE with probabilities.

What EASE scores is how well an item goes with others, not how often it is taken within some months;
so the scores of each item are scaled to the takings of a window that is over, and a curve over all
items makes them probabilities (`prediction.calibration`). Attributes may stand beside the items as
further columns (O. Jeunen, J. Van Balen, B. Goethals 2020, "Closed-form models for collaborative
filtering with side-information").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.core.machine.bounds import every_kth
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.recommendation.products.ease import fit_ease

LEAST_SCORE = 1e-4
"""What nothing speaks for is scored with, so that it has a logarithm."""
PRIOR_TAKINGS = 20.0
"""Takings by which an item's scale is drawn towards that of all items."""
MOST_PAIRS = 1_000_000
"""Pairs of customers and items that scales are taken from; of more customers every k-th."""
MOST_OF_CURVE = 60_000
"""Pairs that the curve is fitted on: it has a hundred bins, so more say hardly more."""
CHUNK_ENTRIES = 4_000_000


@dataclass(frozen=True)
class Companions:
    """Weights of EASE, the logarithm of each item's scale, and the curve; items stand in columns.

    The rows of the weights are those of what is known: the items first, attributes after them.

    `is_known` is of which items some were taken in the window.
    """

    weights: npt.NDArray[np.float32]
    scale: Floats
    curve: Curve
    is_known: Bools

    def margins(self, known: sparse.csr_matrix) -> npt.NDArray[np.float32]:
        """How much speaks for each item, shape (customers, items), with seven digits."""
        found = _log_scores(known, self.weights)
        found += self.scale.astype(np.float32)
        return found

    def probabilities(self, known: sparse.csr_matrix) -> Floats:
        """Probability of taking each item within as many months as the window had."""
        found: Floats = expit(self.curve(self.margins(known).astype(np.float64)))
        return found


def fit_companions(
    known: sparse.csr_matrix,
    has: sparse.csr_matrix,
    taken: sparse.csr_matrix,
    of_curve: Bools | None = None,
) -> Companions | None:
    """What was taken within a window by what customers had before it.

    Args:
        known: what each customer had before the window and how much of it counts, by item; then
            attributes, if any.
        has: what nobody can take there, because they have it, as ones; by customer and item.
        taken: what they took within the window, as ones.
        of_curve: the items that the curve is of, shape (items,); all by default.

    Returns:
        None where no customer whom the curve rests on took any of these that they did not have.
    """
    customers, items = has.shape
    weights = fit_ease(known)[:, :items].astype(np.float32)
    of_curve = np.ones(items, dtype=np.bool_) if of_curve is None else of_curve
    sampled = slice(None, None, every_kth(customers * items, MOST_PAIRS))
    known, has, taken = known[sampled], has[sampled], taken[sampled]
    step = every_kth(known.shape[0] * int(of_curve.sum()), MOST_OF_CURVE)
    expected, happened = np.zeros(items), np.zeros(items)
    margins, outcomes = [], []
    for rows in chunks(known.shape[0], items):
        may = has[rows].toarray() == 0
        took = (taken[rows].toarray() > 0) & may
        scores = _log_scores(known[rows], weights)
        expected += np.where(may, np.exp(scores), 0.0).sum(axis=0, dtype=np.float64)
        happened += took.sum(axis=0)
        kept = slice(-rows.start % step, None, step)
        margins.append(scores[kept])
        outcomes.append(np.where(may, took, np.nan)[kept])
    outcome = np.vstack(outcomes)[:, of_curve]
    may = ~np.isnan(outcome)
    if not outcome[may].any():
        return None
    overall = happened.sum() / expected.sum()
    scale = np.log((happened + PRIOR_TAKINGS) / (expected + PRIOR_TAKINGS / overall))
    shown = np.vstack(margins)[:, of_curve] + scale[of_curve].astype(np.float32)
    curve = fit_curve(shown[may].astype(np.float64), outcome[may])
    return Companions(weights, scale, curve, happened > 0)


def chunks(rows: int, columns: int) -> Iterator[slice]:
    """Parts of so many rows that their entries fit into some 32 MB."""
    size = max(1, CHUNK_ENTRIES // max(columns, 1))
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def _log_scores(
    known: sparse.csr_matrix, weights: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = np.asarray(known.astype(np.float32) @ weights)
    np.maximum(found, np.float32(LEAST_SCORE), out=found)
    np.log(found, out=found)
    return found
