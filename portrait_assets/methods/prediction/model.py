"""A fitted model: rows that score rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
import polars as pl
from scipy.special import expit

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.curve import Curve, curve_from
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.boosted.trees import Trees, trees_from
from portrait_assets.methods.prediction.families.columns import Term
from portrait_assets.methods.prediction.families.encoding import Dropped, Encoding
from portrait_assets.methods.prediction.families.encoding_rows import encoding_from, encoding_rows
from portrait_assets.methods.prediction.families.linear import Linear, linear_from
from portrait_assets.methods.prediction.rows import Row, part, to_frame, version

Family = Literal["binned", "logistic", "linear", "trees"]
Scorer: TypeAlias = Linear | Trees

CHUNK = 131_072
"""Rows whose design is held at a time."""


@dataclass(frozen=True)
class PredictionModel:
    """Encoding, scorer and calibration of an outcome, or of a number.

    `facts` are what it was fitted on and what was chosen: `fitted_rows`, `events` (rows with the
    outcome 1), `base_rate` (or the mean of numbers), `loss` on unseen rows with the `strength`, or
    the number of `trees` and of their `leaves`, that has it, `seed`, and for numbers `least` and
    `most`, within which its predictions stay.
    """

    family: Family
    is_number: bool
    encoding: Encoding
    scorer: Scorer
    facts: Mapping[str, float]
    curve: Curve | None = None

    def margin(self, frame: pl.DataFrame) -> Floats:
        """The score of every row before calibration: log odds, or the number. Shape (rows,).

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        margins = np.empty(frame.height)
        for start in range(0, frame.height, CHUNK):
            part_of = frame.slice(start, CHUNK)
            margins[start : start + part_of.height] = self.scorer.margin(self.design(part_of))
        return margins

    def probability(self, frame: pl.DataFrame) -> Floats:
        """The probability of the outcome 1 for every row, shape (rows,), calibrated if it is.

        Raises:
            PredictionError: when a feature is absent from the frame, or the model is of a number.
        """
        if self.is_number:
            raise PredictionError("the model predicts a number, which has no probability: use it")
        return self.probability_at(self.margin(frame))

    def probability_of(self, design: Floats) -> Floats:
        """The same of rows that are encoded already, as `design` gives them."""
        return self.probability_at(self.scorer.margin(design))

    def probability_at(self, margin: Floats) -> Floats:
        """The same of rows with these margins."""
        found: Floats = expit(margin if self.curve is None else self.curve(margin))
        return found

    def expected(self, frame: pl.DataFrame) -> Floats:
        """The expected number of every row, shape (rows,), within those that it learned from.

        The probability, where the model is of an outcome.

        Raises:
            PredictionError: when a feature is absent from the frame.
        """
        if not self.is_number:
            return self.probability(frame)
        return np.clip(self.margin(frame), self.facts["least"], self.facts["most"])

    def design(self, frame: pl.DataFrame) -> Floats:
        """The columns that the scorer reads, shape (rows, terms)."""
        return self.encoding.design(frame, self.is_scaled)

    @property
    def terms(self) -> list[Term]:
        """What the columns of the design are."""
        return self.encoding.terms(self.is_scaled)

    @property
    def is_scaled(self) -> bool:
        """Whether the scorer reads scaled numbers without gaps."""
        return self.family != "trees"

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """The features that it was given and does not use, because they say nothing."""
        return self.encoding.dropped

    @cached_property
    def version(self) -> str:
        """A hash of the rows: equal for equal data, parameters and seed."""
        return version(self.rows())

    def with_curve(self, curve: Curve | None) -> PredictionModel:
        """The same model with another calibration, or none."""
        return replace(self, curve=curve)

    def opposite(self) -> PredictionModel:
        """The model of the outcome's not happening: all log odds have the other sign.

        What a fit to the opposite outcome of the same rows gives, but for the lot by which
        settings are tried. Bins keep their weights, so that their coefficients are negative.
        """
        events, rows = self.facts["events"], self.facts["fitted_rows"]
        counted = {"events": rows - events, "base_rate": (rows - events) / rows}
        return replace(
            self,
            scorer=self.scorer.opposite(),
            facts={**self.facts, **counted},
            curve=self.curve.opposite() if self.curve else None,
        )

    def rows(self) -> pl.DataFrame:
        """The model as one long table with the columns of `rows.ROWS_SCHEMA`."""
        words = {"family": self.family, "of": "number" if self.is_number else "outcome"}
        head = [
            *(Row("model", 0, key=key, text=text) for key, text in words.items()),
            *(Row("model", 0, key=key, value=float(v)) for key, v in sorted(self.facts.items())),
        ]
        return to_frame(
            [
                *(row._replace(position=at) for at, row in enumerate(head)),
                *encoding_rows(self.encoding),
                *self.scorer.to_rows(),
                *(self.curve.to_rows() if self.curve else ()),
            ]
        )

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> PredictionModel:
        """The model that `rows` wrote, in whatever order they are stored; it scores the same.

        Raises:
            PredictionError: when the rows are no model, or one of a family that is not known.
        """
        head = part(rows, "model")
        text = {row.key: row.text for row in head if row.text is not None}
        family = text.get("family")
        if family not in get_args(Family):
            raise PredictionError(
                f"these rows hold no model of a known family ({family or 'none is named'}): "
                "fit it again with this version"
            )
        encoding = encoding_from(rows)
        (intercept,) = (float(row.value or 0.0) for row in part(rows, "intercept"))
        scorer: Scorer
        if family == "trees":
            scorer = trees_from(intercept, encoding.terms(False), part(rows, "node"))
        else:
            scorer = linear_from(intercept, part(rows, "term"))
        return cls(
            family=family,  # type: ignore[arg-type]
            is_number=text["of"] == "number",
            encoding=encoding,
            scorer=scorer,
            facts={str(row.key): row.value for row in head if row.value is not None},
            curve=curve_from(rows),
        )
