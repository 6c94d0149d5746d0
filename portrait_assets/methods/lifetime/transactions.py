"""Transactions to purchases, and purchases to a history per customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import polars as pl

DAYS = 7
"""Days of the unit that times are in, a week."""


class History(Protocol):
    """What customers bought, from which the methods learn and predict."""

    def summary(self, until: date, window_days: int) -> pl.DataFrame:
        """One row per customer as of a day; see the function `summary`."""

    def outcome(self, customers: pl.DataFrame, after: date, until: date) -> pl.DataFrame:
        """What customers did after a day up to another; see the function `outcome`."""

    def mean_amount(self, until: date) -> float:
        """Mean amount of all purchases up to a day; NaN where no amount is known."""


@dataclass(frozen=True)
class Purchases:
    """A history from purchases by day.

    Args:
        rows: of the function `purchases`.
    """

    rows: pl.LazyFrame

    def summary(self, until: date, window_days: int) -> pl.DataFrame:
        """One row per customer as of a day."""
        return summary(self.rows, until, window_days).collect()

    def outcome(self, customers: pl.DataFrame, after: date, until: date) -> pl.DataFrame:
        """What customers did after a day up to another."""
        return outcome(self.rows, customers.lazy(), after, until).collect()

    def mean_amount(self, until: date) -> float:
        """Mean amount of all purchases up to a day."""
        known = self.rows.filter(pl.col("day") <= until).select(pl.col("amount").mean())
        found = known.collect().item()
        return float("nan") if found is None else float(found)


def purchases(transactions: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer and day, sorted.

    Columns: `customer_id`, `day`, `first` (the customer's first purchase, null without one),
    `amount`, `returned`, `is_purchase`.

    Several transactions of one day are one purchase. A day of which nothing is left after what was
    given back is none, and a day without an amount is a purchase of an unknown amount (null).

    Args:
        transactions: columns `customer_id`, `occurred_at` (a date or moment) and `amount`, below 0
            for what was given back.
    """
    amount = pl.col("amount").cast(pl.Float64)
    return (
        transactions.select("customer_id", pl.col("occurred_at").cast(pl.Date).alias("day"), amount)
        .group_by("customer_id", "day")
        .agg(
            pl.when(pl.col("amount").is_not_null().any()).then(pl.col("amount").sum()),
            is_return=(pl.col("amount") < 0).any(),
        )
        .with_columns(is_purchase=~(pl.col("is_return").fill_null(False) & (pl.col("amount") <= 0)))
        .with_columns(
            returned=pl.when("is_purchase").then(0.0).otherwise(-pl.col("amount")),
            amount=pl.when("is_purchase").then("amount"),
        )
        .sort("customer_id", "day")
        .select(
            "customer_id",
            "day",
            pl.when("is_purchase").then("day").min().over("customer_id").alias("first"),
            "amount",
            "returned",
            "is_purchase",
        )
    )


def summary(bought: pl.LazyFrame, until: date, window_days: int) -> pl.LazyFrame:
    """One row per customer with a purchase up to a day, sorted by customer.

    Columns: `customer_id`; `x`, purchases after the first; `t_x` and `T`, weeks from the first to
    the last and to `until`; `mean_spend` of the purchases after the first, less the share that the
    customer gave back of all (null without one); `recent` and `recent_spend`, purchases after the
    first and their spend in the last `window_days` days.

    Args:
        bought: rows of `purchases`.
        until: the last day that counts.
        window_days: length of the last window.
    """
    day, amount, first = pl.col("day"), pl.col("amount"), pl.col("first")
    is_repeat = pl.col("is_purchase") & (day > first)
    is_recent = is_repeat & (day > until - timedelta(window_days))
    last = pl.when("is_purchase").then(day).max()
    kept = 1 - pl.col("returned").sum() / amount.sum()
    return (
        bought.filter(day <= until, first <= until)
        .group_by("customer_id")
        .agg(
            x=is_repeat.sum().cast(pl.Int64),
            t_x=(last - first.first()).dt.total_days() / DAYS,
            T=(pl.lit(until) - first.first()).dt.total_days() / DAYS,
            kept=pl.when(amount.sum() > 0).then(kept.clip(0, 1)).otherwise(1.0),
            mean_spend=pl.when(is_repeat).then(amount).mean(),
            recent=is_recent.sum().cast(pl.Int64),
            recent_spend=pl.when(is_recent).then(amount).sum(),
        )
        .with_columns(pl.col("mean_spend", "recent_spend") * pl.col("kept"))
        .drop("kept")
        .sort("customer_id")
    )


def outcome(
    bought: pl.LazyFrame, customers: pl.LazyFrame, after: date, until: date
) -> pl.LazyFrame:
    """What customers did after a day up to another: `purchases`, and `spend` net of returns.

    Args:
        bought: rows of `purchases`.
        customers: `customer_id`, a row per customer; the result has their rows in their order.
        after: the last day that was known.
        until: the last day of the window.
    """
    done = (
        bought.filter(pl.col("day") > after, pl.col("day") <= until)
        .group_by("customer_id")
        .agg(
            purchases=pl.col("is_purchase").sum().cast(pl.Int64),
            spend=pl.col("amount").sum() - pl.col("returned").sum(),
        )
    )
    return (
        customers.select("customer_id")
        .join(done, on="customer_id", how="left", maintain_order="left")
        .with_columns(pl.col("purchases", "spend").fill_null(0))
    )
