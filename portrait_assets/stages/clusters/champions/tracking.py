"""Identity of segments over time: which new segment is which old one, and who moved.

Matching is the assignment problem of H. Kuhn (1955), "The Hungarian method for the assignment
problem", on shared customers and on the closeness of centres.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import linear_sum_assignment

from portrait_assets.core.arrays import FloatMatrix
from portrait_assets.methods.clustering.assignment import assign
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.privacy.cells import EVERY_CELL, moves_are_pooled
from portrait_assets.stages.clusters.rule import RULE, Tracking

POOLED = 0
"""The segment that stands for those between which too few customers moved."""

MATCH_SCHEMA: dict[str, pl.DataType] = {
    "new_id": pl.Int64(),
    "segment_id": pl.Int64(),
    "status": pl.String(),
    "old_ids": pl.List(pl.Int64()),
    "shared_customers": pl.Int64(),
    "overlap": pl.Float64(),
}
"""``new_id`` is the refit's number, ``segment_id`` the lasting one; ``overlap`` is Jaccard's."""


class Overlap(NamedTuple):
    """Customers by old segment (rows) and new segment (columns), and closeness of centres."""

    old_ids: list[int]
    new_ids: list[int]
    counts: FloatMatrix
    closeness: FloatMatrix


def measure_overlap(
    old: pl.DataFrame,
    new: pl.DataFrame,
    points: FloatMatrix | None = None,
) -> Overlap:
    """Overlap of two assignments of the same customers (``customer_id, segment_id``).

    ``points`` are prepared coordinates in the order of ``new``; with them, closeness is
    ``exp(-(distance of centres / mean distance of the old centres)^2)``, otherwise zero.
    """
    both = new.select("customer_id", pl.col("segment_id").alias("new")).with_row_index("at")
    both = both.join(
        old.select("customer_id", pl.col("segment_id").alias("old")), on="customer_id"
    ).sort("at")
    old_ids = sorted(old["segment_id"].unique().to_list())
    new_ids = sorted(new["segment_id"].unique().to_list())
    row = np.searchsorted(old_ids, both["old"].to_numpy())
    column = np.searchsorted(new_ids, both["new"].to_numpy())
    counts = np.zeros((len(old_ids), len(new_ids)))
    np.add.at(counts, (row, column), 1.0)
    closeness = np.zeros_like(counts)
    if points is not None and both.height:
        shared = points[both["at"].to_numpy()]
        closeness = _closeness(
            _centres(shared, row, len(old_ids)), _centres(shared, column, len(new_ids))
        )
    return Overlap(old_ids, new_ids, counts, closeness)


def match_segments(
    overlap: Overlap, next_id: int | None = None, rule: Tracking = RULE.tracking
) -> pl.DataFrame:
    """Lasting ids and status of new segments; columns of :data:`MATCH_SCHEMA`.

    ``kept``: matched and shares at least half of both together. ``split``: most of it comes from
    one old segment that others took a part of too. ``merged``: it took most of two or more old
    ones. ``new``: none of these. A matched split or merged segment carries on the old id; every
    other one gets the next id never used (``next_id``, or one above the largest old id).
    """
    counts = overlap.counts
    old_size, new_size = counts.sum(axis=1), counts.sum(axis=0)
    union = old_size[:, None] + new_size - counts
    jaccard = np.divide(counts, union, out=np.zeros_like(counts), where=union > 0)
    weight = rule.centre_weight
    likeness = (1 - weight) * jaccard + weight * overlap.closeness
    rows, columns = linear_sum_assignment(-likeness)
    match = dict(zip(columns.tolist(), rows.tolist(), strict=True))
    taken = np.divide(
        counts, old_size[:, None], out=np.zeros_like(counts), where=old_size[:, None] > 0
    )
    given = np.divide(counts, new_size, out=np.zeros_like(counts), where=new_size > 0)
    free = next_id if next_id is not None else max(overlap.old_ids, default=0) + 1
    lines = []
    for j, new_id in enumerate(overlap.new_ids):
        i = match.get(j)
        status, origins = _status(i, j, _Shares(jaccard, taken, given), rule)
        carries = i is not None and status != "new" and (status == "kept" or i in origins)
        if carries and i is not None:
            lasting = overlap.old_ids[i]
        else:
            lasting, free = free, free + 1
        shared = 0 if i is None else int(counts[i, j])
        share = 0.0 if i is None else float(jaccard[i, j])
        origin_ids = [overlap.old_ids[o] for o in origins]
        lines.append((new_id, lasting, status, origin_ids, shared, round(share, 6)))
    return pl.DataFrame(lines, schema=MATCH_SCHEMA, orient="row")


def with_lasting_ids(model: ClusterModel, matches: pl.DataFrame) -> ClusterModel:
    """The refitted model with the lasting ids, status and origins of :func:`match_segments`."""
    lines = {line["new_id"]: line for line in matches.iter_rows(named=True)}
    mapping = {new_id: int(line["segment_id"]) for new_id, line in lines.items()}
    # A segment without customers this month has no match and takes ids after all others.
    free = max([*mapping.values(), model.next_id - 1]) + 1
    for segment_id in model.segment_ids:
        if segment_id not in mapping:
            mapping[segment_id], free = free, free + 1
    ids = np.array([mapping[int(s)] for s in model.prototype_segments], dtype=np.int64)
    # Prototypes are kept in the order of their segments.
    order = np.argsort(ids, kind="stable")
    segments = []
    for segment in model.segments:
        line = lines.get(segment.segment_id)
        status = "new" if line is None else line["status"]
        origins = () if line is None else tuple(line["old_ids"])
        segment_id = mapping[segment.segment_id]
        segments.append(
            segment._replace(segment_id=segment_id, status=status, from_segments=origins)
        )
    return replace(
        model,
        prototypes=model.prototypes[order],
        prototype_segments=ids[order],
        segments=tuple(sorted(segments)),
        next_id=free,
    )


def track(
    champion: ClusterModel,
    refit: ClusterModel,
    features: pl.DataFrame,
    *,
    rule: Tracking = RULE.tracking,
) -> tuple[ClusterModel, pl.DataFrame]:
    """Match a refit to the champion on one month's customers; the renumbered refit and matches."""
    features = canonical_sample(features, rule.matched_rows, refit.seed)
    old, new = assign(champion, features), assign(refit, features)
    points = refit.preparation.transform(features)
    next_id = max(champion.next_id, *(s + 1 for s in champion.segment_ids))
    matches = match_segments(measure_overlap(old, new, points), next_id, rule)
    return with_lasting_ids(replace(refit, next_id=next_id), matches), matches


def migration_matrix(
    previous: pl.DataFrame, current: pl.DataFrame, smallest: int = EVERY_CELL
) -> pl.DataFrame:
    """Customers by segment of the previous and of the current month.

    Returns ``from_segment, to_segment, customers, share`` (of the from-segment); a null segment
    is a customer who was not there (entered, or left). Moves of fewer than ``smallest`` customers
    are pooled as one between segments `POOLED`, without a share.
    """
    joined = previous.select("customer_id", pl.col("segment_id").alias("from_segment")).join(
        current.select("customer_id", pl.col("segment_id").alias("to_segment")),
        on="customer_id",
        how="full",
        coalesce=True,
    )
    moves = (
        joined.group_by("from_segment", "to_segment")
        .agg(pl.len().cast(pl.Int64).alias("customers"))
        .with_columns(
            share=(pl.col("customers") / pl.col("customers").sum().over("from_segment")).round(6)
        )
        .sort("from_segment", "to_segment", nulls_last=True)
    )
    mask = moves_are_pooled(moves, ("from_segment", "to_segment"), "customers", smallest)
    together = moves.filter(mask).select(
        pl.lit(POOLED, pl.Int64).alias("from_segment"),
        pl.lit(POOLED, pl.Int64).alias("to_segment"),
        pl.col("customers").sum(),
        pl.lit(None, pl.Float64).alias("share"),
    )
    return pl.concat([moves.filter(~mask), together.filter(pl.col("customers") >= smallest)])


class _Shares(NamedTuple):
    """By old (rows) and new segment (columns): shared part of both, of the old and of the new."""

    jaccard: FloatMatrix
    taken: FloatMatrix
    given: FloatMatrix


def _status(i: int | None, j: int, shares: _Shares, rule: Tracking) -> tuple[str, list[int]]:
    """Status of new segment ``j`` matched to old ``i``, and the old segments that it is made of."""
    jaccard, taken, given = shares
    swallowed = np.flatnonzero((taken[:, j] > rule.most) & (given[:, j] >= rule.part_share))
    if len(swallowed) >= 2:
        return "merged", swallowed.tolist()
    if i is not None and jaccard[i, j] >= rule.kept_overlap:
        return "kept", [i]
    if given.shape[0]:
        origin = int(given[:, j].argmax())
        if given[origin, j] > rule.most and (taken[origin] >= rule.part_share).sum() >= 2:
            return "split", [origin]
    return "new", []


def _centres(points: FloatMatrix, labels: npt.NDArray[np.int64], k: int) -> FloatMatrix:
    centres = np.full((k, points.shape[1]), np.nan)
    for label in range(k):
        members = points[labels == label]
        if len(members):
            centres[label] = members.mean(axis=0)
    return centres


def _closeness(old: FloatMatrix, new: FloatMatrix) -> FloatMatrix:
    apart = np.sqrt(((old[:, None] - old[None]) ** 2).sum(axis=2))
    usual = np.nanmean(apart[apart > 0]) if (apart > 0).any() else 1.0
    across = ((old[:, None] - new[None]) ** 2).sum(axis=2)
    closeness: FloatMatrix = np.nan_to_num(np.exp(-across / usual**2), nan=0.0)
    return closeness
