"""Weights and coefficients as points, whose probabilities are right on average of all rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from portrait_assets.methods.disclosure.holders import Holders
from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.parts import Bin, Characteristic, Kind, Points
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.columns import Form
from portrait_assets.methods.scorecard.fitting.banding import bands_of
from portrait_assets.methods.scorecard.fitting.binning import Base
from portrait_assets.methods.scorecard.fitting.classes import Classes
from portrait_assets.methods.scorecard.fitting.weighing import Bads, Weights

_HALVINGS = 60


def assemble(
    known: pl.DataFrame,
    bads: Bads,
    base: Base,
    scale: Scale,
    parts: Sequence[Characteristic],
    holders: Holders,
) -> Scorecard:
    """The card of columns with their points: the one with most information first, and bands.

    Args:
        known: the rows that the card is fitted to.
        bads: which of them are bad.
        base: their counts.
        scale: from odds to points.
        parts: the columns.
        holders: of the rows.
    """
    ordered = tuple(sorted(parts, key=lambda part: (-part.information, part.feature)))
    card = Scorecard(scale, 0, base.rows, base.bads, ordered, ())
    score = card.points(known)
    start = _start(score, base, scale)
    return replace(card, base=start, bands=bands_of(score + start, bads, scale, holders))


def part_of(
    classes: Classes, weights: Weights, coefficient: float, base: Base, scale: Scale
) -> Characteristic:
    """A column with the points of its bins, rounded to whole ones."""
    points = np.round(scale.factor * coefficient * weights.woe).astype(np.int64)
    bins = []
    for at, group in enumerate(weights.groups):
        numbers = (int(weights.rows[at]), int(weights.bads[at]), float(weights.woe[at]))
        kind, what = _bin_of(classes, group)
        bins.append(Bin(kind, *numbers, int(points[at]), **what))
    information = round(weights.information(base), 9)
    return Characteristic(classes.feature, classes.form, coefficient, information, tuple(bins))


def _start(score: Points, base: Base, scale: Scale) -> int:
    """The points from which the mean probability of all rows is their bad rate."""
    values, counts = np.unique(score, return_counts=True)
    odds = scale.offset + scale.factor * math.log(base.rows / base.bads - 1)
    low, high = odds - float(values[-1]), odds - float(values[0])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = (scale.probability(values + middle) * counts).sum()
        low, high = (middle, high) if expected > base.bads else (low, middle)
    return round((low + high) / 2)


def _bin_of(classes: Classes, group: Sequence[int]) -> tuple[Kind, dict[str, Any]]:
    first, last = group[0], group[-1]
    if first == classes.count - 1:
        return Kind.MISSING, {}
    if classes.form is Form.TEXT:
        if first == classes.ordered:
            return Kind.OTHER, {}
        return Kind.LEVELS, {"levels": tuple(sorted(classes.levels[at] for at in group))}
    if first >= classes.ordered:
        code = classes.codes[first - classes.ordered]
        return Kind.CODE, {"low": code, "high": code}
    low = classes.ends[first - 1] if first else None
    high = classes.ends[last] if last < len(classes.ends) else None
    return Kind.INTERVAL, {"low": low, "high": high}
