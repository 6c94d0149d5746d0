"""Why a row has no higher score, in words."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.parts import Bin, Characteristic, Kind
from portrait_assets.methods.scorecard.columns import Form

REASONS = 4
SHOWN_LEVELS = 3
"""So many categories of a bin are named in its label."""


def scores(card: Scorecard, frame: pl.DataFrame) -> pl.DataFrame:
    """`score` in points, `probability` of 1, `band`, and the reasons of each row, in order.

    Raises:
        ScorecardError: when a column that the card scores is missing or of another form.
    """
    score = card.points(frame)
    columns = {"score": score, "probability": card.probability(score), "band": card.band(score)}
    return pl.DataFrame(columns).hstack(reasons(card, frame))


def reasons(card: Scorecard, frame: pl.DataFrame, chinese: bool = False) -> pl.DataFrame:
    """What cost each row most: `reason_1` to `reason_4`, null where fewer cost anything.

    A column costs the points of its best bin less those of the row's bin, and the reasons are
    those that cost most; of equal ones the first of the card (N. Siddiqi 2006, "Credit Risk
    Scorecards", chapter 6). Regulation B leaves the method to the creditor as long as reasons are
    of what was scored, and finds four enough (official interpretation of 12 CFR 1002.9(b)(2)). A
    reason names the column, the bin and what it cost.
    """
    names = [f"reason_{rank + 1}" for rank in range(REASONS)]
    cost = np.full((frame.height, REASONS), 0, dtype=np.int64)
    which = np.full((frame.height, REASONS), 0, dtype=np.int64)
    parts = card.characteristics
    labels: list[str] = [""]
    lost = np.zeros((frame.height, len(parts)), dtype=np.int32)
    at = np.zeros((frame.height, len(parts)), dtype=np.int32)
    for column, each in enumerate(parts):
        places = each.places(frame)
        lost[:, column] = np.maximum(each.best - each.by_place, 0)[places]
        at[:, column] = places + len(labels)
        labels += [_reason(each, of, chinese) for of in each.bins]
    order = np.argsort(-lost, axis=1, kind="stable")[:, :REASONS]
    cost[:, : order.shape[1]] = np.take_along_axis(lost, order, axis=1)
    which[:, : order.shape[1]] = np.take_along_axis(at, order, axis=1)
    words = pl.Series(labels, dtype=pl.String)
    return pl.DataFrame(
        {
            name: words.gather(pl.Series(np.where(cost[:, rank] > 0, which[:, rank], 0)))
            for rank, name in enumerate(names)
        }
    ).with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in names)


def label(part: Characteristic, of: Bin, chinese: bool = False) -> str:
    """What a bin holds, in words: `above 1,000 up to 2,500`, `missing`, `car, house and 3 more`."""
    if of.kind is Kind.MISSING:
        return "缺失" if chinese else "missing"
    if of.kind is Kind.OTHER:
        return "其他" if chinese else "any other"
    if of.kind is Kind.LEVELS:
        return _levels(of.levels, chinese)
    low, high = (_written(end, part.form) for end in (of.low, of.high))
    if of.kind is Kind.CODE:
        return f"代码 {low}" if chinese else f"code {low}"
    if low is None and high is None:
        return "任意值" if chinese else "any value"
    if low is None:
        return f"{high} 及以下" if chinese else f"up to {high}"
    if high is None:
        return f"{low} 以上" if chinese else f"above {low}"
    return f"{low} 以上至 {high}" if chinese else f"above {low} up to {high}"


def _reason(part: Characteristic, of: Bin, chinese: bool) -> str:
    cost = part.best - of.points
    if chinese:
        return f"{part.feature}：{label(part, of, chinese)}（-{cost} 分）"
    return f"{part.feature}: {label(part, of)} (-{cost} points)"


def _levels(levels: tuple[str, ...], chinese: bool) -> str:
    comma = "、" if chinese else ", "
    more = len(levels) - SHOWN_LEVELS
    if more <= 0:
        return comma.join(levels)
    shown = comma.join(levels[:SHOWN_LEVELS])
    return f"{shown} 等 {len(levels)} 类" if chinese else f"{shown} and {more} more"


def _written(end: float | None, form: Form) -> str | None:
    if end is None:
        return None
    if form is Form.DATE:
        return (date(1970, 1, 1) + timedelta(days=int(end))).isoformat()
    if end == int(end) and abs(end) < 1e15:
        return f"{int(end):,}"
    return f"{end:,.10g}"
