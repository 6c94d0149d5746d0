"""The fitted cluster model: fit, rows, scoring of customers by the nearest labelled prototype."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from portrait_assets.clusters.choice import CANDIDATES_SCHEMA, Choice, choose
from portrait_assets.clusters.errors import ClusterError
from portrait_assets.clusters.final_fit import fit_prototypes
from portrait_assets.clusters.model_rows import (
    Row,
    matrix_from,
    matrix_rows,
    round_significant,
    rows_hash,
    rows_to_frame,
)
from portrait_assets.clusters.nearest import nearest_rows, squared_distances
from portrait_assets.clusters.preparation import (
    FeatureUse,
    FloatMatrix,
    Geometry,
    Preparation,
    fit_preparation,
)
from portrait_assets.clusters.sampling import canonical_sample

__all__ = ["ClusterModel", "FeatureUse", "assign", "fit_model"]

IntVector = npt.NDArray[np.int64]


class Rule(Protocol):
    """A way to choose segments on a sample of prepared points."""

    def __call__(self, points: FloatMatrix, *, seed: int, unseen: FloatMatrix | None) -> Choice: ...


CHOICE_ROWS = 1_500
PREPARATION_ROWS = 20_000
UNSEEN_ROWS = 20_000
FIT_ROWS = 200_000
CHUNK_ROWS = 50_000
HYSTERESIS = 0.10
"""A customer changes segment only when the new one is nearer by this part of the distance."""
ASSIGNMENT_SCHEMA: dict[str, pl.DataType] = {
    "segment_id": pl.Int64(),
    "distance": pl.Float64(),
    "confidence": pl.Float64(),
}


@dataclass(frozen=True)
class ClusterModel:
    """Preparation, labelled prototypes and the evidence for the choice."""

    preparation: Preparation
    algorithm: str
    prototypes: FloatMatrix
    prototype_segments: IntVector
    candidates: pl.DataFrame
    reason: str
    supported: bool
    seed: int
    fitted_rows: int

    @property
    def segment_ids(self) -> list[int]:
        """Segment ids from 1, the largest segment first."""
        return sorted({int(s) for s in self.prototype_segments})

    @cached_property
    def version(self) -> str:
        """Hash of all rows: equal for equal data, configuration and seed."""
        return rows_hash(self.to_rows())

    def to_rows(self) -> pl.DataFrame:
        """The model as one long table (part, item, position, key, value, text)."""
        rows = [
            Row("model", "model", 0, "algorithm", None, self.algorithm),
            Row("model", "model", 0, "reason", None, self.reason),
            Row("model", "model", 0, "supported", float(self.supported)),
            Row("model", "model", 0, "seed", float(self.seed)),
            Row("model", "model", 0, "fitted_rows", float(self.fitted_rows)),
            *self.preparation.to_rows(),
            *matrix_rows("prototype", "coordinate", self.prototypes),
        ]
        rows += [
            Row("prototype_segment", str(i), i, "segment_id", float(s))
            for i, s in enumerate(self.prototype_segments)
        ]
        for position, line in enumerate(self.candidates.iter_rows(named=True)):
            item = f"{line['family']} {line['parameter']:g}/{line['k']}"
            for key, value in line.items():
                text = value if isinstance(value, str) else None
                number = None if value is None or text is not None else float(value)
                rows.append(Row("candidate", item, position, key, number, text))
        return rows_to_frame(rows)

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> ClusterModel:
        """Restore a model; it scores exactly as the one that was stored."""
        stored = rows.filter(pl.col("part") == "model")
        text = dict(zip(stored["key"], stored["text"], strict=True))
        value = dict(zip(stored["key"], stored["value"], strict=True))
        labels = rows.filter(pl.col("part") == "prototype_segment").sort("position")["value"]
        prototypes = matrix_from(rows, "prototype", "coordinate")
        return cls(
            preparation=Preparation.from_rows(rows),
            algorithm=str(text["algorithm"]),
            prototypes=prototypes if prototypes.size else np.zeros((len(labels), 0)),
            prototype_segments=labels.cast(pl.Int64).to_numpy(),
            candidates=_candidates_from(rows),
            reason=str(text["reason"]),
            supported=bool(value["supported"]),
            seed=int(value["seed"]),
            fitted_rows=int(value["fitted_rows"]),
        )


def fit_model(
    features: pl.DataFrame,
    uses: Sequence[FeatureUse],
    *,
    segments: int | None = None,
    seed: int = 0,
    geometry: Geometry = "features",
    rule: Rule = choose,
) -> ClusterModel:
    """Fit a model on customers (rows, with ``customer_id``); choose family and k, or take k.

    ``rule`` makes the choice when no number of segments is asked for: ``choose`` looks for
    segments that are really separate, ``partition.divide`` divides customers who are not.
    """
    _check(features, uses, segments)
    sample = canonical_sample(features, FIT_ROWS, seed)
    with threadpool_limits(1):
        preparation = fit_preparation(sample[:PREPARATION_ROWS], uses, seed=seed, geometry=geometry)
        points = preparation.transform(sample)
        some, unseen = points[:CHOICE_ROWS], points[CHOICE_ROWS : CHOICE_ROWS + UNSEEN_ROWS]
        choice = (
            rule(some, seed=seed, unseen=unseen)
            if segments is None
            else choose(some, segments=segments, seed=seed, unseen=unseen)
        )
        if segments is not None and int(choice.labels.max()) + 1 != segments:
            raise ClusterError(
                f"{segments} segments can't be made of these customers: {choice.reason}"
            )
        prototypes = fit_prototypes(points, choice, seed)
        nearest = nearest_rows(points, prototypes.centres)
        ids = _ids_by_size(prototypes.segments, prototypes.segments[nearest])
    order = np.argsort(ids, kind="stable")
    return ClusterModel(
        preparation=preparation,
        algorithm=choice.algorithm,
        prototypes=round_significant(prototypes.centres[order]),
        prototype_segments=ids[order],
        candidates=choice.candidates,
        reason=choice.reason,
        supported=choice.supported,
        seed=seed,
        fitted_rows=features.height,
    )


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
    nearest segment: 0.5 on the border, 1 at the prototype. With ``previous`` (``customer_id``,
    ``segment_id`` of the month before) a customer changes segment only when another is nearer
    by ``margin``; the confidence may then be below 0.5.

    Computed in fixed chunks, each by one thread, so that results do not depend on the machine.
    """
    held = None if previous is None else _held(features, previous)
    starts = range(0, features.height, CHUNK_ROWS)

    def score(start: int) -> pl.DataFrame:
        chunk = features[start : start + CHUNK_ROWS]
        own = None if held is None else held[start : start + CHUNK_ROWS]
        return _assign_chunk(model, chunk, own, margin)

    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(score, starts))
    scored = pl.concat(parts) if parts else pl.DataFrame(schema=ASSIGNMENT_SCHEMA)
    return features.select("customer_id").hstack(scored)


def _check(features: pl.DataFrame, uses: Sequence[FeatureUse], segments: int | None) -> None:
    absent = [c for c in ("customer_id", *(u.name for u in uses)) if c not in features.columns]
    if absent:
        raise ClusterError(f"the feature matrix has no column {', '.join(absent)}")
    if features.height == 0:
        raise ClusterError("the feature matrix has no customer, so there is nothing to cluster")
    if segments is not None and segments < 1:
        raise ClusterError(f"the number of segments must be at least 1, not {segments}")
    if segments is not None and segments > features.height:
        raise ClusterError(
            f"{segments} segments were asked for, but there are only {features.height} customers"
        )
    if features["customer_id"].is_duplicated().any():
        raise ClusterError("customer_id must be unique: one row per customer")


def _ids_by_size(prototype_labels: IntVector, labels: IntVector) -> IntVector:
    """Segment ids of the prototypes: 1 for the label with the most customers, and so on."""
    sizes = np.bincount(labels, minlength=int(prototype_labels.max()) + 1)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    return rank[prototype_labels]


def _held(features: pl.DataFrame, previous: pl.DataFrame) -> IntVector:
    """Last month's segment of every customer, 0 for one who was not there."""
    joined = features.select("customer_id").join(
        previous.select("customer_id", "segment_id"),
        on="customer_id",
        how="left",
        maintain_order="left",
    )
    return joined["segment_id"].fill_null(0).cast(pl.Int64).to_numpy()


def _assign_chunk(
    model: ClusterModel, chunk: pl.DataFrame, held: IntVector | None, margin: float
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
    if held is not None:
        choice = _with_hysteresis(nearest_of, choice, np.searchsorted(ids, held), ids, held, margin)
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
    held: IntVector,
    margin: float,
) -> IntVector:
    """Stay in the held segment unless the nearest is nearer by the margin."""
    rows = np.arange(len(choice))
    at = np.minimum(at, len(ids) - 1)
    known = ids[at] == held
    best, kept = nearest_of[rows, choice], nearest_of[rows, at]
    stays = known & (best >= (1.0 - margin) ** 2 * kept)
    return np.where(stays, at, choice)


def _candidates_from(rows: pl.DataFrame) -> pl.DataFrame:
    stored = rows.filter(pl.col("part") == "candidate").sort("position", "key")
    lines: dict[int, dict[str, float | str | None]] = {}
    for position, key, value, text in stored.select("position", "key", "value", "text").iter_rows():
        lines.setdefault(position, {})[key] = text if text is not None else value
    columns = {
        name: pl.Series(
            name, [line.get(name) for line in lines.values()], dtype=_stored_type(dtype)
        ).cast(dtype)
        for name, dtype in CANDIDATES_SCHEMA.items()
    }
    return pl.DataFrame(columns)


def _stored_type(dtype: pl.DataType) -> pl.DataType:
    return pl.String() if dtype == pl.String() else pl.Float64()
