"""A feature as the weight of the bin that its value falls into, and its form as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.columns import Term, as_number
from portrait_assets.methods.prediction.rows import Row
from portrait_assets.methods.scorecard.columns import texts

Places = npt.NDArray[np.int64]

MARK = "weights"
"""The key of the row that begins a feature of this kind, with the number of its bins."""


@dataclass(frozen=True)
class WeightEncoding:
    """The weights of a feature's bins: by how much the log odds of its rows are above those of all.

    A number has an interval up to each of `ends`, and one above them, and its `codes` are bins of
    their own; a category has its `levels` and one bin for all others. What is missing is last.
    `weights` are in this order.
    """

    feature: str
    is_text: bool
    ends: tuple[float, ...]
    codes: tuple[float, ...]
    levels: tuple[str, ...]
    weights: tuple[float, ...]

    def terms(self, scaled: bool) -> Iterator[Term]:
        """The one column."""
        yield Term(self.feature, "weight")

    def width(self, scaled: bool) -> int:
        """One column."""
        return 1

    def column(self, frame: pl.DataFrame) -> Floats:
        """The weight of every row, shape (rows,)."""
        found: Floats = np.asarray(self.weights)[self._places(frame[self.feature])]
        return found

    def _places(self, column: pl.Series) -> Places:
        if self.is_text:
            known = {level: at for at, level in enumerate(self.levels)}
            places = texts(column.cast(pl.String)).replace_strict(
                {**known, None: len(known) + 1}, default=len(known), return_dtype=pl.Int64
            )
            return places.to_numpy()
        values = as_number(column).to_numpy()
        at = np.searchsorted(np.array(self.ends), values, side="left")
        for place, code in enumerate(self.codes, len(self.ends) + 1):
            at[values == code] = place
        at[np.isnan(values)] = len(self.weights) - 1
        return at.astype(np.int64)

    def rows(self) -> Iterator[Row]:
        """The bins with their weights, in order."""
        name = self.feature
        yield Row("encoding", 0, name, key=MARK, value=float(len(self.weights)))
        if self.is_text:
            bins = [Row("encoding", 0, name, level, "level") for level in self.levels]
            bins.append(Row("encoding", 0, name, key="other"))
        else:
            ends = (*self.ends, None)
            bins = [Row("encoding", 0, name, key="interval", threshold=end) for end in ends]
            bins += [Row("encoding", 0, name, key="code", threshold=each) for each in self.codes]
        bins.append(Row("encoding", 0, name, key="missing"))
        for each, weight in zip(bins, self.weights, strict=True):
            yield each._replace(value=weight)


def weights_from(name: str, rows: Sequence[Row]) -> WeightEncoding:
    """The feature that `WeightEncoding.rows` wrote."""
    bins = [row for row in rows if row.key != MARK]
    ends, codes = (
        tuple(row.threshold for row in bins if row.key == key and row.threshold is not None)
        for key in ("interval", "code")
    )
    return WeightEncoding(
        feature=name,
        is_text=any(row.key == "other" for row in bins),
        ends=ends,
        codes=codes,
        levels=tuple(str(row.level) for row in bins if row.key == "level"),
        weights=tuple(float(row.value or 0.0) for row in bins),
    )
