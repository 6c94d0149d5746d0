"""The windows that a month closes.

A window of `horizon` months begins after the base month and ends with the month itself, so nothing
later is read, and a window that is not over has no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portrait_assets.core.months import month_range, next_month
from portrait_assets.stages.targets.declared.outcome import HORIZONS
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Span


@dataclass(frozen=True, order=True)
class Window:
    """A prediction window: the months after a base month in which an outcome is looked for."""

    base_month: str
    horizon: int

    @property
    def month(self) -> str:
        """The month that closes it."""
        return next_month(self.base_month, self.horizon)

    def before(self, month: str) -> Lag:
        """The same window, relative to a step of that month."""
        return Lag(len(month_range(self.month, month)) - 1, self.horizon)


@dataclass(frozen=True)
class Lag:
    """A window by how many months before a step's own month it was closed."""

    ago: int
    horizon: int

    def of(self, month: str) -> Window:
        """The window of a step of that month."""
        return Window(next_month(month, -self.ago - self.horizon), self.horizon)


def closing(horizons: Iterable[int] = HORIZONS) -> tuple[Lag, ...]:
    """The windows of these lengths that a month closes, the shortest first."""
    return tuple(Lag(0, horizon) for horizon in sorted(horizons))


def closed_by(month: str, horizons: Iterable[int] = HORIZONS) -> list[Window]:
    """The windows of these lengths that the month closes, the shortest first."""
    return [lag.of(month) for lag in closing(horizons)]


def base_months(lags: Sequence[Lag]) -> Span:
    """From the first to the last base month of the windows."""
    ago = [lag.ago + lag.horizon for lag in lags]
    return Span(max(ago), min(ago))


def closing_months(lags: Sequence[Lag]) -> Span:
    """From the first to the last month that closes one of the windows."""
    ago = [lag.ago for lag in lags]
    return Span(max(ago), min(ago))


def windows_sql(lags: Sequence[Lag], month: str) -> str:
    """The windows as an SQL table of `base_month` and `horizon`, in parentheses."""
    rows = (f"({literal(w.base_month)}, {w.horizon})" for w in (lag.of(month) for lag in lags))
    return f"(SELECT * FROM (VALUES {', '.join(rows)}) AS w(base_month, horizon))"
