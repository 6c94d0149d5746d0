"""The active model or baseline of a target as rows: what scores, and how sure its scores are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.methods.disclosure.holders import Holders, Names, apart, holders_of
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.rows import ROWS_SCHEMA, Row, part, to_frame, version
from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.schema.probability import stored
from portrait_assets.stages.predictions.learning.baseline import Steps
from portrait_assets.stages.predictions.rule import RULE

STORED_AS = {"left": "left_node", "right": "right_node"}
"""Columns of a model's rows whose names SQL reserves, and what they are called in the warehouse."""
_KNOTS = np.array([0.0, 1.0])


class Trained(NamedTuple):
    """The base months that it learned from, and the month in which it was fitted."""

    first: str | None
    last: str | None
    calibrated_on: str | None
    fitted_in: str


class Bin(NamedTuple):
    """Those with a score up to `until` in the windows that it was held against."""

    until: float
    customers: int
    hits: int


@dataclass(frozen=True)
class Active:
    """What scores a target in a month."""

    learned: PredictionModel | Steps
    trained: Trained
    bins: tuple[Bin, ...] = ()

    @property
    def basis(self) -> str:
        """`model` or `baseline`."""
        return "model" if isinstance(self.learned, PredictionModel) else "baseline"

    @property
    def family(self) -> str:
        """The family of the model, or the name of the baseline."""
        return (
            self.learned.family if isinstance(self.learned, PredictionModel) else self.learned.name
        )

    @cached_property
    def version(self) -> str:
        """A hash of all that scores and of when it was learned: equal for equal data."""
        return version(self.rows())

    def probability(self, frame: pl.DataFrame) -> Floats:
        """The probability of every row, shape (rows,); NaN where no rate is known yet."""
        return self.learned.probability(frame)

    def order(self, frame: pl.DataFrame) -> Floats:
        """The number by which customers are ranked: finer than a probability may be."""
        if isinstance(self.learned, Steps):
            return self.learned.order(frame)
        return self.learned.probability(frame)

    def interval(self, probability: Floats) -> tuple[Floats, Floats]:
        """The ends of 95 % intervals (E. Wilson 1927) of the rate at such scores.

        They are as wide as that of the bin of the score in the windows that it was held against.
        """
        if not self.bins:
            unknown = np.full(len(probability), np.nan)
            return unknown, unknown
        _, customers, hits = (np.asarray(column) for column in zip(*self.bins, strict=True))
        low, high = wilson(hits, customers)
        rates = hits / customers
        at = places(self.bins, probability)
        return (
            np.clip(probability - (rates - low)[at], 0.0, probability),
            np.clip(probability + (high - rates)[at], probability, 1.0),
        )

    def held_against(
        self, hit: Bools, probability: Floats, customers: Names | None = None
    ) -> Active:
        """The same with the bins of these scores, as many rows in each, and none of few customers.

        Each row is another customer's where `customers` are not given.
        """
        return replace(self, bins=_bins(hit, probability, holders_of(customers)))

    def shifted(self, by: float) -> Active:
        """The same with all log odds of its model higher by so much."""
        assert isinstance(self.learned, PredictionModel)
        curve = self.learned.curve or Curve(_KNOTS, _KNOTS)
        moved = Curve(curve.margins, curve.log_odds + by)
        return replace(self, learned=self.learned.with_curve(moved))

    def rows(self) -> pl.DataFrame:
        """All of it as rows of `methods.prediction.rows.ROWS_SCHEMA`."""
        return self._rows

    @cached_property
    def _rows(self) -> pl.DataFrame:
        trained = [
            Row("trained", at, key=name, text=value)
            for at, (name, value) in enumerate(self.trained._asdict().items())
        ]
        bins = [
            Row("bin", at, key=str(each.hits), threshold=each.until, rows=each.customers)
            for at, each in enumerate(self.bins)
        ]
        return pl.concat([to_frame([*trained, *bins]), self.learned.rows()])

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> Active:
        """What `rows` wrote, in whatever order they are stored; it scores the same.

        Raises:
            PredictionError: when they are of a family that is not known.
        """
        rows = _as_written(rows)
        trained: Mapping[str | None, str | None] = {r.key: r.text for r in part(rows, "trained")}
        is_baseline = "baseline" in rows["part"]
        return cls(
            Steps.from_rows(rows) if is_baseline else PredictionModel.from_rows(rows),
            Trained(**{name: trained[name] for name in Trained._fields}),  # type: ignore[arg-type]
            bins_from(rows),
        )


def bins_from(rows: pl.DataFrame) -> tuple[Bin, ...]:
    """The bins that `Active.rows` wrote."""
    return tuple(
        Bin(float(row.threshold or 0.0), int(row.rows or 0), int(row.key or 0))
        for row in part(_as_written(rows), "bin")
    )


def places(bins: Sequence[Bin], probability: Floats) -> np.ndarray:
    """The place of the bin of each score, as it is stored."""
    ends = np.array([each.until for each in bins[:-1]])
    return np.searchsorted(ends, stored(probability), side="left")


def _as_written(rows: pl.DataFrame) -> pl.DataFrame:
    stored = {STORED_AS[name]: name for name in STORED_AS if STORED_AS[name] in rows.columns}
    return rows.rename(stored).select(pl.col(name).cast(kind) for name, kind in ROWS_SCHEMA.items())


def _bins(hit: Bools, probability: Floats, holders: Holders) -> tuple[Bin, ...]:
    if holders.are_few_of(len(hit)):
        return ()
    # Many customers may have one score, which must not fall on two sides by its last digits.
    probability = stored(probability)
    ends = np.quantile(probability, np.arange(1, RULE.bins) / RULE.bins, method="lower")
    ends = np.append(np.unique(ends), 1.0)
    at = np.searchsorted(ends[:-1], probability, side="left")
    groups = apart(at, len(ends), holders)
    ends = ends[[group[-1] for group in groups]]
    at = np.searchsorted(ends[:-1], probability, side="left")
    customers = np.bincount(at, minlength=len(ends))
    hits = np.bincount(at, weights=hit, minlength=len(ends)).astype(np.int64)
    return tuple(
        Bin(float(end), int(count), int(happened))
        for end, count, happened in zip(ends, customers, hits, strict=True)
        if count
    )
