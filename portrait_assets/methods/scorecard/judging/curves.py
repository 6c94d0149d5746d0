"""What approving from a score on would have brought, and how months turned out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.statistics.intervals import wilson

CREDIT_CURVE = {
    "cut": pl.Int64,
    "approved": pl.Int64,
    "approval_share": pl.Float64,
    "expected_bad_rate": pl.Float64,
    "known": pl.Int64,
    "bads": pl.Int64,
    "actual_bad_rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def credit_curve(
    score: pl.Series, probability: pl.Series, outcome: pl.Series, step: int = 1
) -> pl.DataFrame:
    """By score cut, from the lowest on: who would be approved, and how many of them are bad.

    The strategy curve of L. Thomas, D. Edelman, J. Crook (2002), "Credit Scoring and Its
    Applications", chapter 7.

    Args:
        score: points of each row.
        probability: that of 1.
        outcome: 0 or 1, null where it is not known.
        step: cuts are the multiples of so many points that have a row at or above them.

    Returns:
        `cut`; `approved` rows at or above it and their `approval_share` of all rows; their
        `expected_bad_rate`, the mean probability; of those whose outcome is `known` the `bads`,
        the `actual_bad_rate` and its 95 % interval (E. Wilson 1927), null where none is known.
    """
    cut = (pl.col("score") // step * step).alias("cut")
    by_cut = (
        _table(score, probability, outcome)
        .group_by(cut)
        .agg(
            pl.len().cast(pl.Int64).alias("approved"),
            pl.col("probability").sum().alias("expected"),
            *_known(),
        )
        .sort("cut", descending=True)
    )
    reached = by_cut.with_columns(pl.exclude("cut").cum_sum()).sort("cut")
    found = reached.with_columns(
        (pl.col("approved") / max(len(score), 1)).alias("approval_share"),
        (pl.col("expected") / pl.col("approved")).alias("expected_bad_rate"),
    )
    return _with_actual(found).select(
        pl.col(name).cast(kind) for name, kind in CREDIT_CURVE.items()
    )


def vintages(
    month: pl.Series,
    probability: pl.Series,
    outcome: pl.Series,
    months_on_book: pl.Series | None = None,
) -> pl.DataFrame:
    """By month of opening, and months since where given: expected and actual bad rates.

    Args:
        month: when each row was opened (YYYY-MM).
        probability: that of 1 by then.
        outcome: 0 or 1, null where it is not known.
        months_on_book: after how many months the outcome was looked at.

    Returns:
        `month`, `months_on_book` (null where not given), `rows`, `expected_bad_rate` of all and
        `expected_of_known`, `known`, `bads`, `actual_bad_rate` and its 95 % interval `low` to
        `high`; `is_apart` where what was expected of the known rows is outside of it.
    """
    nothing = pl.lit(None, dtype=pl.Int64)
    age = nothing if months_on_book is None else months_on_book
    table = _table(month, probability, outcome).rename({"score": "month"})
    table = table.with_columns(age.alias("months_on_book"))
    is_known = pl.col("outcome").is_not_null()
    by_month = table.group_by("month", "months_on_book").agg(
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("probability").mean().alias("expected_bad_rate"),
        pl.col("probability").filter(is_known).mean().alias("expected_of_known"),
        *_known(),
    )
    expected = pl.col("expected_of_known")
    is_apart = (expected < pl.col("low")) | (expected > pl.col("high"))
    names = ["month", "months_on_book", "rows", "expected_bad_rate", "expected_of_known"]
    return (
        _with_actual(by_month)
        .with_columns(is_apart.alias("is_apart"))
        .sort("month", "months_on_book")
        .select(*names, "known", "bads", "actual_bad_rate", "low", "high", "is_apart")
    )


def _table(first: pl.Series, probability: pl.Series, outcome: pl.Series) -> pl.DataFrame:
    named = {"score": first, "probability": probability, "outcome": outcome}
    return pl.DataFrame({name: each.alias(name) for name, each in named.items()})


def _known() -> tuple[pl.Expr, pl.Expr]:
    outcome = pl.col("outcome")
    known = outcome.is_not_null().sum().cast(pl.Int64).alias("known")
    return known, (outcome == 1).sum().cast(pl.Int64).alias("bads")


def _with_actual(counted: pl.DataFrame) -> pl.DataFrame:
    bads, known = (counted[name].to_numpy() for name in ("bads", "known"))
    low, high = wilson(bads, known)
    rate: npt.NDArray[np.float64] = np.divide(
        bads, known, out=np.full(len(known), np.nan), where=known > 0
    )
    numbers = {"actual_bad_rate": rate, "low": low, "high": high}
    return counted.with_columns(
        pl.Series(name, each).fill_nan(None) for name, each in numbers.items()
    )
