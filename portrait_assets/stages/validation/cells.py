"""What was counted of one test, outcome and side, as arrays by group of customers and bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from portrait_assets.methods.statistics.resampling import Floats
from portrait_assets.stages.targets.windows import Window

SUMS = ("customers", "hits", "amount", "predicted", "predicted_squared", "predicted_of_hits")
Key = tuple[Window, str, str]
"""Window, test and outcome."""


@dataclass(frozen=True)
class Cells:
    """Sums of customers: `sums` is of shape (SUMS, GROUPS, buckets)."""

    buckets: tuple[str, ...]
    sums: Floats

    def ordered(self, buckets: Sequence[str]) -> Floats:
        """The sums of these buckets, in their order; a bucket without a customer has zeros."""
        place = {bucket: at for at, bucket in enumerate(self.buckets)}
        found = np.zeros((*self.sums.shape[:2], len(buckets)))
        for at, bucket in enumerate(buckets):
            if bucket in place:
                found[:, :, at] = self.sums[:, :, place[bucket]]
        return found

    def of_groups(self, groups: slice) -> Cells:
        """Those of some groups, of the buckets that they have."""
        sums = np.zeros_like(self.sums)
        sums[:, groups] = self.sums[:, groups]
        present = np.flatnonzero(sums[0].any(axis=0))
        return Cells(tuple(self.buckets[at] for at in present), sums[:, :, present])

    @property
    def customers(self) -> Floats:
        """Customers by bucket."""
        return np.asarray(self.sums[0].sum(axis=0))

    @property
    def hits(self) -> Floats:
        """Hits by bucket."""
        return np.asarray(self.sums[1].sum(axis=0))

    @property
    def rates(self) -> dict[str, float]:
        """Hits / customers by bucket."""
        return dict(zip(self.buckets, (self.hits / self.customers).tolist(), strict=True))
