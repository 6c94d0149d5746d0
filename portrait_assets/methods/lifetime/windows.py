"""Windows that are over, in which methods are judged and learn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

YEAR_DAYS = 365


@dataclass(frozen=True)
class Window:
    """Days after `base` up to `until`; what is predicted as of `base` comes true in it or not."""

    base: date
    until: date
    is_season: bool = False
    """Whether it is the season of the days after the history, a year before."""

    @property
    def days(self) -> int:
        """Its length."""
        return (self.until - self.base).days


def judged_windows(first: date, until: date, horizon_days: int) -> tuple[Window, ...]:
    """The windows that methods are judged in; `backtest.decided` says which decides.

    The newest that is over, of the horizon's length or half of the history where that is shorter;
    and a year before the horizon the same days, where a year's history was before them: methods
    are not judged by what they learn from much less than there is now. None where the history is
    of less than two days.

    Args:
        first: the first day of the history.
        until: its last day.
        horizon_days: how far is predicted.
    """
    days = min(horizon_days, (until - first).days // 2)
    if days < 1:
        return ()
    newest = Window(until - timedelta(days), until)
    season = _year_before(first, until, horizon_days, history_days=YEAR_DAYS)
    return (newest, season) if season else (newest,)


def learnt_windows(first: date, base: date, days: int) -> tuple[Window, ...]:
    """The windows up to a day that a method may learn from, a window's history before each."""
    newest = Window(base - timedelta(days), base)
    if (newest.base - first).days < days:
        return ()
    season = _year_before(first, base, days, history_days=days)
    return (newest, season) if season else (newest,)


def _year_before(first: date, until: date, days: int, history_days: int) -> Window | None:
    base = until - timedelta(YEAR_DAYS)
    if days >= YEAR_DAYS or (base - first).days + 1 < history_days:
        return None
    return Window(base, base + timedelta(days), is_season=True)
