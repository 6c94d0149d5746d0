"""Seasonal indices: how far a month of the year lies above or below the level, on its own trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtrit

from portrait_assets.core.arrays import Floats

YEAR = 12
LEAST_MONTHS = 2 * YEAR
"""With one value of each month of the year, season and chance are the same."""


@dataclass(frozen=True)
class Seasons:
    """Seasonal indices of whole years of months, from the month of the year of the first on.

    `index`, `low` and `high` (95 %), of shape (12,), are shares of the mean level: 1.2 is a fifth
    above it; together they are 1 on average. `p_value` is that of no season at all.
    """

    index: Floats
    low: Floats
    high: Floats
    p_value: float
    level: float

    def adjusted(self, values: Floats) -> Floats:
        """The values, the first of the same month of the year, less their seasons."""
        effects = np.resize((self.index - 1) * self.level, len(values))
        return np.asarray(values - effects)


def seasons_of(values: Floats) -> Seasons | None:
    """The seasonal indices of a series; None where there are too few months, or no level.

    Least squares of a line and a mean per month of the year, which for whole years are sums: with
    two years it uses all 24 values, where ratios to a moving average of twelve months have one a
    month. Interval and F test are those of the regression (G. Seber, A. Lee, "Linear Regression
    Analysis", chapters 5 and 4), so seasons are taken to add the same amount in each year.

    Args:
        values: a month each, without a gap; of more than whole years the newest are taken, and the
            indices begin with the month of the year of the first that is.
    """
    years = len(values) // YEAR
    if len(values) < LEAST_MONTHS:
        return None
    table = np.asarray(values[-years * YEAR :], dtype=np.float64).reshape(years, YEAR)
    level = float(table.mean())
    if not np.isfinite(table).all() or level <= 0:
        return None
    year = np.arange(years) - (years - 1) / 2
    month = np.arange(YEAR) - (YEAR - 1) / 2
    squares = YEAR**3 * float((year**2).sum())
    slope = YEAR * float((year[:, None] * table).sum()) / squares
    effects = table.mean(axis=0) - slope * month - level
    fitted = level + slope * (YEAR * year[:, None] + month) + effects
    freedom = years * YEAR - YEAR - 1
    residual = float(((table - fitted) ** 2).sum())
    variance = residual / freedom
    errors = np.sqrt(variance * ((1 - 1 / YEAR) / years + month**2 / squares))
    half = float(stdtrit(freedom, 0.975)) * errors
    low, high = (1 + (effects + sign * half) / level for sign in (-1, 1))
    return Seasons(1 + effects / level, low, high, _p_value(table, residual, freedom), level)


def _p_value(table: Floats, residual: float, freedom: int) -> float:
    """Of the F test of a line with seasons against the line alone."""
    values = table.ravel()
    time = np.arange(len(values)) - (len(values) - 1) / 2
    line = values.mean() + time * (time @ values) / (time @ time)
    explained = float(((values - line) ** 2).sum()) - residual
    # What rounding leaves of a series that is all season, or none.
    least = 1e-12 * float((values**2).sum())
    if residual <= least:
        return 0.0 if explained > least else 1.0
    return float(fdtrc(YEAR - 1, freedom, max(explained, 0.0) / (YEAR - 1) / (residual / freedom)))
