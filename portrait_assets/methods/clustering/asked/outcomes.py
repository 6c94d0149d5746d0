"""How well groups of customers predict what they do later, judged on a later time.

A group's rates are those of an earlier time, drawn towards everybody's; the logarithmic loss of a
customer is minus the logarithm of the rate at which their group did what they did, I. Good (1952),
"Rational decisions". A gain is the mean difference of two losses of the same customers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import norm

from portrait_assets.core.arrays import FloatVector

SHRUNK_BY = 20.0
"""A group's rates are drawn to everybody's as if by so many customers."""
LEAST_RATE = 1e-4
"""What nobody did at the earlier time happens at this rate."""
DIGITS = 6


class Gain(NamedTuple):
    """The mean loss that is saved per customer, in nats, and its interval."""

    mean: float
    low: float
    high: float


def log_losses(earlier: pl.DataFrame, later: pl.DataFrame) -> FloatVector:
    """The loss of each later customer by the rates of their group at the earlier time, in nats.

    Args:
        earlier: one row per customer: `group` and `did`, what they did after it.
        later: the same at a later time; one of a group that was not there has everybody's rates.
    """
    kinds = sorted({*earlier["did"].unique(), *later["did"].unique()})
    base = _rates(earlier, kinds).with_columns(pl.col("rate").clip(LEAST_RATE))
    base = base.with_columns(pl.col("rate") / pl.col("rate").sum())
    sizes = earlier.group_by("group").agg(pl.len().alias("customers"))
    counts = earlier.group_by("group", "did").agg(pl.len().alias("did_it"))
    rates = (
        sizes.join(base, how="cross")
        .join(counts, on=["group", "did"], how="left")
        .select(
            "group",
            "did",
            (pl.col("did_it").fill_null(0) + SHRUNK_BY * pl.col("rate"))
            .truediv(pl.col("customers") + SHRUNK_BY)
            .alias("of_group"),
        )
    )
    found = (
        later.select("group", "did")
        .join(rates, on=["group", "did"], how="left", maintain_order="left")
        .join(base, on="did", how="left", maintain_order="left")
        .select(pl.coalesce("of_group", "rate"))
    )
    losses: FloatVector = -np.log(found.to_series().to_numpy())
    return losses


def gain(losses: FloatVector, others: FloatVector, confidence: float = 0.95) -> Gain:
    """What is saved by the first losses against the others, of the same customers.

    The interval is that of the mean of the differences, by its standard error.
    """
    saved = others - losses
    mean, error = float(saved.mean()), float(saved.std(ddof=1)) / np.sqrt(len(saved))
    reach = float(norm.ppf(0.5 + confidence / 2)) * float(error)
    return Gain(*(round(value, DIGITS) for value in (mean, mean - reach, mean + reach)))


def _rates(customers: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    counts = customers.group_by("did").agg(pl.len().alias("n"))
    every = pl.DataFrame({"did": kinds}, schema={"did": pl.String})
    return every.join(counts, on="did", how="left", maintain_order="left").select(
        "did", (pl.col("n").fill_null(0) / max(1, customers.height)).alias("rate")
    )
