"""Methods judged in a window that is over, and the one that is chosen by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.lifetime.candidates import ORDER, Candidate, predict
from portrait_assets.methods.lifetime.intervals import Spread, coverage, spread
from portrait_assets.methods.lifetime.transactions import History
from portrait_assets.methods.lifetime.windows import Window
from portrait_assets.methods.statistics.intervals import Z95


@dataclass(frozen=True)
class Score:
    """How a method did in a window; NaN throughout when it has a `problem`.

    Errors are in purchases per customer. `bias` is the total that was expected as a share of what
    came true, less 1; `spend_bias` the same of spend.
    """

    name: str
    mean_absolute_error: float
    root_mean_squared_error: float
    bias: float
    spend_bias: float
    problem: str = ""


@dataclass(frozen=True)
class Backtest:
    """All methods in one window: what they expected as of its base against what came true."""

    window: Window
    customers: int
    purchases: int
    scores: tuple[Score, ...]
    candidates: Mapping[str, Candidate]
    actual_purchases: Floats
    actual_spend: Floats

    def chosen(self) -> str:
        """The first method in the order that is not surely worse than the one of least error.

        Squared errors decide, as their least mean is at the expectation and that of absolute ones
        at the median, which is 0 for most. Surely: the 95 % interval of the mean difference of two
        methods' errors, customer by customer, is above 0.
        """
        errors = {
            name: (found.purchases - self.actual_purchases) ** 2
            for name in ORDER
            if (found := self.candidates[name]).purchases is not None
        }
        best = min(errors, key=lambda name: float(errors[name].mean()))
        return next(name for name in errors if not _surely_above(errors[name], errors[best]))

    @property
    def compares(self) -> bool:
        """Whether two methods or more could be used in it."""
        return sum(found.purchases is not None for found in self.candidates.values()) > 1

    def spreads(self, name: str) -> tuple[Spread, Spread]:
        """How far purchases and spend lay from what the method expected."""
        purchases, spend = self._expected(name)
        return spread(purchases, self.actual_purchases), spread(spend, self.actual_spend)

    def coverage(self, name: str) -> float:
        """Share of customers whose purchases lie within intervals found from the other half."""
        return coverage(self._expected(name)[0], self.actual_purchases)

    def _expected(self, name: str) -> tuple[Floats, Floats]:
        found = self.candidates[name]
        assert found.purchases is not None
        assert found.spend is not None
        return found.purchases, found.spend


def backtest(history: History, first: date, window: Window) -> Backtest:
    """What all methods expected as of the window's base, against what came true in it.

    Args:
        history: of the customers that methods are judged by.
        first: the first day of the history.
        window: a window that is over.
    """
    predicted = predict(history, first, window.base, window.days, window.days)
    done = history.outcome(predicted.customers, window.base, window.until)
    purchases = done["purchases"].cast(pl.Float64).to_numpy()
    spend = np.clip(done["spend"].cast(pl.Float64).to_numpy(), 0, None)
    return Backtest(
        window,
        len(purchases),
        int(purchases.sum()),
        tuple(_score(predicted.candidates[name], purchases, spend) for name in ORDER),
        predicted.candidates,
        purchases,
        spend,
    )


def decided(backtests: Sequence[Backtest]) -> Backtest:
    """The backtest that decides: the season's where there is one, else the newest window's.

    A season in which one method alone could be used compares nothing: the newest window decides.
    """
    season, newest = backtests[-1], backtests[0]
    return season if season.compares else newest


def _score(found: Candidate, purchases: Floats, spend: Floats) -> Score:
    if found.purchases is None or found.spend is None:
        nothing = float("nan")
        return Score(found.name, nothing, nothing, nothing, nothing, found.problem)
    errors = found.purchases - purchases
    return Score(
        found.name,
        float(np.abs(errors).mean()),
        float(np.sqrt((errors**2).mean())),
        _bias(found.purchases, purchases),
        _bias(found.spend, spend),
    )


def _bias(expected: Floats, actual: Floats) -> float:
    total = float(actual.sum())
    return float(expected.sum()) / total - 1 if total > 0 else float("nan")


def _surely_above(one: Floats, other: Floats) -> bool:
    difference = one - other
    error = float(difference.std()) / np.sqrt(len(difference))
    return bool(difference.mean() > Z95 * error)
