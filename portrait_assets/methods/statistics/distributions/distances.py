"""Many pairs of distributions compared at once, each beside what chance alone would give."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import chi2

from portrait_assets.methods.statistics.distributions.homogeneity import ABSENT, change
from portrait_assets.methods.statistics.distributions.stability import (
    chi_square,
    ks,
    psi,
    psi_by_chance,
    psi_expected,
    smoothed_shares,
)
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate

NUMBERS = ("psi", "psi_expected", "psi_p95", "ks", "chi_square", "p_value")


def distances(
    counts: pl.DataFrame, keys: list[str], family: list[str], moves: pl.DataFrame | None = None
) -> pl.DataFrame:
    """PSI, KS, chi-square and what chance alone would give, one row per group of `keys`.

    Args:
        counts: `keys` with `bin` (any text), `fine` (position on the scale; null where there is
            no order), `now` and `then` (customers). Rows of one `bin` are added up for PSI and
            chi-square; KS is the largest difference of the two distributions over `fine`.
        keys: the columns that identify a comparison.
        family: those of the keys within which many comparisons are made at once.
        moves: `keys` with `bin_then`, `bin_now` (null where he is not in that month) and
            `customers`, of a sample of the customers of either month. A comparison without any is
            one of two samples of different customers.

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
            pl.col("bin").alias("labels"),
            now.alias("by_bin_now"),
            then.alias("by_bin_then"),
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
    judged = _against_chance(_with_moves(every, keys, moves))
    return judged.with_columns(q_value.alias("q_value")).sort(keys)


def _with_moves(
    compared: pl.DataFrame, keys: list[str], moves: pl.DataFrame | None
) -> pl.DataFrame:
    """With the numbers of `homogeneity.change`, null where there are no moves to judge by."""
    by_place = {} if moves is None else _moves_by_place(compared, keys, moves)
    rows: list[tuple[float, ...] | None] = []
    columns = ["labels", "by_bin_then", "by_bin_now"]
    for at, (labels, then, now) in enumerate(compared.select(columns).iter_rows()):
        moved = by_place.get(at)
        if moved is None or labels is None or len(labels) < 2 or not sum(then) or not sum(now):
            rows.append(None)
            continue
        moves_of = change(np.array(then, float), np.array(now, float), moved)
        numbers = (moves_of.chi_square, moves_of.p_value)
        rows.append((*numbers, moves_of.psi_expected, moves_of.psi_p95))
    names = ["chi_square", "p_value", "psi_expected", "psi_p95"]
    known = [row or (None,) * len(names) for row in rows]
    schema = {f"{name}:moves": pl.Float64 for name in names}
    # The last digits of an eigenvalue differ with the number of threads.
    found = pl.DataFrame(known, schema=schema, orient="row").select(pl.all().round_sig_figs(6))
    return compared.drop("labels", "by_bin_then", "by_bin_now").hstack(found)


def _moves_by_place(
    compared: pl.DataFrame, keys: list[str], moves: pl.DataFrame
) -> dict[int, npt.NDArray[np.float64]]:
    """By row of what is compared the moves that `homogeneity.change` reads."""
    numbered = compared.select(*keys, "labels").with_row_index("row")
    places = (
        numbered.select("row", pl.col("labels").alias("bin"))
        .explode("bin")
        .with_columns(place=pl.int_range(pl.len()).over("row"))
    )
    # Sums of floats depend on their order, and a rerun must give the same to the last digit.
    placed = moves.join(numbered.drop("labels"), on=keys, nulls_equal=True)
    for side in ("bin_then", "bin_now"):
        own = places.select("row", pl.col("bin").alias(side), pl.col("place").alias(f"at_{side}"))
        placed = placed.join(own, on=["row", side], how="left")
    placed = placed.select(
        "row",
        pl.col("at_bin_then", "at_bin_now").fill_null(ABSENT),
        pl.col("customers").cast(pl.Float64),
    ).sort(pl.all())
    rows, starts = np.unique(placed["row"].to_numpy(), return_index=True)
    parts = np.split(placed.drop("row").to_numpy(), starts[1:])
    return dict(zip(rows.tolist(), parts, strict=True)) if len(rows) else {}


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
    judged = [name for name in NUMBERS if f"{name}:moves" in compared.columns]
    compared = compared.with_columns(
        pl.coalesce(f"{name}:moves", name).alias(name) for name in judged
    )
    return compared.select(pl.exclude("^.*:moves$")).with_columns(
        pl.when(is_comparable).then(pl.col(name)).round(9).alias(name) for name in NUMBERS
    )
