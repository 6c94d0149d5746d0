"""In which order the values of a tag are a score, and which baseline it is compared with.

Neither is taken from the customers that are judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.stages.targets.declared.outcome import Baseline
from portrait_assets.stages.validation.backtests.cells import Cells
from portrait_assets.stages.validation.backtests.claims import Buckets, Claim

HALVES = 2


@dataclass(frozen=True)
class Order:
    """The buckets of a score, the lowest first.

    Where they are a value's customers of one half, `values` is the place of that value in `names`
    for each bucket.
    """

    buckets: tuple[str, ...]
    names: tuple[str, ...] = ()
    values: tuple[int, ...] = ()

    def value_of(self, bucket: int) -> int:
        """The number of the value that the bucket at this place is of."""
        return self.values[bucket] if self.values else bucket


def bucket_order(claim: Claim, tag: Cells, before: Cells | None) -> tuple[Order, Cells]:
    """The order of a tag's buckets, and its cells by these buckets.

    Values without an order of their own are put in that of their rates in the window before. Where
    that does not tell, as most customers have values that nobody had then, each half of the
    customers is ordered as the rates of the other half are (M. Stone 1974, "Cross-validatory choice
    and assessment of statistical predictions").

    Args:
        claim: the claim about the tag.
        tag: its cells in the window that is judged.
        before: the same in the window that ended with the base month.
    """
    present = set(tag.buckets)
    if claim.order:
        return Order(tuple(value for value in reversed(claim.order) if value in present)), tag
    if not claim.learned:
        return Order(tuple(sorted(present, key=float, reverse=claim.falls))), tag
    if before is None or not _tells_of(before, tag):
        return _crossed(claim, tag)
    rates = before.rates
    middle = float(np.mean(list(rates.values())))
    ordered = tuple(sorted(present, key=lambda value: (rates.get(value, middle), value)))
    if claim.counted_by is not Buckets.BINS:
        return Order(ordered), tag
    names = _names(claim, tag)
    return Order(ordered, names, tuple(names.index(value) for value in ordered)), tag


def _tells_of(before: Cells, tag: Cells) -> bool:
    """Whether what happened before puts the values that customers have now in an order."""
    if not 0 < before.hits.sum() < before.customers.sum():
        return False
    is_known = np.isin(tag.buckets, before.buckets)
    known = tag.customers[is_known].sum()
    has_several = is_known.sum() >= min(2, len(tag.buckets))
    return bool(has_several and 2 * known >= tag.customers.sum())


def _crossed(claim: Claim, tag: Cells) -> tuple[Order, Cells]:
    halves = [tag.of_groups(slice(half, None, HALVES)) for half in range(HALVES)]
    learned = [_scores(half) for half in halves]
    ordered = sorted(
        (learned[HALVES - 1 - half].get(bucket, 1.0), f"{half}:{bucket}", bucket)
        for half, cells in enumerate(halves)
        for bucket in cells.buckets
    )
    names = _names(claim, tag)
    place = {name: at for at, name in enumerate(names)}
    order = Order(
        tuple(label for _, label, _ in ordered),
        names,
        tuple(place[bucket] for _, _, bucket in ordered),
    )
    labels = tuple(f"{half}:{b}" for half, cells in enumerate(halves) for b in cells.buckets)
    return order, Cells(labels, np.concatenate([cells.sums for cells in halves], axis=2))


def _scores(half: Cells) -> dict[str, float]:
    """Each bucket's rate of hits against that of the half.

    One more customer at the rate of all keeps a value of few from the ends; the rate of its half
    is taken out, so that halves with more hits do not rank the other lower.
    """
    customers, hits = half.customers, half.hits
    rate = float(hits.sum() / customers.sum()) if customers.sum() else 0.0
    scores = (hits + rate) / (customers + 1) / rate if rate else np.ones(len(customers))
    return dict(zip(half.buckets, scores.tolist(), strict=True))


def _names(claim: Claim, tag: Cells) -> tuple[str, ...]:
    """The values as they are shown, the one of the lowest rate first; a number's in its order."""
    if claim.counted_by is Buckets.BINS:
        return tuple(sorted(tag.buckets, key=float))
    rates = tag.rates
    return tuple(sorted(tag.buckets, key=lambda bucket: (rates[bucket], bucket)))


def best_baseline(claim: Claim, before: Mapping[str, Cells]) -> Baseline:
    """The baseline with the greatest area under the curve; the first where none is known.

    Args:
        claim: with the baselines of its outcome.
        before: cells of each, in the window that ended with the base month.
    """

    def area(rule: Baseline) -> float:
        cells = before.get(rule.name)
        if cells is None:
            return -np.inf
        rising = cells.ordered(sorted(cells.buckets, key=float))
        found = float(scores.auc(scores.sampled(rising[:2]))[0])
        return found if np.isfinite(found) else -np.inf

    return max(claim.baselines, key=area)
