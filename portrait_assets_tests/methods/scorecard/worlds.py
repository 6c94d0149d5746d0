"""Small tables whose truth is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.parts import Band, Bin, Characteristic, Kind
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.columns import Form

Outcome = np.ndarray[tuple[int], np.dtype[np.float64]]

AMOUNT = Characteristic(
    "amount",
    Form.NUMBER,
    coefficient=1.0,
    information=0.5,
    bins=(
        Bin(Kind.INTERVAL, 40, 20, -0.8, -23, None, 100.0),
        Bin(Kind.INTERVAL, 30, 6, 0.2, 5, 100.0, 2500.5),
        Bin(Kind.INTERVAL, 20, 2, 1.1, 32, 2500.5, None),
        Bin(Kind.CODE, 5, 1, 0.0, 1, -2.0, -2.0),
        Bin(Kind.MISSING, 5, 1, 0.1, 3),
    ),
)
HOME = Characteristic(
    "home",
    Form.TEXT,
    coefficient=0.9,
    information=0.2,
    bins=(
        Bin(Kind.LEVELS, 60, 9, 0.4, 10, levels=("lent by a friend's", "owned")),
        Bin(Kind.LEVELS, 30, 18, -0.4, -11, levels=("rented",)),
        Bin(Kind.OTHER, 0, 0, 0.0, 0),
        Bin(Kind.MISSING, 10, 3, 0.0, 0),
    ),
)
SINCE = Characteristic(
    "since",
    Form.DATE,
    coefficient=1.2,
    information=0.1,
    bins=(
        Bin(Kind.INTERVAL, 50, 10, 0.2, 6, None, 18_262.0),  # 2020-01-01
        Bin(Kind.INTERVAL, 50, 20, -0.2, -6, 18_262.0, None),
        Bin(Kind.MISSING, 0, 0, 0.0, 0),
    ),
)
BANDS = (Band("A", 560, 40, 4, "accept"), Band("B", None, 60, 26, "decline"))
CARD = Scorecard(Scale(), 540, 100, 30, (AMOUNT, HOME, SINCE), BANDS)


def loans(rows: int = 2_000, seed: int = 1) -> tuple[pl.DataFrame, Outcome]:
    """Loans whose default falls with income and rises with debt; -1 and missing have own risks.

    `noise` and `word` say nothing, and `twin` says what income does.
    """
    draw = np.random.default_rng(seed)
    income, debt = draw.gamma(3, 1_000, rows), draw.integers(0, 9, rows).astype(float)
    is_coded, is_missing = draw.random(rows) < 0.15, draw.random(rows) < 0.1
    risk = -1.5 - (income - 3_000) / 1_500 + 0.3 * (debt - 4)
    risk[is_coded] = 0.2
    outcome = (draw.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.float64)
    income[is_coded] = -1
    missing = np.where(is_missing, np.nan, debt)
    frame = pl.DataFrame(
        {
            "income": income.round(),
            "debt": pl.Series(missing).fill_nan(None).cast(pl.Int64),
            "noise": draw.normal(size=rows),
            "word": draw.choice(["red", "green", "blue"], rows),
            "twin": income.round() * 2 + 1,
        }
    )
    return frame, outcome
