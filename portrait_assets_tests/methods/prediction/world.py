"""A small world whose outcome follows a rule that is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.parameters import Parameters

SMALL = Parameters(leaves=(8,))
"""Trees of one size: most tests are not of the choice of it, which takes most of the time."""


class World(NamedTuple):
    """Rows with their outcome, the probability that it was drawn with, and a number."""

    frame: pl.DataFrame
    outcome: npt.NDArray[np.int64]
    truth: Floats
    number: Floats


def world(rows: int = 2_000, seed: int = 0) -> World:
    """Columns of every type: visits (some missing), amount (long tail), city, member, joined.

    The log odds are `visits + log(amount) / 2 + (city is north)`, where missing visits count -1.
    """
    rng = np.random.default_rng(seed)
    visits, amount = rng.normal(size=rows), np.exp(2 * rng.normal(size=rows))
    is_missing = rng.random(rows) < 0.3
    city = rng.choice(["north", "south", "east"], rows)
    log_odds = np.where(is_missing, -1.0, visits) + np.log(amount) / 2 + (city == "north")
    truth = 1 / (1 + np.exp(-log_odds))
    frame = pl.DataFrame(
        {
            "visits": pl.Series(np.where(is_missing, np.nan, visits)).fill_nan(None),
            "amount": amount,
            "city": city,
            "member": rng.random(rows) < 0.5,
            "joined": pl.Series(rng.integers(0, 9_999, rows)).cast(pl.Int32).cast(pl.Date),
            "empty": pl.Series([None] * rows, dtype=pl.Float64),
            "one": 1,
        }
    )
    outcome = (rng.random(rows) < truth).astype(np.int64)
    return World(frame, outcome, truth, log_odds + rng.normal(size=rows))
