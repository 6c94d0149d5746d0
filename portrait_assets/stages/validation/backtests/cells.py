"""What was counted of one test, outcome and side, as arrays by group of customers and bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.buckets import UNKNOWN, Encoded
from portrait_assets.stages.validation.backtests.claims import Buckets, Claim

SUMS = ("customers", "hits", "amount", "predicted", "predicted_squared", "predicted_of_hits")
TAG, SCORE = "tag", "score"
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


Sides = dict[str, Cells]
"""The cells of a test by side: TAG, its calibrated SCORE if it has one, or a baseline's name."""


@dataclass(frozen=True)
class Known:
    """Of whom it is known whether an outcome happened: their places, whether, and the amount."""

    places: npt.NDArray[np.int64]
    hit: npt.NDArray[np.bool_]
    amount: Floats


def known_of(rows: pl.DataFrame, hit: str = "hit", amount: str = "amount") -> Known:
    """The rows with a `place` where the column `hit` is known."""
    known = rows.drop_nulls(hit)
    return Known(*(known[name].to_numpy() for name in ("place", hit, amount)))


@dataclass(frozen=True)
class Customers:
    """Those of a base month: group, and the buckets by tag and kind, baseline and target."""

    groups: npt.NDArray[np.int64]
    tags: Mapping[tuple[str, Buckets], Encoded]
    baselines: Mapping[str, Encoded]
    probabilities: Mapping[str, Floats]
    scores: Mapping[str, Encoded] = field(default_factory=dict)

    def sides(self, claim: Claim, known: Known, horizon: int) -> Sides:
        """The cells of tag and baselines, of the customers with a value; none where nobody has."""
        own = self.tags[claim.tag, claim.counted_by]
        has_value = own.codes[known.places] != UNKNOWN
        if not has_value.any():
            return {}
        if not has_value.all():
            known = Known(known.places[has_value], known.hit[has_value], known.amount[has_value])
        counted = {TAG: own}
        if claim.is_scored and claim.outcome.code in self.scores:
            counted[SCORE] = self.scores[claim.outcome.code]
        counted |= {rule.name: self.baselines[rule.column] for rule in claim.baselines}
        sums = list(self._sums(claim, known, horizon))
        groups = self.groups[known.places]
        return {side: _cells(bucket, known, groups, sums) for side, bucket in counted.items()}

    def _sums(self, claim: Claim, known: Known, horizon: int) -> Iterator[tuple[str, Floats]]:
        """What is added up beside customers and hits."""
        if claim.outcome.amount is not None:
            yield "amount", known.amount
        if claim.is_probability:
            # Months are taken as alike: once in h months is 1 less the probability of never.
            predicted = 1 - (1 - self.probabilities[claim.tag][known.places]) ** horizon
            yield "predicted", predicted
            yield "predicted_squared", predicted * predicted
            yield "predicted_of_hits", predicted * known.hit


def _cells(
    bucket: Encoded,
    known: Known,
    groups: npt.NDArray[np.int64],
    sums: Sequence[tuple[str, Floats]],
) -> Cells:
    size = len(bucket.labels)
    place = groups * size + bucket.codes[known.places]
    found = np.zeros((len(SUMS), GROUPS, size))
    of_both = np.bincount(place * 2 + known.hit, minlength=2 * GROUPS * size)
    missed, hits = of_both.reshape(GROUPS, size, 2).transpose(2, 0, 1)
    found[:2] = missed + hits, hits
    for name, values in sums:
        added = np.bincount(place, values, minlength=GROUPS * size)
        found[SUMS.index(name)] = added.reshape(GROUPS, size)
    present = np.flatnonzero(found[0].any(axis=0))
    return Cells(tuple(bucket.labels[at] for at in present), found[:, :, present])
