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
    """Each month's departure from the usual ones before; None where fewer than six are known.

    The prediction interval of one further value of a normal sample (Student's t), which is that of
    the twelve newest usual months. A month that is an alarm is none, until twelve in a row were:
    then the series has settled elsewhere, and they are the usual ones.

    Args:
        values: a month each; None is not known.
    """
    usual, away = list[float](), list[float]()
    found: list[Departure | None] = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        sample = usual[-USUAL_MONTHS:]
        judged = _departure(value, np.array(sample)) if len(sample) >= LEAST_MONTHS else None
        found.append(judged)
        if judged is None or not judged.is_alarm:
            usual, away = [*usual, value], []
        elif len(away) < USUAL_MONTHS - 1:
            away.append(value)
        else:
            usual, away = [*away, value], []
    return found


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
