"""Which method gives the values of a month: compared once a quarter, kept in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from portrait_assets.core.months import last_day, month_range, next_month
from portrait_assets.methods.lifetime.backtest import Backtest, Score
from portrait_assets.methods.lifetime.candidates import ORDER, Prediction
from portrait_assets.methods.lifetime.intervals import Spread
from portrait_assets.methods.lifetime.models.fitting import Fit
from portrait_assets.methods.lifetime.values import (
    JUDGED_AT_MOST,
    Choice,
    Horizon,
    choose,
    expectations,
)
from portrait_assets.methods.lifetime.windows import Window
from portrait_assets.stages.predictions.value.history import MonthHistory

HORIZON_MONTHS = 3
"""Months that a value is of: a quarter can be judged with half a year of history."""
COMPARED_EVERY = 3
"""Months until methods are compared and fitted again."""
SEASON_MONTHS = 12
MOST_BIAS = 0.3
"""How far all that was expected may be from what came, as a share of that, without a warning."""


@dataclass(frozen=True)
class Judged:
    """How a method did when methods were compared; NaN where it could not be used, and why."""

    newest: Score
    season: Score | None
    judged_after: str
    customers: int


@dataclass(frozen=True)
class Kept:
    """What gives the values until methods are compared again.

    Args:
        method: the one that was chosen.
        compared_in: the month in which it was.
        fits: of the models, by name.
        spreads: of purchases and spend around what the method expects.
        judged: how each method did, by name.
    """

    method: str
    compared_in: str
    fits: Mapping[str, Fit]
    spreads: tuple[Spread, Spread] | None
    judged: Mapping[str, Judged]

    def is_kept_in(self, month: str) -> bool:
        """Whether a quarter has not passed by the month."""
        return self.compared_in <= month < next_month(self.compared_in, COMPARED_EVERY)


def too_short(first_month: str, month: str) -> tuple[str, str] | None:
    """Why a history from one month to another is too short, in English and Chinese."""
    months = len(month_range(first_month, month))
    if months >= 2 * HORIZON_MONTHS:
        return None
    return (
        f"The history is of {months} months, and methods are compared in {HORIZON_MONTHS} that are "
        f"over after as many: from {2 * HORIZON_MONTHS} months on there are values.",
        f"历史仅{months}个月，满{2 * HORIZON_MONTHS}个月方可比较方法并估值。",
    )


def too_little(history: MonthHistory, month: str) -> tuple[str, str] | None:
    """Why nothing can be expected as of the month, in English and Chinese; None when it can."""
    first = history.first()
    if first is None:
        return "Nobody has bought anything by then.", "截至本月尚无购买记录。"
    if short := too_short(f"{first:%Y-%m}", month):
        return short
    if not history.comes_back():
        return (
            "Nobody has bought on a second day, so there is nothing to learn how often customers "
            "come back.",
            "尚无客户再次购买，无从估计复购频率。",
        )
    return None


def windows_of(first: date, month: str) -> tuple[Window, ...]:
    """The windows that methods are judged in, of whole months.

    The newest that is over; and a year before the horizon the same months, where a year's history
    was before them.
    """
    newest = Window(last_day(next_month(month, -HORIZON_MONTHS)), last_day(month))
    base = next_month(month, -SEASON_MONTHS)
    if f"{first:%Y-%m}" > next_month(base, 1 - SEASON_MONTHS):
        return (newest,)
    until = last_day(next_month(base, HORIZON_MONTHS))
    return (newest, Window(last_day(base), until, is_season=True))


def horizon_of(first: date, month: str) -> Horizon:
    """What is predicted as of a month's end: the months after it, in days."""
    until, window = last_day(month), windows_of(first, month)[0]
    end = last_day(next_month(month, HORIZON_MONTHS))
    return Horizon(first, until, (end - until).days, window.days)


def compared(history: MonthHistory, month: str) -> tuple[Kept, Prediction, str]:
    """The method that did best by the month's end, what it expects, and the one that can be used.

    Args:
        history: by the month's end, of which `too_little` says nothing.
        month: the month.
    """
    first = history.first()
    assert first is not None
    horizon = horizon_of(first, month)
    with history.sample(JUDGED_AT_MOST) as judged:
        choice = choose(judged, horizon, windows_of(first, month))
    predicted, method = expectations(history, horizon, choice.method)
    fits = {each.name: each for each in (*predicted.fits, predicted.spend_fit)}
    kept = Kept(method, month, fits, choice.spreads_of(method), _judged(choice))
    return kept, predicted, method


def by_kept(history: MonthHistory, month: str, kept: Kept) -> tuple[Prediction, str]:
    """What a method that was chosen before expects, with the parameters that it had then."""
    first = history.first()
    assert first is not None
    return expectations(history, horizon_of(first, month), kept.method, kept.fits)


def _judged(choice: Choice) -> dict[str, Judged]:
    newest = choice.backtests[0]
    season = choice.backtests[1] if len(choice.backtests) > 1 else None
    seasons = _by_name(season) if season else {}
    after = f"{newest.window.base:%Y-%m}"
    return {
        name: Judged(score, seasons.get(name), after, newest.customers)
        for name, score in _by_name(newest).items()
    }


def _by_name(backtest: Backtest) -> dict[str, Score]:
    return {score.name: score for score in backtest.scores if score.name in ORDER}
