"""Transactions of invented customers who buy and lapse as the models say, or as a clock."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from portrait_assets.methods.lifetime.models.histories import Histories

FIRST = date(2020, 1, 1)


def history(x: float, t_x: float, age: float) -> Histories:
    """One customer's history."""
    return Histories(*(np.array([value], dtype=float) for value in (x, t_x, age, 1)))


def transactions(rows: list[tuple[str, str, float | None]]) -> pl.LazyFrame:
    """Customer, day and amount."""
    schema = {"customer_id": pl.String, "occurred_at": pl.String, "amount": pl.Float64}
    frame = pl.LazyFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.col("occurred_at").str.to_date())


def pareto_nbd(
    customers: int,
    days: int,
    seed: int = 0,
    parameters: tuple[float, float, float, float] = (0.8, 8.0, 0.6, 20.0),
    season: float = 0.0,
) -> pl.DataFrame:
    """Customers of a Pareto/NBD (in weeks) who join in the first three quarters of the days.

    With a season, that share of the purchases is left out at the low of each year.
    """
    draw = np.random.default_rng(seed)
    r, alpha, s, beta = parameters
    joined = draw.integers(0, days * 3 // 4, customers).astype(float)
    rate, lapsing = draw.gamma(r, 1 / alpha, customers) / 7, draw.gamma(s, 1 / beta, customers) / 7
    lapsed = joined + draw.exponential(1 / lapsing)
    counts = draw.poisson(rate * (days - joined))
    who = np.repeat(np.arange(customers), counts)
    day = joined[who] + draw.uniform(size=len(who)) * (days - joined[who])
    kept = day < lapsed[who]
    kept &= draw.uniform(size=len(who)) > season * (1 - np.sin(2 * np.pi * day / 365)) / 2
    who, day = np.r_[np.arange(customers), who[kept]], np.r_[joined, day[kept]]
    level = 30 / draw.gamma(4, 1, customers)
    amount = level[who] * draw.gamma(6, 1, len(who))
    return frame(who, day, amount)


def weekly(customers: int, days: int) -> pl.DataFrame:
    """Customers who join one by one and buy every seventh day."""
    joined = np.arange(customers) * (days // 2) // customers
    counts = (days - joined) // 7 + 1
    who = np.repeat(np.arange(customers), counts)
    begins = np.repeat(np.cumsum(counts) - counts, counts)
    day = joined[who] + 7 * (np.arange(len(who)) - begins)
    return frame(who, day.astype(float), np.full(len(who), 10.0))


def frame(who: np.ndarray, day: np.ndarray, amount: np.ndarray) -> pl.DataFrame:
    """The columns of transactions; days count from FIRST."""
    days = pl.Series(day.astype(np.int32)).cast(pl.Duration("ms")) * 86_400_000
    return pl.DataFrame({"customer_id": who, "amount": amount}).with_columns(
        occurred_at=pl.lit(FIRST) + days
    )


def after(days: int) -> date:
    """So many days after FIRST."""
    return FIRST + timedelta(days)
