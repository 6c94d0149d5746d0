"""What was counted of one test, outcome and side, as arrays by group of customers and bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.methods.statistics.resampling import GROUPS, Floats
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.counting import SUMS

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


def cells_of(counted: pl.DataFrame) -> Iterator[tuple[Key, str, Cells]]:
    """The cells of each window, test, outcome and side of rows with the columns of COUNTED."""
    side = ["base_month", "horizon", "test", "outcome", "side"]
    rows = counted.sort(*side, "bucket")
    first = pl.struct(side).rle_id()
    places = rows.select(first.alias("side"), pl.struct(*side, "bucket").rle_id().alias("bucket"))
    sides, buckets = (places[name].to_numpy() for name in ("side", "bucket"))
    groups, sums = rows["grp"].to_numpy(), rows.select(SUMS).to_numpy().T
    names = rows["bucket"].to_list()
    starts = np.flatnonzero(np.diff(sides, prepend=-1))
    of_side = rows[starts].select(side).rows()
    ends = [*starts[1:], len(rows)][: len(starts)]  # Of no rows there is no side.
    for start, end, named in zip(starts, ends, of_side, strict=True):
        at = buckets[start:end] - buckets[start]
        present = np.flatnonzero(np.diff(at, prepend=-1)) + start
        found = np.zeros((len(SUMS), GROUPS, len(present)))
        found[:, groups[start:end], at] = sums[:, start:end]
        base_month, horizon, test, outcome, name = named
        cells = Cells(tuple(names[row] for row in present), found)
        yield (Window(base_month, horizon), test, outcome), name, cells
