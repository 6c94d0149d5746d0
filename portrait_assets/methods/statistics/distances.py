"""Many pairs of distributions compared at once, each beside what chance alone would give."""

from __future__ import annotations

import polars as pl
from scipy.stats import chi2

from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.stability import (
    chi_square,
    ks,
    psi,
    psi_by_chance,
    psi_expected,
    smoothed_shares,
)

NUMBERS = ("psi", "psi_expected", "psi_p95", "ks", "chi_square", "p_value")


def distances(counts: pl.DataFrame, keys: list[str], family: list[str]) -> pl.DataFrame:
    """PSI, KS, chi-square and what chance alone would give, one row per group of `keys`.

    Args:
        counts: `keys` with `bin` (any text), `fine` (position on the scale; null where there is
            no order), `now` and `then` (customers). Rows of one `bin` are added up for PSI and
            chi-square; KS is the largest difference of the two distributions over `fine`.
        keys: the columns that identify a comparison.
        family: those of the keys within which many comparisons are made at once.

    Returns:
        `keys`, customers, reference_customers, bins, psi, psi_expected, psi_p95, ks,
        chi_square, p_value, q_value. All numbers are null where one side has no customer or
        there is only one bin.
    """
    now, then = pl.col("now"), pl.col("then")
    totals = counts.group_by(keys).agg(
        now.sum().alias("customers"), then.sum().alias("reference_customers")
    )
    binned = (
        counts.group_by([*keys, "bin"])
        .agg(now.sum(), then.sum())
        .filter(now + then > 0)
        # Sums of floats depend on their order, and a rerun must give the same to the last digit.
        .sort([*keys, "bin"])
        .group_by(keys, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("bins"),
            psi(smoothed_shares(then), smoothed_shares(now)).alias("psi"),
            chi_square(then, now).alias("chi_square"),
        )
    )
    scaled = (
        counts.filter(pl.col("fine").is_not_null())
        .sort([*keys, "fine"])
        .group_by(keys, maintain_order=True)
        .agg(ks(then, now).fill_nan(None).alias("ks"))
    )
    every = (
        totals.join(binned, on=keys, how="left")
        .join(scaled, on=keys, how="left")
        .with_columns(pl.col("bins").fill_null(0))
    )
    q_value = false_discovery_rate(pl.col("p_value")).over(family).round(9)
    return _against_chance(every).with_columns(q_value.alias("q_value")).sort(keys)


def _against_chance(compared: pl.DataFrame) -> pl.DataFrame:
    is_comparable = (
        (pl.col("customers") > 0) & (pl.col("reference_customers") > 0) & (pl.col("bins") > 1)
    )
    bins, now, then = (
        compared[name].to_numpy() for name in ("bins", "customers", "reference_customers")
    )
    chi_squares = compared["chi_square"].fill_null(0.0).to_numpy()
    compared = compared.with_columns(
        pl.Series("psi_expected", psi_expected(bins, then, now)),
        pl.Series("psi_p95", psi_by_chance(bins, then, now)),
        pl.Series("p_value", chi2.sf(chi_squares, (bins - 1).clip(1))),
    )
    return compared.with_columns(
        pl.when(is_comparable).then(pl.col(name)).round(9).alias(name) for name in NUMBERS
    )
