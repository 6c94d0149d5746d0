"""A card that scores a target: what it learned from, and its form as rows of a table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.reasons import label
from portrait_assets.methods.scorecard.card.rows import SCHEMA
from portrait_assets.stages.predictions.credit.contract import SCORECARD


@dataclass(frozen=True)
class Card:
    """A card, the base months that it learned from and was judged on, and the month of the fit."""

    scorecard: Scorecard
    trained_from: str
    trained_until: str
    judged_on: str
    fitted_in: str

    @cached_property
    def version(self) -> str:
        """A hash of its rows and of when it was learned: equal for equal data."""
        text = self.scorecard.rows().write_csv() + "|".join(self.trained.values())
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def trained(self) -> dict[str, str]:
        """What it was learned from and when, by column."""
        return {
            "trained_from": self.trained_from,
            "trained_until": self.trained_until,
            "judged_on": self.judged_on,
            "fitted_in": self.fitted_in,
        }

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of the feature matrix that it reads."""
        return tuple(part.feature for part in self.scorecard.characteristics)

    def risk(self, frame: pl.DataFrame) -> Floats:
        """The order by which rows are risks, the riskiest highest: points below none."""
        return -self.scorecard.points(frame).astype(np.float64)

    def rows(self, head: Mapping[str, object]) -> pl.DataFrame:
        """The rows of `predictions.scorecard`, `head` its first columns."""
        rows = self.scorecard.rows().with_row_index("item", offset=1)
        return (
            rows.join(
                self._labels(), on=["feature", "bin", "part"], how="left", maintain_order="left"
            )
            .with_columns(
                (pl.col("bads") / pl.col("rows")).fill_nan(None).alias("bad_rate"),
                pl.lit(self.version).alias("model_version"),
                *(pl.lit(value).alias(name) for name, value in head.items()),
            )
            .select(pl.col(name).cast(kind) for name, kind in SCORECARD.polars_schema.items())
        )

    def _labels(self) -> pl.DataFrame:
        """What the bins hold, in words."""
        rows = [
            ("bin", part.feature, number, label(part, each), label(part, each, chinese=True))
            for part in self.scorecard.characteristics
            for number, each in enumerate(part.bins)
        ]
        schema = {
            "part": pl.String,
            "feature": pl.String,
            "bin": pl.Int64,
            "label": pl.String,
            "label_zh": pl.String,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")


def scorecard_of(rows: pl.DataFrame) -> Scorecard:
    """The card that rows of `predictions.scorecard` of one target hold, in whatever order."""
    ordered = rows.sort("item")
    return Scorecard.from_rows(
        ordered.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    )


def card_of(rows: pl.DataFrame, decision: Mapping[str, object]) -> Card:
    """The card of stored rows, with what the decision of the month says of it."""
    names = ("trained_from", "trained_until", "judged_on", "fitted_in")
    return Card(scorecard_of(rows), *(str(decision[name]) for name in names))
