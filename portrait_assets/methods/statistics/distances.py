"""How far two distributions lie apart, and how far they would by chance.

Population stability index with the usual bands (Siddiqi 2006, Credit Risk Scorecards); its
distribution where nothing changed is that of chi-square over the sample sizes (Yurdakul and
Naranjo 2020, Statistical properties of the population stability index).
"""

from __future__ import annotations

import polars as pl
from scipy.stats import chi2

from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.stability import PRIOR


def distances(counts: pl.DataFrame, keys: list[str], family: list[str]) -> pl.DataFrame:
    """PSI, KS, chi-square and what chance alone would give, one row per group of `keys`.

    Args:
        counts: `keys` with `bin` (any text), `fine` (position on the scale; null where there is
            no order), `now` and `then` (customers). Rows of one `bin` are added up for PSI and
            chi-square; KS is the largest difference of the two distributions over `fine`.
        keys: what tells the comparisons apart.
        family: those of the keys within which many comparisons are made at once.

    Returns:
        `keys`, customers, reference_customers, bins, psi, psi_expected, psi_p95, ks,
        chi_square, p_value, q_value. All numbers are null where one side has no customer or
        there is only one bin.
    """
    totals = counts.group_by(keys).agg(
        pl.col("now").sum().alias("customers"), pl.col("then").sum().alias("reference_customers")
    )
    binned = (
        counts.group_by([*keys, "bin"])
        .agg(pl.col("now", "then").sum())
        .filter(pl.col("now") + pl.col("then") > 0)
        .join(totals, on=keys)
        # Sums of floats depend on their order, and a rerun must give the same to the last digit.
        .sort([*keys, "bin"])
    )
    found = binned.group_by(keys, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("bins"), _psi(), _chi_square()
    )
    every = (
        totals.join(found, on=keys, how="left")
        .join(_ks(counts, totals, keys), on=keys, how="left")
        .with_columns(pl.col("bins").fill_null(0))
    )
    q_value = false_discovery_rate(pl.col("p_value")).over(family).round(9)
    return _against_chance(every).with_columns(q_value.alias("q_value")).sort(keys)


def _psi() -> pl.Expr:
    now = (pl.col("now") + PRIOR) / (pl.col("customers") + PRIOR * pl.len())
    then = (pl.col("then") + PRIOR) / (pl.col("reference_customers") + PRIOR * pl.len())
    return ((now - then) * (now / then).log()).sum().alias("psi")


def _chi_square() -> pl.Expr:
    both = pl.col("now") + pl.col("then")
    everyone = pl.col("customers") + pl.col("reference_customers")
    parts = []
    for seen, size in (("now", "customers"), ("then", "reference_customers")):
        expected = both * pl.col(size) / everyone
        parts.append(((pl.col(seen) - expected) ** 2 / expected).sum())
    return (parts[0] + parts[1]).alias("chi_square")


def _ks(counts: pl.DataFrame, totals: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    ordered = counts.filter(pl.col("fine").is_not_null()).sort([*keys, "fine"])
    steps = ordered.group_by(keys, maintain_order=True).agg(
        (
            pl.col("now").cum_sum() / pl.col("now").sum()
            - pl.col("then").cum_sum() / pl.col("then").sum()
        )
        .abs()
        .max()
        .alias("ks")
    )
    return steps.with_columns(pl.col("ks").fill_nan(None))


def _against_chance(found: pl.DataFrame) -> pl.DataFrame:
    judged = (pl.col("customers") > 0) & (pl.col("reference_customers") > 0) & (pl.col("bins") > 1)
    noise = 1 / pl.col("customers") + 1 / pl.col("reference_customers")
    freedom = (found["bins"] - 1).clip(1).to_numpy()
    found = found.with_columns(
        ((pl.col("bins") - 1) * noise).alias("psi_expected"),
        (pl.Series(chi2.ppf(0.95, freedom), dtype=pl.Float64) * noise).alias("psi_p95"),
        pl.Series(
            "p_value",
            chi2.sf(found["chi_square"].fill_null(0.0).to_numpy(), freedom),
            dtype=pl.Float64,
        ),
    )
    numbers = ["psi", "psi_expected", "psi_p95", "ks", "chi_square", "p_value"]
    return found.with_columns(
        pl.when(judged).then(pl.col(name)).round(9).alias(name) for name in numbers
    )
