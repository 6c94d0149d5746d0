"""In which order the values of a tag are a score, and which baseline it is compared with.

Neither is taken from the customers that are judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.methods.statistics import scores
from portrait_assets.stages.targets.outcomes import Baseline
from portrait_assets.stages.validation.claims import Buckets, Claim

HALVES = 2
_RATES = ("hits", "customers")


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


def bucket_order(
    claim: Claim, tag: pl.DataFrame, before: pl.DataFrame | None
) -> tuple[Order, pl.DataFrame]:
    """The order of a tag's buckets, and its counts by these buckets.

    Values without an order of their own are put in that of their rates in the window before. Where
    nothing is known of that, each half of the customers is ordered as the rates of the other half
    are (M. Stone 1974, "Cross-validatory choice and assessment of statistical predictions").

    Args:
        claim: the claim about the tag.
        tag: its counts by bucket and group in the window that is judged.
        before: the same in the window that ended with the base month.
    """
    present = set(tag["bucket"])
    if claim.order:
        return Order(tuple(value for value in reversed(claim.order) if value in present)), tag
    if not claim.learned:
        return Order(tuple(sorted(present, key=float, reverse=claim.falls))), tag
    if before is None or not 0 < before["hits"].sum() < before["customers"].sum():
        return _crossed(claim, tag)
    rates = dict(_rates(before).iter_rows())
    middle = float(np.mean(list(rates.values())))
    ordered = tuple(sorted(present, key=lambda value: (rates.get(value, middle), value)))
    if claim.counted_by is not Buckets.BINS:
        return Order(ordered), tag
    names = _names(claim, tag)
    return Order(ordered, names, tuple(names.index(value) for value in ordered)), tag


def _rates(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.group_by("bucket").agg(pl.col("hits").sum() / pl.col("customers").sum())


def _crossed(claim: Claim, tag: pl.DataFrame) -> tuple[Order, pl.DataFrame]:
    halved = tag.with_columns((pl.col("grp") % HALVES).alias("half"))
    by_half = halved.group_by("half", "bucket").agg(pl.col(_RATES).sum())
    # One more customer at the rate of all keeps a value of few from the ends; the rate of its half
    # is taken out, so that halves with more hits do not rank the other lower.
    all_of_half = [pl.col(name).sum().over("half") for name in _RATES]
    rate = all_of_half[0] / all_of_half[1]
    learned = by_half.with_columns(
        ((pl.col("hits") + rate) / (pl.col("customers") + 1) / rate).fill_nan(1).alias("score"),
        (HALVES - 1 - pl.col("half")).alias("half"),
    ).select("half", "bucket", "score")
    own = by_half.select("half", "bucket").join(learned, on=["half", "bucket"], how="left")
    label = pl.format("{}:{}", "half", "bucket")
    ordered = own.with_columns(pl.col("score").fill_null(1.0), label.alias("label")).sort(
        "score", "label"
    )
    names = _names(claim, tag)
    place = {name: at for at, name in enumerate(names)}
    order = Order(
        tuple(ordered["label"]), names, tuple(place[value] for value in ordered["bucket"])
    )
    return order, halved.with_columns(label.alias("bucket"))


def _names(claim: Claim, tag: pl.DataFrame) -> tuple[str, ...]:
    """The values as they are shown, the one of the lowest rate first; a number's in its order."""
    if claim.counted_by is Buckets.BINS:
        return tuple(sorted(set(tag["bucket"]), key=float))
    return tuple(_rates(tag).sort("hits", "bucket")["bucket"])


def best_baseline(claim: Claim, before: Mapping[str, pl.DataFrame]) -> Baseline:
    """The baseline with the greatest area under the curve; the first where none is known.

    Args:
        claim: with the baselines of its outcome.
        before: counts by bucket of each, in the window that ended with the base month.
    """

    def area(rule: Baseline) -> float:
        rows = before.get(rule.name)
        if rows is None:
            return -np.inf
        sums = rows.group_by("bucket").agg(pl.col(_RATES).sum())
        ordered = sums.sort(pl.col("bucket").cast(pl.Float64))
        cells = ordered.select("customers", "hits").to_numpy().T[:, None, :]
        found = float(scores.auc(scores.sampled(cells))[0])
        return found if np.isfinite(found) else -np.inf

    return max(claim.baselines, key=area)
