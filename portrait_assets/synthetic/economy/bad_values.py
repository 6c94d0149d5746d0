"""Bad values of the generated bank's transactions: times, amounts and codes of no meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Ints, Mask, Words
from portrait_assets.synthetic.common.seasons import DAY_US
from portrait_assets.synthetic.common.truth import Planted
from portrait_assets.synthetic.persons.segment_traits import CATEGORIES, CHANNELS
from portrait_assets.synthetic.settings import Dirt

UNKNOWN_CHANNEL = len(CHANNELS)
CHANNEL_NAMES = (*CHANNELS, "unknown")
ABSURD_CENTS = 9_999_999_999
CENTURY_US = 36_525 * DAY_US

_DIRT: tuple[tuple[str, str, str], ...] = (
    ("unreadable_time", "occurred_at", "unreadable"),
    ("future_time", "occurred_at", "future"),
    ("missing_amount", "amount", "missing"),
    ("absurd_amount", "amount", "sentinel"),
    ("unknown_channel", "channel", "sentinel"),
    ("missing_category", "category", "missing"),
)
"""Rate in `Dirt`, column, kind of bad value."""


@dataclass(frozen=True)
class Bad:
    """What was planted, and in which rows a value is missing; None where in none."""

    planted: list[Planted]
    time_missing: Mask | None
    amount_missing: Mask | None
    category_missing: Mask | None


def plant(
    second: Words, cents: Ints, category: Ints, channel: Ints, occurred: Ints, dirt: Dirt
) -> Bad:
    """Plant bad values in place, at most one in a row, and say where."""
    edges = np.cumsum([getattr(dirt, rate) for rate, _, _ in _DIRT]) * 2.0**32
    point = second >> np.uint64(32)
    candidates = np.flatnonzero(point < np.uint64(edges[-1]))
    chosen = np.searchsorted(edges, point[candidates].astype(np.float64), side="right")
    rows = {kind: candidates[chosen == place] for place, (kind, _, _) in enumerate(_DIRT)}
    names = {"channel": CHANNELS, "category": CATEGORIES}
    values = {"amount": cents, "channel": channel, "category": category, "occurred_at": occurred}
    planted = []
    for rate, column, kind in _DIRT:
        true = values[column][rows[rate]].tolist()
        if column in names:
            text = [names[column][value] for value in true]
        elif column == "amount":
            text = [f"{value / 100:.2f}" for value in true]
        else:
            text = [str(np.datetime64(value, "us")).replace("T", " ")[:19] for value in true]
        planted.append(Planted(column, kind, rows[rate], text))
    occurred[rows["future_time"]] += CENTURY_US
    cents[rows["absurd_amount"]] = ABSURD_CENTS
    channel[rows["unknown_channel"]] = UNKNOWN_CHANNEL
    return Bad(
        planted,
        *(
            _mask(rows[rate], len(cents))
            for rate in ("unreadable_time", "missing_amount", "missing_category")
        ),
    )


def _mask(rows: Ints, count: int) -> Mask | None:
    if not len(rows):
        return None
    mask = np.zeros(count, dtype=np.bool_)
    mask[rows] = True
    return mask
