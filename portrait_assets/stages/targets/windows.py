"""Steps that add up what was done in the windows which a month closes.

A window of `horizon` months begins after the base month and ends with the month itself, so nothing
later is read, and a window that is not over has no rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portrait_assets.core.months import month_range, next_month
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.features.purchases import as_known, net_months
from portrait_assets.stages.targets import contract
from portrait_assets.stages.targets.contract import HORIZONS
from portrait_assets.stages.targets.outcomes import FACTS
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import Scope, Span, Step, read, window

LONGEST = max(HORIZONS)


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


CLOSING = tuple(Lag(0, horizon) for horizon in HORIZONS)
"""The windows that a month closes, the shortest first."""


def closed_by(month: str) -> list[Window]:
    """The windows that the month closes, the shortest first."""
    return [lag.of(month) for lag in CLOSING]


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


BASE = Step(
    "base",
    (read(FEATURE_MATRIX, base_months(CLOSING)),),
    "SELECT DISTINCT strftime(as_of, '%Y-%m') AS base_month FROM feature_matrix",
)
"""The base months that have a feature matrix: the source's months from the first one on."""

CLOSED = Step(
    "closed",
    (BASE,),
    lambda scope: f"FROM {windows_sql(CLOSING, scope.month)} SEMI JOIN base USING (base_month)",
)
"""The windows that the month closes."""


def _month(scope: Scope) -> str:
    return f"{literal(scope.month)} AS month"


_SUMS = ", ".join(
    f"CAST(sum({fact.of_month}) AS {fact.column.type}) AS {fact.name}" for fact in FACTS
)

_TRANSACTIONS = read(CLEANED["transactions"], window(LONGEST))
NET_MONTH = as_known(
    read(CUSTOMER_MONTH, window(LONGEST), "month_then"), net_months(_TRANSACTIONS), "customer_month"
)
"""The months of the longest window, without purchases that were cancelled within it."""

TARGET = Step(
    "target",
    (NET_MONTH, CLOSED),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, w.base_month, w.horizon, c.customer_id, {_SUMS}
    FROM closed AS w JOIN customer_month AS c ON c.month > w.base_month
    GROUP BY w.base_month, w.horizon, c.customer_id ORDER BY w.horizon, c.customer_id
    """
    ),
    writes=contract.TARGET,
)
"""What each customer did in each window, under the identifier of that time."""

SOURCE_OUTCOME = Step(
    "source_outcome",
    (read(CLEANED["outcomes"], window(LONGEST)), CLOSED),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, w.base_month, w.horizon, o.customer_id, o.outcome,
        max(o.value) AS value
    FROM closed AS w JOIN outcomes AS o ON o.month > w.base_month
    WHERE o.value IS NOT NULL
    GROUP BY w.base_month, w.horizon, o.customer_id, o.outcome
    ORDER BY w.horizon, o.customer_id, o.outcome
    """
    ),
    writes=contract.SOURCE_OUTCOME,
)
"""What the source reported of customers in each window."""

STEPS = (TARGET, SOURCE_OUTCOME)
