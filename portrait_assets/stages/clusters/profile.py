"""What sets each segment apart: size, value, standardised difference, TGI, medoids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.clustering.preparation.prepared_columns import MAX_LEVELS, FeatureUse
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_sided
from portrait_assets.privacy.cells import EVERY_CELL, are_pooled, moves_are_pooled, pooled_name

if TYPE_CHECKING:
    from portrait_assets.methods.clustering.model import ClusterModel

PROFILE_SCHEMA: dict[str, pl.DataType] = {
    "segment_id": pl.Int64(),
    "element": pl.String(),
    "feature": pl.String(),
    "level": pl.String(),
    "customers": pl.Int64(),
    "share": pl.Float64(),
    "value_share": pl.Float64(),
    "segment_mean": pl.Float64(),
    "base_mean": pl.Float64(),
    "std_difference": pl.Float64(),
    "tgi": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
}
"""Columns of the long profile, one line per segment and feature (or level of a category)."""

MEDOID_ROWS = 1_000
MISSING_SHOWN = "(missing)"


def segment_sizes(
    features: pl.DataFrame, assignment: pl.DataFrame, value_column: str | None = None
) -> pl.DataFrame:
    """Customers, share and share of value of every segment, ordered by ``segment_id``.

    ``value_share`` is null without a value column, or where the total value is not positive.
    """
    value = pl.lit(None, pl.Float64) if value_column is None else _finite(value_column)
    joined = features.select("customer_id", value.alias("value")).join(
        assignment.select("customer_id", "segment_id"), on="customer_id"
    )
    total = joined["value"].sum() if value_column is not None else 0.0
    value_share = pl.col("value").sum() / total if total > 0 else pl.lit(None, pl.Float64)
    return (
        joined.group_by("segment_id")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            (pl.len() / joined.height).alias("share"),
            value_share.round(6).alias("value_share"),
        )
        .sort("segment_id")
    )


def profile_segments(
    features: pl.DataFrame,
    assignment: pl.DataFrame,
    uses: Sequence[FeatureUse],
    value_column: str | None = None,
    smallest: int = EVERY_CELL,
) -> pl.DataFrame:
    """Long profile with the columns of :data:`PROFILE_SCHEMA`.

    For a number, ``segment_mean`` and ``base_mean`` are plain means in the feature's own unit;
    for a level of a category they are shares. ``std_difference`` is the difference of the two in
    standard deviations of the base, with numbers held within the base's 1st and 99th percentile.
    ``tgi`` (target group index) is 100 x segment / base, null where the base is not positive.
    ``p_value`` tests the segment against all other customers (Welch, or two proportions);
    ``q_value`` is the Benjamini-Hochberg (1995) false discovery rate over the whole profile.
    Levels of fewer than ``smallest`` customers are pooled, and a segment with so few of a level has
    no line of it.
    """
    sizes = segment_sizes(features, assignment, value_column)
    used = features.select("customer_id", *(use.name for use in uses))
    labelled = used.join(assignment.select("customer_id", "segment_id"), on="customer_id")
    parts = [
        _numeric_lines(labelled, use)
        if labelled[use.name].dtype.is_numeric()
        else _category_lines(labelled, use, smallest)
        for use in uses
        if labelled[use.name].null_count() < labelled.height
    ]
    if not parts:
        return pl.DataFrame(schema=PROFILE_SCHEMA)
    lines = pl.concat(parts, how="diagonal").join(sizes, on="segment_id")
    # Sums of floats differ with the number of threads in their last digits.
    lines = lines.with_columns(
        pl.col("segment_mean", "base_mean", "tgi", "p_value").round_sig_figs(9),
        # A difference of nothing is 0, and not what rounding left of it.
        pl.col("std_difference").round(9),
    )
    lines = lines.with_columns(q_value=false_discovery_rate(pl.col("p_value")))
    element_order = list(dict.fromkeys(use.element for use in uses))
    return (
        lines.with_columns(
            pl.col("element").cast(pl.Enum(element_order)).to_physical().alias("_element"),
        )
        .sort("segment_id", "_element", "feature", "level", nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in PROFILE_SCHEMA.items())
    )


def typical_customers(
    model: ClusterModel, features: pl.DataFrame, assignment: pl.DataFrame, per_segment: int = 3
) -> pl.DataFrame:
    """Medoids: customers with the least total distance to a sample of their own segment.

    Returns ``segment_id, position (from 1), customer_id``; at most ``MEDOID_ROWS`` customers of a
    segment, the first by ``customer_id`` after even thinning, are compared.
    """
    # Only the few who are compared are sorted with all their features, not everyone.
    placed = (
        features.select("customer_id")
        .with_row_index("at")
        .join(assignment.select("customer_id", "segment_id"), on="customer_id")
        .sort("segment_id", "customer_id")
    )
    found = []
    for (segment,), members in placed.group_by("segment_id", maintain_order=True):
        rows = members["at"].gather_every(max(1, -(-members.height // MEDOID_ROWS)))
        thinned = features[rows]
        points = model.preparation.transform(thinned)
        order = np.argsort(_total_distances(points), kind="stable")[:per_segment]
        chosen = thinned[order.tolist()]["customer_id"]
        found.append(
            pl.DataFrame(
                {
                    "segment_id": [segment] * len(chosen),
                    "position": list(range(1, len(chosen) + 1)),
                    "customer_id": chosen,
                }
            )
        )
    return pl.concat(found)


def _total_distances(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    norms = (points**2).sum(axis=1)
    squared = norms[:, None] + norms - 2 * points @ points.T
    total: npt.NDArray[np.float64] = np.sqrt(np.maximum(squared, 0.0)).sum(axis=1)
    return np.round(total, 6)


def _finite(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)


def _numeric_lines(labelled: pl.DataFrame, use: FeatureUse) -> pl.DataFrame:
    values = labelled.select("segment_id", _finite(use.name).alias("x"))
    low, high = values["x"].quantile(0.01), values["x"].quantile(0.99)
    values = values.with_columns(w=pl.col("x").clip(low, high)).drop_nulls("x")
    base_mean, base_sd = values["x"].mean(), values["w"].std()
    total = values.select(n=pl.len(), sum=pl.col("w").sum(), squares=(pl.col("w") ** 2).sum()).row(
        0, named=True
    )
    lines = values.group_by("segment_id").agg(
        pl.col("x").mean().alias("segment_mean"),
        pl.col("w").mean().alias("_mean"),
        pl.col("w").var().fill_null(0.0).alias("_var"),
        pl.len().alias("_n"),
        pl.col("w").sum().alias("_sum"),
        (pl.col("w") ** 2).sum().alias("_squares"),
    )
    rest_n = total["n"] - pl.col("_n")
    rest_mean = (total["sum"] - pl.col("_sum")) / rest_n
    rest_var = ((total["squares"] - pl.col("_squares")) / rest_n - rest_mean**2).clip(0.0)
    error = (pl.col("_var") / pl.col("_n") + rest_var / rest_n).sqrt()
    base_w = total["sum"] / total["n"] if total["n"] else 0.0
    shown_mean = base_mean if isinstance(base_mean, float) else 0.0
    sd = base_sd if isinstance(base_sd, float) else 0.0
    lines = lines.with_columns(
        base_mean=pl.lit(shown_mean),
        std_difference=(pl.col("_mean") - base_w) / sd if sd > 0 else pl.lit(0.0),
        tgi=100 * pl.col("segment_mean") / shown_mean if shown_mean > 0 else pl.lit(None),
        _z=pl.when((rest_n > 0) & (error > 0)).then((pl.col("_mean") - rest_mean) / error),
    )
    return _finished(lines, use, level=pl.lit(None, pl.String))


def _category_lines(labelled: pl.DataFrame, use: FeatureUse, smallest: int) -> pl.DataFrame:
    text = pl.col(use.name).cast(pl.String).fill_null(MISSING_SHOWN)
    values = _with_pooled_levels(labelled.select("segment_id", text.alias("level")), smallest)
    n = values.height
    base = values.group_by("level").agg(pl.len().alias("_base"))
    base = base.sort(["_base", "level"], descending=[True, False]).head(MAX_LEVELS)
    sizes = values.group_by("segment_id").agg(pl.len().alias("_n"))
    counts = values.group_by("segment_id", "level").agg(pl.len().alias("_count"))
    lines = (
        sizes.join(base, how="cross")
        .join(counts, on=["segment_id", "level"], how="left")
        .with_columns(pl.col("_count").fill_null(0))
    )
    lines = lines.filter(~moves_are_pooled(lines, ("segment_id", "level"), "_count", smallest))
    share, p = pl.col("_count") / pl.col("_n"), pl.col("_base") / n
    rest_n = n - pl.col("_n")
    rest_share = (pl.col("_base") - pl.col("_count")) / rest_n
    sd = (p * (1 - p)).sqrt()
    error = sd * (1 / pl.col("_n") + 1 / rest_n).sqrt()
    lines = lines.with_columns(
        segment_mean=share,
        base_mean=p,
        std_difference=pl.when(sd > 0).then((share - p) / sd).otherwise(0.0),
        tgi=100 * share / p,
        _z=pl.when((rest_n > 0) & (error > 0)).then((share - rest_share) / error),
    )
    return _finished(lines, use, level=pl.col("level"))


def _with_pooled_levels(values: pl.DataFrame, smallest: int) -> pl.DataFrame:
    base = values.group_by("level").agg(pl.len().alias("n")).sort("level")
    few = base.filter(are_pooled(base, "n", smallest))["level"]
    level = pl.col("level")
    return values.with_columns(
        pl.when(level.is_in(few.implode()))
        .then(pl.lit(pooled_name(len(few))))
        .otherwise(level)
        .alias("level")
    )


def _finished(lines: pl.DataFrame, use: FeatureUse, level: pl.Expr) -> pl.DataFrame:
    p_values = two_sided(lines["_z"].cast(pl.Float64).to_numpy())
    return lines.select(
        pl.col("segment_id"),
        pl.lit(use.element).alias("element"),
        pl.lit(use.name).alias("feature"),
        level.alias("level"),
        pl.col("segment_mean"),
        pl.col("base_mean"),
        pl.col("std_difference").cast(pl.Float64),
        pl.col("tgi").cast(pl.Float64),
        pl.Series("p_value", p_values, nan_to_null=True),
    )
