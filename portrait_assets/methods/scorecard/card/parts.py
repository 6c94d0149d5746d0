"""What a card is made of: bins, columns of bins, and bands of scores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.scorecard.columns import Form, form_of, numbers, texts
from portrait_assets.methods.scorecard.errors import ScorecardError

Places = npt.NDArray[np.int64]
Points = npt.NDArray[np.int64]


class Kind(StrEnum):
    """What a bin holds."""

    INTERVAL = "interval"
    CODE = "code"
    LEVELS = "levels"
    OTHER = "other"
    MISSING = "missing"


@dataclass(frozen=True)
class Bin:
    """Values that are worth the same.

    An interval is above `low` and up to `high`, which are null where it has no end; a code is
    both. `levels` are categories. `rows` and `bads` are those that the card was fitted to.
    """

    kind: Kind
    rows: int
    bads: int
    woe: float
    points: int
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()

    @property
    def bad_rate(self) -> float | None:
        """Share of the fitted rows that were bad; None where there were none."""
        return self.bads / self.rows if self.rows else None


@dataclass(frozen=True)
class Characteristic:
    """A column of the card: its bins, in order, and the coefficient of its weight of evidence.

    Numbers have intervals, codes and a bin of what is missing; categories have groups of levels,
    a bin of all others and one of what is missing.
    """

    feature: str
    form: Form
    coefficient: float
    information: float
    bins: tuple[Bin, ...]

    @property
    def best(self) -> int:
        """The most points that it gives for a value that a fitted row had."""
        return max(each.points for each in self.bins if each.rows)

    @cached_property
    def by_place(self) -> Points:
        """Points of each bin."""
        return np.array([each.points for each in self.bins], dtype=np.int64)

    def places(self, frame: pl.DataFrame) -> Places:
        """In which of the bins each row of a table lies.

        Raises:
            ScorecardError: when the table has no such column, or one of another form.
        """
        if self.feature not in frame.columns:
            raise ScorecardError(f"The table has no column {self.feature}, which the card scores.")
        column = frame[self.feature]
        found = self.form if column.dtype == pl.Null else form_of(column)
        if found != self.form:
            raise ScorecardError(
                f"The card reads {self.feature} as {self.form}, but the table has it as "
                f"{column.dtype}; convert it before it is scored."
            )
        return self._of_text(column) if self.form is Form.TEXT else self._of_numbers(column)

    def _of_numbers(self, column: pl.Series) -> Places:
        values = numbers(column, self.form)
        ends = [each.high for each in self.bins if each.kind is Kind.INTERVAL]
        places = np.searchsorted(np.array(ends[:-1], dtype=np.float64), values, side="left")
        for place, each in enumerate(self.bins):
            if each.kind is Kind.CODE:
                places[values == each.low] = place
        places[np.isnan(values)] = self._place_of(Kind.MISSING)
        return places.astype(np.int64)

    def _of_text(self, column: pl.Series) -> Places:
        known = {level: at for at, each in enumerate(self.bins) for level in each.levels}
        places = texts(column).replace_strict(
            {**known, None: self._place_of(Kind.MISSING)},
            default=self._place_of(Kind.OTHER),
            return_dtype=pl.Int64,
        )
        return places.to_numpy()

    def _place_of(self, kind: Kind) -> int:
        return next(at for at, each in enumerate(self.bins) if each.kind is kind)


@dataclass(frozen=True)
class Band:
    """A range of scores from `least` points on, and what is suggested for those in it.

    The lowest band has no least. `rows` and `bads` are those that the card was fitted to.
    """

    name: str
    least: int | None
    rows: int
    bads: int
    suggested: str
