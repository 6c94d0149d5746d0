"""The fitted cluster model and its form as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.methods.clustering.preparation.model_rows import (
    Row,
    matrix_from,
    matrix_rows,
    rows_hash,
    rows_to_frame,
)
from portrait_assets.methods.clustering.preparation.preparation import Preparation
from portrait_assets.methods.clustering.selection.scoring import CANDIDATES_SCHEMA

BASELINE_SHARE = "baseline_share"


class Segment(NamedTuple):
    """A segment of a model: its share when it was fitted, and what it was made of.

    ``status`` is ``kept``, ``new``, ``split`` or ``merged`` against the model before;
    ``from_segments`` are the segments of that model that it is made of. ``baseline_share`` is the
    share that drift is measured against: that of the fit, or of the newest month in which the
    model won against one chosen anew.
    """

    segment_id: int
    share: float
    status: str
    from_segments: tuple[int, ...]
    baseline_share: float


@dataclass(frozen=True)
class ClusterModel:
    """Preparation, labelled prototypes, and why they were chosen.

    ``candidates`` are the numbers of all that it was chosen from; they are kept in a table of
    their own. They and the baseline shares of the segments, which change no customer's segment,
    are no part of the version. ``next_id`` is the first id never used.
    """

    preparation: Preparation
    algorithm: str
    prototypes: FloatMatrix
    prototype_segments: IntVector
    candidates: pl.DataFrame
    reason: str
    supported: bool
    nature: str
    seed: int
    fitted_rows: int
    segments: tuple[Segment, ...]
    bootstrap_agreement: float
    next_id: int = 0

    @property
    def segment_ids(self) -> list[int]:
        """Ids of the segments in ascending order; a new model has the largest first."""
        return sorted({int(s) for s in self.prototype_segments})

    @cached_property
    def version(self) -> str:
        """Hash of the rows: equal for equal data, configuration and seed."""
        return rows_hash(self.to_rows().filter(pl.col("key") != BASELINE_SHARE))

    def with_baseline(self, shares: Mapping[int, float]) -> ClusterModel:
        """The same model, whose drift is from now on measured against these shares by segment."""
        segments = (
            segment._replace(baseline_share=shares.get(segment.segment_id, 0.0))
            for segment in self.segments
        )
        return replace(self, segments=tuple(segments))

    def to_rows(self) -> pl.DataFrame:
        """The model as one long table (part, item, position, key, value, text)."""
        rows = [
            Row("model", "model", 0, "algorithm", None, self.algorithm),
            Row("model", "model", 0, "reason", None, self.reason),
            Row("model", "model", 0, "nature", None, self.nature),
            Row("model", "model", 0, "supported", float(self.supported)),
            Row("model", "model", 0, "seed", float(self.seed)),
            Row("model", "model", 0, "fitted_rows", float(self.fitted_rows)),
            Row("model", "model", 0, "bootstrap_agreement", self.bootstrap_agreement),
            Row("model", "model", 0, "next_id", float(self.next_id)),
            *self.preparation.to_rows(),
            *matrix_rows("prototype", "coordinate", self.prototypes),
        ]
        rows += [
            Row("prototype_segment", str(i), i, "segment_id", float(s))
            for i, s in enumerate(self.prototype_segments)
        ]
        for segment in self.segments:
            item = (str(segment.segment_id), segment.segment_id)
            rows.append(Row("segment", *item, "share", segment.share))
            rows.append(Row("segment", *item, BASELINE_SHARE, segment.baseline_share))
            rows.append(Row("segment", *item, "status", None, segment.status))
            origins = " ".join(str(origin) for origin in segment.from_segments)
            rows.append(Row("segment", *item, "from_segments", None, origins))
        return rows_to_frame(rows)

    @classmethod
    def from_rows(cls, rows: pl.DataFrame, candidates: pl.DataFrame | None = None) -> ClusterModel:
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
            candidates=pl.DataFrame(schema=CANDIDATES_SCHEMA)
            if candidates is None
            else candidates.select(list(CANDIDATES_SCHEMA)),
            reason=str(text["reason"]),
            supported=bool(value["supported"]),
            nature=str(text["nature"]),
            seed=int(value["seed"]),
            fitted_rows=int(value["fitted_rows"]),
            segments=_segments_from(rows),
            bootstrap_agreement=float(value["bootstrap_agreement"]),
            next_id=int(value["next_id"]),
        )


def _segments_from(rows: pl.DataFrame) -> tuple[Segment, ...]:
    stored = rows.filter(pl.col("part") == "segment")
    value = {(p, k): v for p, k, v in stored.select("position", "key", "value").iter_rows()}
    text = {(p, k): t for p, k, t in stored.select("position", "key", "text").iter_rows()}
    return tuple(
        Segment(
            segment_id,
            float(value[segment_id, "share"]),
            str(text[segment_id, "status"]),
            tuple(int(origin) for origin in (text[segment_id, "from_segments"] or "").split()),
            # Models that were stored without one have the share of their fit.
            float(value.get((segment_id, BASELINE_SHARE), value[segment_id, "share"])),
        )
        for segment_id in sorted({position for position, _ in value})
    )
