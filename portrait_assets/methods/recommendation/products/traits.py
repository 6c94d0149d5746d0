"""Attributes as columns of ones, so that they stand beside what customers have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

BINS = 5
"""Parts of equal size that a number's values fall into."""
UNKNOWN = -1
LEAST_ROWS = 20
"""Customers of a level below which it is no trait."""


@dataclass(frozen=True)
class Traits:
    """By feature the limits between bins of a number, or the levels of anything else."""

    limits: dict[str, tuple[float, ...]]
    levels: dict[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """Number of columns."""
        bins = sum(len(each) + 1 for each in self.limits.values())
        return bins + sum(map(len, self.levels.values()))

    def columns(self, features: pl.DataFrame) -> sparse.csr_matrix:
        """Shape (rows, count), as ones; what is not known is in no column."""
        places = np.full((features.height, len(self.limits) + len(self.levels)), UNKNOWN, np.int32)
        start = 0
        for at, (name, limits) in enumerate(self.limits.items()):
            values = features[name].cast(pl.Float64).to_numpy()
            place = start + np.searchsorted(np.asarray(limits), values, side="left")
            places[:, at] = np.where(np.isnan(values), UNKNOWN, place)
            start += len(limits) + 1
        for at, (name, levels) in enumerate(self.levels.items(), len(self.limits)):
            numbers = {level: start + number for number, level in enumerate(levels)}
            text = features[name].cast(pl.String)
            found = text.replace_strict(numbers, default=UNKNOWN, return_dtype=pl.Int32)
            places[:, at] = found.fill_null(UNKNOWN).to_numpy()
            start += len(levels)
        is_known = places != UNKNOWN
        starts = np.concatenate([[0], np.cumsum(is_known.sum(axis=1))])
        columns = places[is_known]
        return sparse.csr_matrix(
            (np.ones(len(columns)), columns, starts), shape=(features.height, self.count)
        )


def fit_traits(features: pl.DataFrame) -> Traits:
    """Bins of each number by its quantiles, and the levels of all else that some share."""
    limits: dict[str, tuple[float, ...]] = {}
    levels: dict[str, tuple[str, ...]] = {}
    for name, type_ in features.schema.items():
        if type_.is_numeric():
            values = features[name].cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
            if len(values) >= LEAST_ROWS:
                quantiles = np.quantile(values, np.arange(1, BINS) / BINS)
                limits[name] = tuple(np.unique(quantiles).tolist())
        elif type_ in (pl.String, pl.Boolean, pl.Categorical) or isinstance(type_, pl.Enum):
            shared = (
                features.select(pl.col(name).cast(pl.String).alias("level"))
                .drop_nulls()
                .group_by("level")
                .len()
                .filter(pl.col("len") >= LEAST_ROWS)
            )
            if shared.height:
                levels[name] = tuple(shared["level"].sort())
    return Traits(limits, levels)
