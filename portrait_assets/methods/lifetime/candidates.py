"""What each method expects of every customer as of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.lifetime import trees
from portrait_assets.methods.lifetime.models import bg_nbd, gamma_gamma, pareto_nbd
from portrait_assets.methods.lifetime.models.fitting import Family, Fit, fit
from portrait_assets.methods.lifetime.models.histories import grouped
from portrait_assets.methods.lifetime.transactions import History
from portrait_assets.methods.lifetime.windows import learnt_windows

REPEAT = "the last window repeats"
ORDER = (bg_nbd.NAME, pareto_nbd.NAME, REPEAT, trees.NAME)
"""Methods, the one to be preferred among equals first."""
_FAMILIES: tuple[Family, ...] = (bg_nbd, pareto_nbd)


@dataclass(frozen=True)
class Candidate:
    """A method's expectations by customer; without any it names its `problem`."""

    name: str
    purchases: Floats | None
    spend: Floats | None
    alive: Floats | None = None
    problem: str = ""


@dataclass(frozen=True)
class Prediction:
    """What the methods expect of the customers known as of a day, in the days after it."""

    customers: pl.DataFrame
    fits: tuple[Fit, ...]
    spend_fit: Fit
    candidates: dict[str, Candidate]

    @property
    def alive(self) -> Floats | None:
        """Probability that a customer has not lapsed, by the first model that can say."""
        found = (each.alive for each in self.candidates.values() if each.alive is not None)
        return next(found, None)


def predict(
    history: History,
    first: date,
    base: date,
    days: int,
    window: int,
    is_boosted: bool = True,
    fits: Mapping[str, Fit] | None = None,
) -> Prediction:
    """The expectations of all methods as of a day.

    Args:
        history: of the customers, of which only what was up to `base` is looked at.
        first: the first day of the history.
        base: the last day that is known.
        days: how many days after it are predicted.
        window: days of the window that the baseline repeats, `days` or fewer.
        is_boosted: whether trees are to be fitted, which takes the longest.
        fits: fits of an earlier day by name, to predict by; by default models are fitted anew.
    """
    fits = fits or {}
    customers = history.summary(base, window)
    per_purchase, spend_fit = _per_purchase(customers, history, base, fits.get(gamma_gamma.NAME))
    histories, places = grouped(customers)
    fitted_now, found = [], []
    for family in _FAMILIES:
        fitted = fits.get(family.NAME) or fit(family, histories)
        alive = purchases = None
        if fitted.is_usable:
            alive = family.alive(fitted.values, histories)
            purchases = family.expected(fitted.values, histories, days / 7)
            fitted = _finite(fitted, alive, purchases)
        fitted_now.append(fitted)
        if fitted.is_usable and alive is not None and purchases is not None:
            by_customer = purchases[places]
            spend = by_customer * per_purchase
            found.append(Candidate(fitted.name, by_customer, spend, alive[places]))
        else:
            found.append(Candidate(fitted.name, None, None, problem=fitted.problem))
    found.append(_repeat(customers, days / window))
    if is_boosted:
        found.append(_boosted(history, first, base, days, customers, per_purchase))
    return Prediction(customers, tuple(fitted_now), spend_fit, {each.name: each for each in found})


def _finite(fitted: Fit, alive: Floats, purchases: Floats) -> Fit:
    if np.isfinite(alive).all() and np.isfinite(purchases).all():
        return fitted
    problem = "it is degenerate (what it expects of some customers is no number)"
    return Fit(fitted.name, fitted.parameters, fitted.log_likelihood, fitted.customers, problem)


def _repeat(customers: pl.DataFrame, times: float) -> Candidate:
    purchases, spend = (
        customers[name].cast(pl.Float64).to_numpy() * times for name in ("recent", "recent_spend")
    )
    return Candidate(REPEAT, purchases, spend)


def _boosted(
    history: History,
    first: date,
    base: date,
    days: int,
    customers: pl.DataFrame,
    per_purchase: Floats,
) -> Candidate:
    windows = learnt_windows(first, base, days)
    problem = "" if windows else "the history is too short to learn from"
    purchases = None
    if windows:
        purchases, problem = trees.expected(history, windows, customers, days)
    spend = None if purchases is None else purchases * per_purchase
    return Candidate(trees.NAME, purchases, spend, problem=problem)


def _per_purchase(
    customers: pl.DataFrame, history: History, base: date, earlier: Fit | None
) -> tuple[Floats, Fit]:
    """Expected spend per purchase by customer; NaN where no amount is known at all."""
    x = customers["x"].cast(pl.Float64).to_numpy()
    spent = customers["mean_spend"]
    x = np.where(spent.is_null().to_numpy(), 0.0, x)
    means = spent.fill_null(0.0).to_numpy()
    fitted = earlier or gamma_gamma.fit(x, means)
    if fitted.is_usable:
        return gamma_gamma.expected(fitted.values, x, means), fitted
    general = cast(float, spent.mean()) if spent.count() else history.mean_amount(base)
    return (x * means + general) / (x + 1), fitted
