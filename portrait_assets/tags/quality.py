"""The quality card of a tag (标签质量): is it there, does it hold still, does it tell something.

Methods: population stability index with the usual bands 0.1 and 0.25 (Siddiqi 2006, Credit Risk
Scorecards); two-sample Kolmogorov-Smirnov distance; mutual information over the larger entropy
(Kvalseth 1987); lift with the interval of Wilson (1927) for the outcome rate, the rate of the
base taken as known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.tags.advice import Lift, Measures, advise
from portrait_assets.tags.contract import TAG_QUALITY
from portrait_assets.tags.expression import NUMERIC
from portrait_assets.tags.tag import Catalogue, Shape, Tag

SMALLEST_SHARE = 1e-4  # Stands for an empty bin, so that PSI stays finite.
BINS = 10
SAMPLE = 20_000  # Customers from whom overlaps are measured; enough to tell 0.9 from 0.95.
MIN_CUSTOMERS = 30  # Fewer with an outcome tell nothing of a value's lift.
Z95 = 1.959964


def tag_quality(
    catalogue: Catalogue,
    matrix: pl.DataFrame,
    tag_table: pl.DataFrame,
    previous: pl.DataFrame | None,
    as_of: date,
    outcome: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per tag in force, with the columns of TAG_QUALITY.

    Args:
        catalogue: the catalogue, of which the tags in force in the month are measured.
        matrix: the portrait matrix of the month.
        tag_table: the tag table of the month, from which the age of values is read.
        previous: the portrait matrix of the month before; None leaves drift and stability null.
        as_of: the last day of the month.
        outcome: customer_id and a boolean `outcome` that followed the month, such as a purchase
            in the next; None leaves lift null. Never part of what tags are made from.
    """
    tags = catalogue.in_force(f"{as_of:%Y-%m}")
    ages = _ages(tag_table)
    overlaps = _overlaps(matrix, [tag for tag in tags if _listable(tag)])
    rows = [
        _card(tag, matrix, previous, outcome, ages.get(tag.code), overlaps.get(tag.code))
        for tag in tags
    ]
    return pl.DataFrame([{"as_of": as_of, **row} for row in rows], schema=TAG_QUALITY.polars_schema)


def _listable(tag: Tag) -> bool:
    return tag.shape is not Shape.MANY and not _is_number(tag)


def _is_number(tag: Tag) -> bool:
    return tag.shape is Shape.OPEN and tag.type in NUMERIC


def _card(
    tag: Tag,
    matrix: pl.DataFrame,
    previous: pl.DataFrame | None,
    outcome: pl.DataFrame | None,
    age: float | None,
    overlap: tuple[str, float] | None,
) -> dict[str, object]:
    held = _held(tag, matrix[tag.code])
    covered = matrix.height - held.null_count()
    counts = _distribution(tag, held)
    earlier = None
    if previous is not None and tag.code in previous.columns:
        earlier = _held(tag, previous[tag.code])
    drift = earlier is not None and earlier.null_count() < len(earlier) and covered > 0
    measures = Measures(
        customers=matrix.height,
        coverage=covered / matrix.height if matrix.height else 0.0,
        distinct_values=counts.height,
        top_share=counts["share"][0] if counts.height else None,
        psi=psi(earlier, held) if drift and earlier is not None else None,
        share_changed=_share_changed(tag, matrix, previous),
        age_months=age,
        overlap=overlap,
        lift=_lift(tag, matrix, outcome),
    )
    recommendation, reason_en, reason_zh = advise(tag, measures)
    lift = measures.lift
    return {
        "tag_code": tag.code,
        "tag_version": tag.version,
        "customers": measures.customers,
        "coverage": round(measures.coverage, 6),
        "distinct_values": measures.distinct_values,
        "top_value": counts["value"][0] if counts.height else None,
        "top_share": _rounded(measures.top_share),
        "distribution": "; ".join(f"{v} {s:.1%}" for v, s in counts.head(10).iter_rows()) or None,
        "psi": _rounded(measures.psi),
        "ks": _rounded(ks(earlier, held))
        if drift and earlier is not None and _is_number(tag)
        else None,
        "share_changed": _rounded(measures.share_changed),
        "age_months": _rounded(age),
        "overlap_tag": overlap[0] if overlap else None,
        "overlap": _rounded(overlap[1]) if overlap else None,
        "lift_value": lift.value if lift else None,
        "lift": _rounded(lift.lift) if lift else None,
        "lift_low": _rounded(lift.low) if lift else None,
        "lift_high": _rounded(lift.high) if lift else None,
        "recommendation": recommendation,
        "reason_en": reason_en,
        "reason_zh": reason_zh,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _held(tag: Tag, column: pl.Series) -> pl.Series:
    """The column with each customer's values as one: a number, or text (several joined)."""
    if tag.shape is Shape.MANY:
        joined = column.list.sort().list.join(" + ")
        return joined.to_frame().select(pl.when(pl.first() != "").then(pl.first())).to_series()
    if _is_number(tag):
        return column.cast(pl.Float64)
    return column.cast(pl.String)


def _distribution(tag: Tag, held: pl.Series) -> pl.DataFrame:
    known = held.drop_nulls().cast(pl.String).rename("value")
    return (
        known.value_counts()
        .sort("count", "value", descending=[True, False])
        .select("value", share=pl.col("count") / max(len(known), 1))
    )


def psi(before: pl.Series, after: pl.Series) -> float:
    """Population stability index between two samples: sum of (q - p) ln(q / p) over bins.

    Numbers are put into tenths of `before`; text counts by value, and missing values are a bin
    of their own. 0 means equal; from 0.25 on the population is usually called another one.
    """
    if before.dtype.is_numeric():
        known = before.drop_nulls().to_numpy()
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
        before, after = _binned(before, edges), _binned(after, edges)
    one, two = (
        each.rename("bin").value_counts().with_columns(share=pl.col("count") / len(each))
        for each in (before, after)
    )
    both = one.join(two, on="bin", how="full", nulls_equal=True)
    p = both["share"].fill_null(0.0).to_numpy().clip(min=SMALLEST_SHARE)
    q = both["share_right"].fill_null(0.0).to_numpy().clip(min=SMALLEST_SHARE)
    return float(np.sum((q - p) * np.log(q / p)))


def _binned(values: pl.Series, edges: npt.NDArray[np.float64]) -> pl.Series:
    bins = np.searchsorted(edges, values.fill_null(0.0).to_numpy(), side="right")
    return pl.Series(bins).set(values.is_null(), None)


def ks(before: pl.Series, after: pl.Series) -> float:
    """Largest difference of the two distribution functions (Kolmogorov-Smirnov), 0 to 1."""
    one, two = (np.sort(each.drop_nulls().to_numpy()) for each in (before, after))
    points = np.union1d(one, two)
    first = np.searchsorted(one, points, side="right") / len(one)
    second = np.searchsorted(two, points, side="right") / len(two)
    return float(np.max(np.abs(first - second)))


def _share_changed(tag: Tag, matrix: pl.DataFrame, previous: pl.DataFrame | None) -> float | None:
    if previous is None or tag.code not in previous.columns:
        return None
    now = pl.DataFrame({"customer_id": matrix["customer_id"], "now": _held(tag, matrix[tag.code])})
    was = pl.DataFrame(
        {"customer_id": previous["customer_id"], "was": _held(tag, previous[tag.code])}
    )
    both = now.join(was, on="customer_id").drop_nulls()
    if not both.height:
        return None
    return float((both["now"] != both["was"]).sum() / both.height)


def _ages(tag_table: pl.DataFrame) -> dict[str, float]:
    """Mean age in months of each tag's values."""
    months = (pl.col("as_of").dt.year() - pl.col("decided_as_of").dt.year()) * 12 + (
        pl.col("as_of").dt.month().cast(pl.Int32)
        - pl.col("decided_as_of").dt.month().cast(pl.Int32)
    )
    return dict(tag_table.group_by("tag_code").agg(months.mean()).iter_rows())


def _overlaps(matrix: pl.DataFrame, tags: Sequence[Tag]) -> dict[str, tuple[str, float]]:
    """For each tag the one that says the most similar thing, and how much."""
    sample = matrix.gather_every(max(matrix.height // SAMPLE, 1)) if matrix.height else matrix
    codes = {
        tag.code: sample[tag.code].cast(pl.String).cast(pl.Categorical).to_physical()
        for tag in tags
    }
    physical = {
        code: np.unique(series.cast(pl.Int64).fill_null(-1).to_numpy(), return_inverse=True)[1]
        for code, series in codes.items()
        if series.n_unique() > 1
    }
    best: dict[str, tuple[str, float]] = {}
    names = sorted(physical)
    for position, one in enumerate(names):
        for two in names[position + 1 :]:
            value = shared_information(physical[one], physical[two])
            for code, other in ((one, two), (two, one)):
                if code not in best or value > best[code][1]:
                    best[code] = (other, value)
    return best


def shared_information(one: npt.NDArray[np.int64], two: npt.NDArray[np.int64]) -> float:
    """Mutual information of two codings (0, 1, ...) over the larger of their entropies.

    0 when they are independent, and 1 only when each decides the other.
    """
    columns = int(two.max()) + 1
    joint = _entropy(one * columns + two)
    first, second = _entropy(one), _entropy(two)
    larger = max(first, second)
    return float(np.clip((first + second - joint) / larger, 0, 1)) if larger > 0 else 0.0


def _entropy(codes: npt.NDArray[np.int64]) -> float:
    counts = np.bincount(codes)
    shares = counts[counts > 0] / len(codes)
    return float(-np.sum(shares * np.log(shares)))


def _lift(tag: Tag, matrix: pl.DataFrame, outcome: pl.DataFrame | None) -> Lift | None:
    """The value whose interval lies furthest from 1, or else the one with the largest lift."""
    if outcome is None:
        return None
    held = _held(tag, matrix[tag.code])
    if _is_number(tag):
        held = _top_fifth(held)
    joined = pl.DataFrame({"customer_id": matrix["customer_id"], "value": held}).join(
        outcome.select("customer_id", "outcome"), on="customer_id"
    )
    base = joined["outcome"].mean()
    if not isinstance(base, float) or base <= 0:
        return None
    counted = (
        joined.drop_nulls()
        .group_by("value")
        .agg(pl.len().alias("n"), pl.col("outcome").sum().alias("hits"))
        .filter(pl.col("n") >= MIN_CUSTOMERS)
        .sort("value")
    )
    found = []
    for value, n, hits in counted.iter_rows():
        low, high = wilson(hits, n)
        found.append(Lift(value, hits / n / base, low / base, high / base))
    return max(found, key=_telling, default=None)


def _top_fifth(values: pl.Series) -> pl.Series:
    cut = values.quantile(0.8)
    frame = values.rename("v").to_frame()
    top = pl.when(pl.col("v") >= cut).then(pl.lit("top fifth")).otherwise(pl.lit("others"))
    return frame.select(pl.when(pl.col("v").is_not_null()).then(top)).to_series()


def _telling(lift: Lift) -> tuple[float, float]:
    distance = max(lift.low - 1, 1 - lift.high)
    return (distance, abs(lift.lift - 1))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate after Wilson (1927): (low, high), within 0 and 1."""
    rate, z2 = hits / n, Z95**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)
