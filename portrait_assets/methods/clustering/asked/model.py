"""A model of as many segments as were asked for: a space, and a centre per segment, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.algorithms.kmeans import fit_several
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows, squared_distances
from portrait_assets.methods.clustering.asked.scaling import LEAST_SPREADS, Space, fit_space
from portrait_assets.methods.clustering.asked.support import centres_of, depth
from portrait_assets.methods.clustering.assignment import HYSTERESIS
from portrait_assets.methods.clustering.preparation.model_rows import (
    Row,
    matrix_from,
    matrix_rows,
    round_significant,
    rows_hash,
    rows_to_frame,
)
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.statistics.agreement import adjusted_rand_matrix

FIT_ROWS = 4_000
"""Customers that a model is fitted on."""
SPACES = 2
"""Spaces that are looked at for each least spread."""
ROWS_PER_SEGMENT = 20
"""So many customers per segment are needed."""


@dataclass(frozen=True)
class AskedModel:
    """A space with a centre per segment; a customer is in the segment of the nearest one.

    `ids` are the lasting numbers of the segments in the order of the centres, `status` what
    became of each since the model before, and `next_id` the first number never used. `origins` are
    the segments of that model which each is made of, known to who has just followed them.
    """

    space: Space
    centres: FloatMatrix
    ids: tuple[int, ...]
    status: tuple[str, ...]
    next_id: int
    origins: tuple[tuple[int, ...], ...] = ()

    @property
    def segments(self) -> int:
        """The number of segments."""
        return len(self.ids)

    @cached_property
    def version(self) -> str:
        """Hash of the rows: equal for equal data, number of segments and seed."""
        return rows_hash(self.to_rows())

    def to_rows(self) -> pl.DataFrame:
        """The model as one long table (part, item, position, key, value, text)."""
        segments = [
            row
            for position, (segment, status) in enumerate(zip(self.ids, self.status, strict=True))
            for row in (
                Row("segment", str(position), position, "segment_id", float(segment)),
                Row("segment", str(position), position, "status", None, status),
            )
        ]
        own = [Row("model", "model", 0, "next_id", float(self.next_id))]
        centres = matrix_rows("centre", "coordinate", self.centres)
        return rows_to_frame([*own, *self.space.rows(), *centres, *segments])

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> AskedModel:
        """Restore a model; it assigns exactly as the one that was stored."""
        segments = rows.filter(pl.col("part") == "segment").sort("position")
        ids = segments.filter(pl.col("key") == "segment_id")["value"].cast(pl.Int64).to_list()
        own = rows.filter((pl.col("part") == "model") & (pl.col("key") == "next_id"))
        centres = matrix_from(rows, "centre", "coordinate")
        return cls(
            Space.from_rows(rows),
            centres if centres.size else np.zeros((len(ids), 0)),
            tuple(ids),
            tuple(segments.filter(pl.col("key") == "status")["text"].to_list()),
            int(own["value"].item()),
        )

    def assign(self, features: pl.DataFrame, previous: pl.DataFrame | None = None) -> pl.DataFrame:
        """customer_id and segment_id of every customer, in the frame's order.

        With `previous` (the same of the month before) a customer changes segment only when
        another is nearer by `HYSTERESIS` of the distance.
        """
        with one_thread():
            squared = squared_distances(self.space.points(features), self.centres)
        choice = squared.argmin(axis=1)
        ids = np.array(self.ids, dtype=np.int64)
        if previous is not None:
            place = {segment: position for position, segment in enumerate(self.ids)}
            last = features.select("customer_id").join(
                previous.select("customer_id", "segment_id"),
                on="customer_id",
                how="left",
                maintain_order="left",
            )["segment_id"]
            at = last.replace_strict(place, default=None, return_dtype=pl.Int64).fill_null(-1)
            own, rows = at.to_numpy(), np.arange(len(choice))
            stays = own >= 0
            stays &= squared[rows, choice] >= (1 - HYSTERESIS) ** 2 * squared[rows, own]
            choice = np.where(stays, own, choice)
        return features.select("customer_id", pl.Series("segment_id", ids[choice], pl.Int64))


class _Fit(NamedTuple):
    """Centres in a space, the labels of the sample, and how deep the valleys between them are."""

    space: Space
    centres: FloatMatrix
    labels: IntVector
    depth: float


def fit_asked(
    features: pl.DataFrame,
    amounts: Sequence[str],
    others: Sequence[str],
    segments: int,
) -> AskedModel | None:
    """A model of so many segments, numbered from 1, the largest first.

    Of several spaces it has the one whose segments those of the others agree with most, as a poor
    optimum is seldom found twice; the medoid of a cluster ensemble, A. Strehl, J. Ghosh (2002).
    None where there are too few customers, or too many who are alike, for as many segments of
    enough customers.

    Args:
        features: customers, with customer_id.
        amounts: columns of amounts, 0 for who has none.
        others: columns of other numbers; null is not known.
        segments: how many.
    """
    return fit_each(features, amounts, others, (segments,))[segments]


def fit_each(
    features: pl.DataFrame,
    amounts: Sequence[str],
    others: Sequence[str],
    numbers: Sequence[int],
    seed: int = 0,
) -> dict[int, AskedModel | None]:
    """`fit_asked` for each of the numbers of segments, in the same spaces."""
    fits: dict[int, list[_Fit]] = {number: [] for number in numbers}
    enough = [number for number in numbers if features.height >= ROWS_PER_SEGMENT * number]
    if not enough:
        return dict.fromkeys(numbers)
    sample = canonical_sample(features, FIT_ROWS, seed)

    def in_space(scaled: tuple[float, int]) -> dict[int, _Fit]:
        least, turn = scaled
        space = fit_space(sample, amounts, others, seed + turn, least)
        return dict(_fits(space, space.points(sample), enough, seed))

    for found in fit_several(in_space, product(LEAST_SPREADS, range(SPACES))):
        for number, fit in found.items():
            fits[number].append(fit)
    return {number: _most_alike(several) for number, several in fits.items()}


def _fits(
    space: Space, points: FloatMatrix, numbers: Sequence[int], seed: int
) -> Iterator[tuple[int, _Fit]]:
    """For each number of segments the fit in a space, where each segment has enough customers."""
    different = len(np.unique(points, axis=0))
    for segments in numbers:
        if different < segments:
            continue
        centres = round_significant(centres_of(points, segments, seed))
        labels = nearest_rows(points, centres)
        if np.bincount(labels, minlength=segments).min() >= SMALLEST_CELL:
            yield segments, _Fit(space, centres, labels, depth(points, labels))


def _most_alike(fits: list[_Fit]) -> AskedModel | None:
    """The fit that the others agree with most; of fits that are as alike, the one of most depth."""
    if not fits:
        return None
    similar = adjusted_rand_matrix([fit.labels for fit in fits]).sum(axis=1).round(6)
    best = max(zip(similar, fits, strict=True), key=lambda each: (each[0], each[1].depth))[1]
    segments = len(best.centres)
    ids, status = tuple(range(1, segments + 1)), ("new",) * segments
    return AskedModel(best.space, best.centres, ids, status, segments + 1)
