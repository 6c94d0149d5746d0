"""What approving from a score on would have brought, and how each month's scores came true."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.scorecard.judging.curves import credit_curve, vintages
from portrait_assets.methods.statistics.discrimination.paired import auc, auc_interval
from portrait_assets.schema.probability import DIGITS
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE, CUT, VINTAGE
from portrait_assets.stages.predictions.learning.baseline import BASE_RATE, ordered_by
from portrait_assets.stages.targets.declared.outcome import Baseline

STEP = 5
"""Points from one cut to the next: a quarter of those that double the odds."""
_RATES = ("approval_share", "expected_bad_rate", "expected_of_known", "actual_bad_rate")
_ENDS = ("low", "high", "auc", "auc_low", "auc_high", "baseline_auc")


@dataclass(frozen=True)
class Vintage:
    """The customers that were scored at a month's end, and what happened to them since.

    Args:
        asked: the target.
        month: until whose end it is known.
        base_month: the one at whose end they were scored.
        rows: `points`, `probability`, what is `suggested`, and `hit`, null where it is not known;
            where some are known also the features of baselines.
        baseline: the rule that was best before they were scored; None for the rate of all.
    """

    asked: Asked
    month: str
    base_month: str
    rows: pl.DataFrame
    baseline: Baseline | None = None

    def where_enough_are_known(self, smallest: int) -> Vintage:
        """The same, where the outcome of fewer customers is known as if it were of none."""
        if self.rows["hit"].len() - self.rows["hit"].null_count() >= smallest:
            return self
        return replace(self, rows=self.rows.with_columns(pl.lit(None, pl.Boolean).alias("hit")))

    @property
    def is_over(self) -> bool:
        """Whether the outcome of any of them is known."""
        return self.rows["hit"].null_count() < self.rows.height


def vintage_row(vintage: Vintage) -> pl.DataFrame:
    """The row of all that were scored at a month's end, in the columns of `credit_curve`."""
    rows = vintage.rows
    found = vintages(
        pl.repeat(vintage.base_month, rows.height, eager=True),
        rows["probability"],
        rows["hit"].cast(pl.Int64),
    ).rename({"rows": "approved"})
    areas = _areas(vintage) if vintage.is_over else {}
    known = found.with_columns(
        pl.lit(VINTAGE).alias("kind"),
        pl.lit(1.0).alias("approval_share"),
        *(pl.lit(value).alias(name) for name, value in areas.items()),
    )
    return _as_contracted(known, vintage)


def cut_rows(vintage: Vintage, smallest: int) -> pl.DataFrame:
    """The rows by score cut, from the lowest on, in the columns of `credit_curve`.

    Between two cuts there are at least `smallest` customers whose outcome is known, so that no row
    less another tells of few.
    """
    rows = vintage.rows
    curve = credit_curve(rows["points"], rows["probability"], rows["hit"].cast(pl.Int64), STEP)
    expected = _expected_of_known(rows)
    kept = curve[_far_enough(curve["known"].to_list(), smallest)]
    known = kept.join(expected, on="cut", how="left", maintain_order="left").with_columns(
        pl.lit(CUT).alias("kind")
    )
    apart = pl.col("expected_of_known")
    return _as_contracted(
        known.with_columns(((apart < pl.col("low")) | (apart > pl.col("high"))).alias("is_apart")),
        vintage,
    )


def _far_enough(known: list[int], smallest: int) -> list[int]:
    """The places of cuts between which there are enough customers; always the lowest one."""
    kept: list[int] = []
    before = 0
    for place in reversed(range(len(known))):
        if known[place] - before >= smallest:
            kept.append(place)
            before = known[place]
    if not kept or 0 in kept:
        return sorted(kept)
    return sorted({0, *kept[:-1]})


def _expected_of_known(rows: pl.DataFrame) -> pl.DataFrame:
    """By cut the mean probability of those at or above it whose outcome is known."""
    by_cut = (
        rows.filter(pl.col("hit").is_not_null())
        .group_by((pl.col("points") // STEP * STEP).alias("cut"))
        .agg(pl.col("probability").sum().alias("expected"), pl.len().alias("count"))
        .sort("cut", descending=True)
        .with_columns(pl.exclude("cut").cum_sum())
    )
    return by_cut.select("cut", (pl.col("expected") / pl.col("count")).alias("expected_of_known"))


def _areas(vintage: Vintage) -> dict[str, object]:
    known = vintage.rows.filter(pl.col("hit").is_not_null())
    hit = known["hit"].to_numpy()
    area = auc_interval(-known["points"].to_numpy().astype(np.float64), hit)
    rule = vintage.baseline
    found: dict[str, object] = {"baseline": rule.name if rule else BASE_RATE}
    numbers = {
        "auc": area.value,
        "auc_low": area.low,
        "auc_high": area.high,
        "baseline_auc": auc(ordered_by(rule, known), hit),
    }
    return found | {name: value if np.isfinite(value) else None for name, value in numbers.items()}


def _as_contracted(rows: pl.DataFrame, vintage: Vintage) -> pl.DataFrame:
    rows = rows.with_columns(
        pl.lit(last_day(vintage.month)).alias("as_of"),
        pl.lit(vintage.asked.code).alias("target"),
        pl.lit(vintage.asked.horizon).alias("horizon"),
        pl.lit(vintage.base_month).alias("base_month"),
        # Of nobody is known whether it happened, which is not that it did not.
        pl.when(pl.col("known") > 0).then(pl.col("bads")).alias("bads"),
    )
    missing = [name for name in CREDIT_CURVE.column_names if name not in rows.columns]
    return rows.with_columns(pl.lit(None).alias(name) for name in missing).select(
        pl.col(name).cast(kind).round(DIGITS)
        if name in (*_RATES, *_ENDS)
        else pl.col(name).cast(kind)
        for name, kind in CREDIT_CURVE.polars_schema.items()
    )
