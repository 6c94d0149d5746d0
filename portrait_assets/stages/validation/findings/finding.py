"""A finding: what is judged, its verdict, and what is said of it in English and Chinese."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.validation.contract import Area, Verdict

Text = str | pl.Expr
Judgement = tuple[pl.Expr, tuple[pl.Expr, pl.Expr]]
"""A verdict, and what it means and what to do, in English and Chinese."""


def finding(
    rows: pl.DataFrame,
    area: Area,
    subject: pl.Expr,
    metric: str | pl.Expr,
    value: pl.Expr,
    verdict: pl.Expr,
    advice: tuple[pl.Expr, pl.Expr],
    threshold: float | None = None,
    interval: tuple[str, str] | None = None,
) -> pl.DataFrame:
    """One finding per row, with the columns of VALIDATION_REPORT but the month.

    Args:
        rows: one per finding; the expressions are evaluated over them.
        area: its area.
        subject: what it is about.
        metric: what was measured of it.
        value: how much that is.
        verdict: its verdict.
        advice: what it means and what to do, in English and Chinese.
        threshold: where the verdict turns.
        interval: the columns of `rows` that hold the ends of the value's 95 % interval.
    """
    low, high = interval or (None, None)
    return rows.select(
        pl.lit(str(area)).alias("area"),
        subject.cast(pl.String).alias("subject"),
        (pl.lit(metric) if isinstance(metric, str) else metric).alias("metric"),
        value.cast(pl.Float64).alias("value"),
        (pl.col(low) if low else pl.lit(None)).cast(pl.Float64).alias("low"),
        (pl.col(high) if high else pl.lit(None)).cast(pl.Float64).alias("high"),
        pl.lit(threshold, dtype=pl.Float64).alias("threshold"),
        verdict.cast(pl.String).alias("verdict"),
        advice[0].cast(pl.String).alias("advice_en"),
        advice[1].cast(pl.String).alias("advice_zh"),
    )


def when(*cases: tuple[pl.Expr, Text], otherwise: Text) -> pl.Expr:
    """The text of the first case whose condition holds."""

    def text(value: Text) -> pl.Expr:
        return value if isinstance(value, pl.Expr) else pl.lit(str(value))

    chosen = text(otherwise)
    for condition, value in reversed(cases):
        chosen = pl.when(condition).then(text(value)).otherwise(chosen)
    return chosen


def judged(
    *cases: tuple[pl.Expr, Verdict, Text, Text], otherwise: tuple[Verdict, Text, Text]
) -> Judgement:
    """Verdict and advice of the first case whose condition holds.

    Args:
        cases: each a condition, the verdict, and the advice in English and in Chinese.
        otherwise: the same where no condition holds.
    """
    verdict, en, zh = (
        when(*((case[0], case[part]) for case in cases), otherwise=otherwise[part - 1])
        for part in (1, 2, 3)
    )
    return verdict, (en, zh)


def not_judged(area: Area, subject: str, metric: str, en: str, zh: str) -> pl.DataFrame:
    """The one finding that something could not be judged, and why."""
    return finding(
        pl.DataFrame({"subject": [subject]}),
        area,
        pl.col("subject"),
        metric,
        pl.lit(None),
        *judged(otherwise=(Verdict.NOT_JUDGED, en, zh)),
    )
