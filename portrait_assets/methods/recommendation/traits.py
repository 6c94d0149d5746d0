"""Attributes as columns of ones, so that they stand beside what customers have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

BINS = 5
"""Parts of equal size that a number's values fall into."""
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
        parts = []
        for name, limits in self.limits.items():
            values = features[name].cast(pl.Float64).to_numpy()
            place = np.searchsorted(np.asarray(limits), values, side="left")
            parts.append(_ones(place, ~np.isnan(values), len(limits) + 1))
        for name, levels in self.levels.items():
            places = pl.DataFrame({"level": levels, "place": range(len(levels))})
            found = features.select(pl.col(name).cast(pl.String).alias("level")).join(
                places, on="level", how="left", maintain_order="left"
            )["place"]
            parts.append(
                _ones(found.fill_null(0).to_numpy(), found.is_not_null().to_numpy(), len(levels))
            )
        if not parts:
            return sparse.csr_matrix((features.height, 0))
        return sparse.csr_matrix(sparse.hstack(parts, format="csr"))


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


def _ones(place: np.ndarray, is_known: np.ndarray, columns: int) -> sparse.csr_matrix:
    rows = np.flatnonzero(is_known)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, place[rows])), shape=(len(place), columns))
