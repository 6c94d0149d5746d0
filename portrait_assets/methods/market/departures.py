"""Departures: months in which a series leaves where it usually is, each judged by those before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

USUAL_MONTHS = 12
LEAST_MONTHS = 6
ALARM = 0.001
"""A series is looked at every month, so that this is one false alarm in a thousand of them."""


@dataclass(frozen=True)
class Departure:
    """A month's value beside those before: `usual` is their mean.

    `low` and `high` are the ends of the interval that a further value lies in in 95 of 100 months.
    """

    value: float
    usual: float
    low: float
    high: float
    p_value: float

    @property
    def is_alarm(self) -> bool:
        """Whether so far a value from where it usually is would be seen once in a thousand."""
        return self.p_value <= ALARM


def departures(values: Sequence[float | None]) -> list[Departure | None]:
    """Each month's departure from the twelve months before; None where fewer than six are known.

    The prediction interval of one further value of a normal sample (Student's t). Months that were
    an alarm are not where the series usually is, and are left out; once fewer than six of the
    twelve are left, the series has settled elsewhere and all count.

    Args:
        values: a month each; None is not known.
    """
    found: list[Departure | None] = []
    for place, value in enumerate(values):
        before = range(max(place - USUAL_MONTHS, 0), place)
        known = [v for at in before if (v := values[at]) is not None]
        usual = [v for at in before if (v := values[at]) is not None and not _is_alarm(found[at])]
        sample = usual if len(usual) >= LEAST_MONTHS else known
        is_judged = value is not None and len(sample) >= LEAST_MONTHS
        found.append(
            _departure(value, np.array(sample)) if value is not None and is_judged else None
        )
    return found


def _is_alarm(departure: Departure | None) -> bool:
    return departure is not None and departure.is_alarm


def _departure(value: float, sample: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Departure:
    count, usual = len(sample), float(sample.mean())
    error = float(sample.std(ddof=1)) * np.sqrt(1 + 1 / count)
    # Rounding makes the mean of equal values another number than each.
    if error <= 1e-12 * max(abs(usual), abs(value)):
        is_same = abs(value - usual) <= 1e-9 * max(abs(usual), abs(value))
        return Departure(value, usual, usual, usual, 1.0 if is_same else 0.0)
    half = float(stdtrit(count - 1, 0.975)) * error
    p_value = 2 * float(stdtr(count - 1, -abs(value - usual) / error))
    return Departure(value, usual, usual - half, usual + half, p_value)
