"""What the features of one month are computed from: nothing in it happened after `as_of`."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Inputs:
    """The tables up to and with the month, each with its contract's columns."""

    customer_month: pl.LazyFrame
    customer_category_month: pl.LazyFrame
    customers: pl.LazyFrame
    balances: pl.LazyFrame

    def through(self, month: str) -> Inputs:
        """The same tables without anything later than the month."""
        until = pl.col("month") <= month
        return Inputs(
            self.customer_month.filter(until),
            self.customer_category_month.filter(until),
            self.customers.filter(until),
            self.balances.filter(until),
        )


def ratio(part: str | pl.Expr, whole: str | pl.Expr) -> pl.Expr:
    """part / whole rounded once to six places; null where the whole is not above zero."""
    part = pl.col(part) if isinstance(part, str) else part
    whole = pl.col(whole) if isinstance(whole, str) else whole
    quotient = part.cast(pl.Float64) / whole.cast(pl.Float64)
    return pl.when(whole > 0).then(quotient.round(6)).otherwise(None)


def share(part: str | pl.Expr, whole: str | pl.Expr) -> pl.Expr:
    """`ratio` held within 0 and 1, which returned goods can push it out of."""
    return ratio(part, whole).clip(0, 1)
