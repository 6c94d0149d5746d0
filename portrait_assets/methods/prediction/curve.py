"""From a margin to log odds: straight lines between the rates that were observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.rows import Row, part


@dataclass(frozen=True)
class Curve:
    """Log odds at some margins, both rising; beyond the ends it goes on with slope 1.

    So it never reverses the order of two rows.
    """

    margins: Floats
    log_odds: Floats

    def __call__(self, margin: Floats) -> Floats:
        """The log odds of every margin, shape (rows,)."""
        beyond = margin - np.clip(margin, self.margins[0], self.margins[-1])
        between: Floats = np.interp(margin, self.margins, self.log_odds)
        return between + beyond

    def opposite(self) -> Curve:
        """The log odds of the outcome's not happening, of margins with the other sign."""
        return Curve(0.0 - self.margins[::-1], 0.0 - self.log_odds[::-1])

    def to_rows(self) -> list[Row]:
        """The knots."""
        knots = zip(self.margins.tolist(), self.log_odds.tolist(), strict=True)
        return [
            Row("calibration", at, value=log_odds, threshold=margin)
            for at, (margin, log_odds) in enumerate(knots)
        ]


def curve_from(rows: pl.DataFrame) -> Curve | None:
    """The curve that `Curve.to_rows` wrote; None where there is none."""
    knots = part(rows, "calibration")
    if not knots:
        return None
    return Curve(
        np.array([row.threshold for row in knots], dtype=np.float64),
        np.array([row.value for row in knots], dtype=np.float64),
    )
