"""A scorecard: how rows are scored with it, and its form as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.scorecard.card.parts import Band, Characteristic, Points
from portrait_assets.methods.scorecard.card.rows import (
    SCHEMA,
    band_rows,
    bands_from,
    part_rows,
    parts_from,
    scale_from,
    scale_rows,
)
from portrait_assets.methods.scorecard.card.scale import Scale


@dataclass(frozen=True)
class Scorecard:
    """Points by bin: a row's score is `base` and the points of its bins."""

    scale: Scale
    base: int
    fitted_rows: int
    fitted_bads: int
    characteristics: tuple[Characteristic, ...]
    bands: tuple[Band, ...]

    def points(self, frame: pl.DataFrame) -> Points:
        """The score of each row, in points, in order.

        Raises:
            ScorecardError: when a column that the card scores is missing or of another form.
        """
        score = np.full(frame.height, self.base, dtype=np.int64)
        for each in self.characteristics:
            score += each.by_place[each.places(frame)]
        return score

    def probability(self, score: npt.ArrayLike) -> Floats:
        """The probability of 1 that scores stand for."""
        return self.scale.probability(score)

    def band(self, score: Points) -> pl.Series:
        """The name of the band of each score."""
        rising = self.bands[::-1]
        leasts = np.array([each.least for each in rising[1:]], dtype=np.int64)
        at = np.searchsorted(leasts, score, side="right")
        return pl.Series("band", [each.name for each in rising], pl.String).gather(at)

    def rows(self) -> pl.DataFrame:
        """The card as rows with the columns of `rows.SCHEMA`; equal cards give equal rows."""
        card = {"rows": self.fitted_rows, "bads": self.fitted_bads, "points": self.base}
        return pl.DataFrame(
            [
                {"part": "card", **card},
                *scale_rows(self.scale),
                *part_rows(self.characteristics),
                *band_rows(self.bands),
            ],
            schema=SCHEMA,
        )

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> Scorecard:
        """The card that rows hold, with columns and bins in their order; it scores as it did."""
        stored = rows.select(list(SCHEMA))
        (card,) = stored.filter(pl.col("part") == "card").to_dicts()
        return cls(
            scale=scale_from(stored),
            base=card["points"],
            fitted_rows=card["rows"],
            fitted_bads=card["bads"],
            characteristics=parts_from(stored),
            bands=bands_from(stored),
        )
