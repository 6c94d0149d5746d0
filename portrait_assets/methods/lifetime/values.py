"""What every customer will buy and spend in a horizon, by the method that did best before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
import polars as pl

from portrait_assets.methods.lifetime import trees
from portrait_assets.methods.lifetime.backtest import Backtest, backtest, decided
from portrait_assets.methods.lifetime.candidates import ORDER, Prediction, predict
from portrait_assets.methods.lifetime.errors import LifetimeError
from portrait_assets.methods.lifetime.intervals import Spread
from portrait_assets.methods.lifetime.models.fitting import Fit
from portrait_assets.methods.lifetime.transactions import History, Purchases, purchases
from portrait_assets.methods.lifetime.windows import Window, judged_windows

JUDGED_AT_MOST = 100_000
"""Customers that the backtests are of; of more, an even sample by their identifiers."""


@dataclass(frozen=True)
class Lifetime:
    """Values by customer, and what they rest on.

    `values` has a row per customer, sorted: `customer_id`, `expected_purchases`, `expected_spend`,
    `low` and `high` (purchases: whole numbers between which those of 95 of 100 customers lie),
    `spend_low`, `spend_high`, `p_alive`. Without a window that is over the ends are null; without a
    model that can be used, `p_alive` is.
    """

    values: pl.DataFrame
    method: str
    first: date
    last: date
    until: date
    horizon_days: int
    fits: tuple[Fit, ...]
    spend_fit: Fit
    spend_correlation: float
    """Of purchases and mean spend, which gamma-gamma takes to be independent."""
    backtests: tuple[Backtest, ...]

    @property
    def is_judged_by_sample(self) -> bool:
        """Whether the backtests are of a sample of the customers."""
        return self.values.height > JUDGED_AT_MOST

    @property
    def deciding(self) -> Backtest | None:
        """The backtest by which the method was chosen; None when no window was over."""
        return decided(self.backtests) if self.backtests else None


def lifetime_values(transactions: pl.LazyFrame, until: date, horizon_days: int) -> Lifetime:
    """Expected purchases and spend of every customer after a day.

    Args:
        transactions: columns `customer_id`, `occurred_at` and `amount`; those after `until` are not
            looked at.
        until: the last day that is known.
        horizon_days: how many days after it are predicted, at least 1.

    Raises:
        LifetimeError: when nobody bought by then, nobody bought twice, or the history is too short
            for any method.
    """
    bought = purchases(transactions).filter(pl.col("day") <= until).collect()
    real = bought.filter("is_purchase")
    if real.is_empty():
        raise LifetimeError(f"Nobody has bought anything by {until}; name a later day.")
    if not real["customer_id"].is_duplicated().any():
        raise LifetimeError(
            f"Nobody has bought on a second day by {until}, so there is nothing to learn how often "
            "customers come back; name a later day or more transactions."
        )
    first, last = cast(date, real["day"].min()), cast(date, real["day"].max())
    windows = judged_windows(first, until, horizon_days)
    judged = Purchases(_even_sample(bought).lazy())
    horizon = Horizon(first, until, horizon_days, windows[0].days if windows else horizon_days)
    chosen = choose(judged, horizon, windows)
    predicted, method = expectations(Purchases(bought.lazy()), horizon, chosen.method)
    return Lifetime(
        values_of(predicted, method, chosen.spreads_of(method)),
        method,
        first,
        last,
        until,
        horizon_days,
        predicted.fits,
        predicted.spend_fit,
        _correlation(predicted.customers),
        chosen.backtests,
    )


@dataclass(frozen=True)
class Horizon:
    """What is predicted.

    Args:
        first: the first day of the history.
        until: the last day that is known.
        days: how many days after it are predicted.
        window: days of the window that the baseline repeats, `days` or fewer.
    """

    first: date
    until: date
    days: int
    window: int


@dataclass(frozen=True)
class Choice:
    """The method that did best, and the backtests by which (`decided`)."""

    method: str
    backtests: tuple[Backtest, ...]

    def spreads_of(self, method: str) -> tuple[Spread, Spread] | None:
        """How far purchases and spend lay from what it expected; None where nothing tells."""
        if not self.backtests:
            return None
        deciding = decided(self.backtests)
        is_judged = deciding.candidates[method].purchases is not None
        return deciding.spreads(method) if is_judged else None


def choose(judged: History, horizon: Horizon, windows: Sequence[Window]) -> Choice:
    """The method that did best in windows that are over, the first method where there is none.

    Args:
        judged: of the customers that methods are judged by.
        horizon: what is predicted.
        windows: those to judge in, of which `decided` takes one.
    """
    backtests = tuple(backtest(judged, horizon.first, window) for window in windows)
    return Choice(decided(backtests).chosen() if backtests else ORDER[0], backtests)


def expectations(
    history: History, horizon: Horizon, method: str, fits: Mapping[str, Fit] | None = None
) -> tuple[Prediction, str]:
    """What is expected of all customers, and the method that can be used.

    It is the first in the order that can be where the method cannot.

    Args:
        history: of all customers.
        horizon: what is predicted.
        method: the one chosen.
        fits: fits of an earlier day, to predict by; by default models are fitted anew.
    """
    is_boosted = method == trees.NAME
    predicted = predict(
        *(history, horizon.first, horizon.until, horizon.days, horizon.window),
        is_boosted=is_boosted,
        fits=fits,
    )
    order = (method, *(name for name in ORDER if name in predicted.candidates))
    usable = next(name for name in order if predicted.candidates[name].purchases is not None)
    return predicted, usable


def _even_sample(bought: pl.DataFrame) -> pl.DataFrame:
    """The purchases of every k-th customer, so that as many are left as are judged at most."""
    customers = bought.select("customer_id").unique().sort("customer_id")
    if customers.height <= JUDGED_AT_MOST:
        return bought
    places = (np.arange(JUDGED_AT_MOST) + 0.5) * (customers.height / JUDGED_AT_MOST)
    drawn = customers[places.astype(np.int64)]
    return bought.join(drawn, on="customer_id", how="semi", maintain_order="left")


def values_of(
    predicted: Prediction, method: str, spreads: tuple[Spread, Spread] | None
) -> pl.DataFrame:
    """A row per customer, with the columns of `Lifetime.values`.

    Args:
        predicted: what is expected.
        method: one that can be used.
        spreads: of purchases and spend around it; without them the ends are null.
    """
    found = predicted.candidates[method]
    assert found.purchases is not None
    assert found.spend is not None
    nothing = np.full(len(found.purchases), np.nan)
    low, high, spend_low, spend_high = (nothing,) * 4
    if spreads:
        counts, money = spreads
        low, high = counts.counts(found.purchases)
        spend_low, spend_high = money.bounds(found.spend)
    alive = predicted.alive if found.alive is None else found.alive
    columns = {
        "expected_purchases": found.purchases,
        "expected_spend": found.spend,
        "low": low,
        "high": high,
        "spend_low": spend_low,
        "spend_high": spend_high,
        "p_alive": nothing if alive is None else alive,
    }
    return predicted.customers.select("customer_id").with_columns(
        pl.Series(name, values).fill_nan(None) for name, values in columns.items()
    )


def _correlation(customers: pl.DataFrame) -> float:
    again = customers.filter(pl.col("mean_spend").is_not_null()).select("x", "mean_spend")
    found = again.select(pl.corr("x", "mean_spend")).item() if again.height > 1 else None
    return float("nan") if found is None else float(found)
