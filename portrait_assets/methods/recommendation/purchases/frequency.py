"""How often customers take what they took before, the newest visits counting most.

The personal frequency of H. Hu, X. He, J. Gao, Z. Zhang (2020), "Modeling Personalized Item
Frequency Information for Next-basket Recommendation", with visits that lose half of their weight in
every `half_life` months in place of groups of baskets: monthly sums are enough for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from portrait_assets.core.arrays import Floats, Indexes

HALF_LIFE = 6.0
"""Months: best on the last basket but one of each household of The Complete Journey."""


@dataclass(frozen=True)
class Frequencies:
    """By customer and item the share of visits in which the item was taken, newer ones weighing
    more, and by customer how many visits that rests on, weighted in the same way.
    """

    shares: sparse.csr_matrix
    visits: Floats


def weights(age: npt.NDArray[np.generic], half_life: float = HALF_LIFE) -> Floats:
    """What a visit of this age in months counts; 1 for one of the month itself."""
    found: Floats = 0.5 ** (np.asarray(age, dtype=np.float64) / half_life)
    return found


def frequencies(taken: tuple[Indexes, Indexes, Floats], visits: Floats, items: int) -> Frequencies:
    """The frequencies of all customers.

    Args:
        taken: customer, item and weighted visits with it, each of shape (entries,); of entries of
            one customer and item the visits add up.
        visits: weighted visits of each customer, shape (customers,): no fewer than with any item.
        items: how many items there are.
    """
    customer, item, weight = taken
    counts = sparse.csr_matrix((weight, (customer, item)), shape=(len(visits), items))
    counts.sum_duplicates()
    per_visit = np.divide(1.0, visits, out=np.zeros(len(visits)), where=visits > 0)
    return Frequencies(sparse.csr_matrix(sparse.diags(per_visit) @ counts), visits)
