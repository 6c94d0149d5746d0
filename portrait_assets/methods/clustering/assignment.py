"""Scoring: every customer gets the segment of the nearest prototype, last month's if it is near."""

from __future__ import annotations

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.machine.threads import in_threads
from portrait_assets.methods.clustering.algorithms.nearest import squared_distances
from portrait_assets.methods.clustering.model import ClusterModel

CHUNK_ROWS = 50_000
HYSTERESIS = 0.20
"""A customer changes segment only when the new one is nearer by this part of the distance."""
ASSIGNMENT_SCHEMA: dict[str, pl.DataType] = {
    "segment_id": pl.Int64(),
    "distance": pl.Float64(),
    "confidence": pl.Float64(),
}


def assign(
    model: ClusterModel,
    features: pl.DataFrame,
    previous: pl.DataFrame | None = None,
    *,
    margin: float = HYSTERESIS,
) -> pl.DataFrame:
    """Segment, distance and membership confidence of every customer, in the frame's order.

    ``distance`` is Euclidean in prepared units to the nearest prototype of the segment;
    ``confidence`` is the fuzzy membership (fuzzifier 2; J. Bezdek 1981) between it and the next
    nearest segment: 0.5 on the boundary, 1 at the prototype. With ``previous`` (``customer_id``,
    ``segment_id`` of the month before) a customer changes segment only when another is nearer
    by ``margin``; the confidence may then be below 0.5.

    Computed in fixed chunks, each by one thread, so that results do not depend on the machine.
    """
    previous_ids = None if previous is None else _previous_segments(features, previous)
    starts = range(0, features.height, CHUNK_ROWS)

    def score(start: int) -> pl.DataFrame:
        chunk = features[start : start + CHUNK_ROWS]
        own = None if previous_ids is None else previous_ids[start : start + CHUNK_ROWS]
        return _assign_chunk(model, chunk, own, margin)

    parts = list(in_threads(score, starts))
    scored = pl.concat(parts) if parts else pl.DataFrame(schema=ASSIGNMENT_SCHEMA)
    return features.select("customer_id").hstack(scored)


def _previous_segments(features: pl.DataFrame, previous: pl.DataFrame) -> IntVector:
    """Last month's segment of every customer, 0 for one who was not there."""
    joined = features.select("customer_id").join(
        previous.select("customer_id", "segment_id"),
        on="customer_id",
        how="left",
        maintain_order="left",
    )
    return joined["segment_id"].fill_null(0).cast(pl.Int64).to_numpy()


def _assign_chunk(
    model: ClusterModel, chunk: pl.DataFrame, previous_ids: IntVector | None, margin: float
) -> pl.DataFrame:
    points = model.preparation.transform(chunk)
    squared = squared_distances(points, model.prototypes)
    ids, starts = np.unique(model.prototype_segments, return_index=True)
    # Prototypes are stored in the order of their segments, so each segment is one stretch.
    nearest_of = (
        np.minimum.reduceat(squared, starts, axis=1)
        if len(ids) > 1
        else squared.min(axis=1, keepdims=True)
    )
    rows = np.arange(len(points))
    choice = nearest_of.argmin(axis=1)
    if previous_ids is not None:
        choice = _with_hysteresis(
            nearest_of, choice, np.searchsorted(ids, previous_ids), ids, previous_ids, margin
        )
    own = nearest_of[rows, choice].copy()
    confidence = np.ones(len(own))
    if len(ids) > 1:
        nearest_of[rows, choice] = np.inf
        other = nearest_of.min(axis=1)
        total = own + other
        confidence = np.where(total > 0, other / np.where(total > 0, total, 1.0), 0.5)
    return pl.DataFrame(
        {
            "segment_id": ids[choice],
            "distance": np.round(np.sqrt(own), 6),
            "confidence": np.round(confidence, 6),
        },
        schema=ASSIGNMENT_SCHEMA,
    )


def _with_hysteresis(
    nearest_of: FloatMatrix,
    choice: IntVector,
    at: IntVector,
    ids: IntVector,
    previous_ids: IntVector,
    margin: float,
) -> IntVector:
    """Stay in last month's segment unless the nearest is nearer by the margin."""
    rows = np.arange(len(choice))
    at = np.minimum(at, len(ids) - 1)
    known = ids[at] == previous_ids
    best, kept = nearest_of[rows, choice], nearest_of[rows, at]
    stays = known & (best >= (1.0 - margin) ** 2 * kept)
    return np.where(stays, at, choice)
