"""Positions of the bands and bars of a flow chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from portrait_assets.storage.published import Row

STEPS = 20
GAP = 0.02  # Between bars, as a share of all customers.
BAR = 0.035
LEAST_TEXT = 0.025  # A bar thinner than this share has no text beside it.
ENTRY, EXIT = "(entry)", "(exit)"


def geometry(
    moves: Sequence[Row], order: Sequence[str], texts: dict[str, str]
) -> tuple[list[Row], list[Row]]:
    """Points of the bands and the bars, in customers from the top.

    Args:
        moves: `value_before`, `value_after` (None for an entry or exit) and `customers`.
        order: the values from the top down; entries and exits come last.
        texts: the label of each value.
    """
    named = [
        (row["value_before"] or ENTRY, row["value_after"] or EXIT, row["customers"])
        for row in moves
    ]
    total = sum(n for _, _, n in named)
    sides: list[dict[str, float]] = []
    bars: list[Row] = []
    for side in (0, 1):
        sizes = dict.fromkeys((*order, (ENTRY, EXIT)[side]), 0)
        for move in named:
            sizes[move[side]] = sizes.get(move[side], 0) + move[2]
        top, tops = 0.0, {}
        for value, size in sizes.items():
            if size:
                tops[value] = top
                bars.append(_bar(side, value, top, size, total, texts))
                top += size + GAP * total
        sides.append(tops)
    place = {value: i for i, value in enumerate((*order, ENTRY, EXIT))}
    ordered = sorted(named, key=lambda move: (place.get(move[0], 0), place.get(move[1], 0)))
    taken = [dict(side) for side in sides]
    bands: list[Row] = []
    for number, (before, after, n) in enumerate(ordered):
        left, right = taken[0][before], taken[1][after]
        taken[0][before] += n
        taken[1][after] += n
        name = before if before != ENTRY else after
        bands += _band(number, name, left, right, n)
    return bands, bars


def _bar(side: int, value: str, top: float, size: int, total: int, texts: dict[str, str]) -> Row:
    start = -BAR if side == 0 else 1.0
    return {
        "side": side,
        "name": value,
        "x0": start,
        "x1": start + BAR,
        "low": top,
        "high": top + size,
        "middle": top + size / 2,
        "text": f"{texts.get(value, value)}  {size:,}" if size >= LEAST_TEXT * total else "",
        "size": size,
    }


def _band(number: int, name: str, left: float, right: float, size: int) -> list[Row]:
    points = []
    for step in range(STEPS + 1):
        x = step / STEPS
        share = (1 - math.cos(math.pi * x)) / 2
        low = left + (right - left) * share
        points.append({"band": number, "name": name, "x": x, "low": low, "high": low + size})
    return points
