"""The final fit of a chosen candidate on a large sample: labelled prototypes, and its stability.

Prototypes are few centres that reproduce a labelling by the nearest one. A customer inherits the
segment of the nearest prototype, so a model of any family can be stored as rows and scored by any
engine. Paper: T. Kohonen (1990), "The self-organizing map" (codebooks), here placed by k-means per
segment. Each is the mean of enough customers, and no customer counts in two, so that neither a
prototype nor the difference of two tells of few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_centres
from portrait_assets.methods.clustering.algorithms.nearest import (
    means_of_enough,
    microaggregates,
    nearest_rows,
)
from portrait_assets.methods.clustering.selection.choice import Choice, refit
from portrait_assets.methods.clustering.selection.evidence import compare_bootstraps
from portrait_assets.methods.clustering.selection_rule import FinalFit, SelectionRule


class Prototypes(NamedTuple):
    """Centres, shape (prototypes, dims), their segments, and the agreement that they reach."""

    centres: FloatMatrix
    segments: IntVector
    agreement: float


def fit_prototypes(points: FloatMatrix, choice: Choice, seed: int, rule: FinalFit) -> Prototypes:
    """Prototypes of the chosen candidate, refitted on all sampled points.

    The first points are those that the choice was made on. A refit that is another partition than
    the chosen one is dropped, and the points inherit the label of the nearest chosen point.
    """
    small = len(choice.labels)
    if len(np.unique(choice.labels)) == 1:
        centre = points.mean(axis=0, keepdims=True) if points.size else points[:1]
        return Prototypes(centre, np.zeros(1, dtype=np.int64), 1.0)
    if choice.candidate.is_centroid:
        family = choice.candidate.family
        centres = family.centres(points, points[:small], choice.labels, seed)
        return Prototypes(centres, np.arange(len(centres)), 1.0)
    if small == len(points):
        return condense(points, choice.labels, rule, seed)
    labels = _refit(points, choice, seed, rule)
    return condense(points[: len(labels)], labels, rule, seed)


def bootstrap_agreement(
    points: FloatMatrix, choice: Choice, seed: int, rule: SelectionRule
) -> float:
    """Adjusted Rand index of two refits of the choice on bootstrap samples of the points.

    Every refit labels all the points, as the candidate's family assigns them.
    """
    candidate = choice.candidate
    if int(choice.labels.max()) == 0:
        return 1.0
    rows = rule.stability.centroid_rows if candidate.is_centroid else rule.samples.choice_rows
    some = points[:rows]

    def label(sample: FloatMatrix) -> IntVector:
        return candidate.assign(some, sample, refit(sample, candidate, seed, rule))

    return compare_bootstraps(some, label, seed)


def condense(points: FloatMatrix, labels: IntVector, rule: FinalFit, seed: int = 0) -> Prototypes:
    """The fewest centres per segment (1, 2, 4, ...) that reproduce the labels well enough.

    Where none of them does, those that do best, among which are as many as the points allow, at
    most ``most_prototypes``. Each is the mean of a group of `SMALLEST_CELL` points of its segment
    at least, and the groups are disjoint; a segment of fewer than twice as many has one, of all.
    """
    found = np.unique(labels)
    tried = []
    for size in rule.prototype_sizes:
        if size * len(found) > min(rule.most_prototypes, len(points) // 2) and size > 1:
            break
        prototypes = _centres_per_segment(points, labels, found, size, seed)
        if prototypes.agreement >= rule.enough_agreement:
            return prototypes
        tried.append(prototypes)
    most = max(1, rule.most_prototypes // len(found)) * SMALLEST_CELL
    finest = [microaggregates(points[labels == segment][:most]) for segment in found]
    tried.append(_prototypes(points, labels, found, finest))
    return max(tried, key=lambda prototypes: prototypes.agreement)


def _refit(points: FloatMatrix, choice: Choice, seed: int, rule: FinalFit) -> IntVector:
    """Labels of the first points: a refit when it keeps the chosen partition, or inherited."""
    small, candidate = len(choice.labels), choice.candidate
    some, labels = points[: rule.inherited_rows], None
    if not candidate.refined:
        some = points[: candidate.family.refit_rows]
        labels = candidate.family.refit(some, choice.labels, candidate.parameter, seed)
    if labels is not None and _is_same(labels, choice.labels, rule):
        return labels
    return choice.labels[nearest_rows(some, points[:small])]


def _is_same(labels: IntVector, chosen: IntVector, rule: FinalFit) -> bool:
    same_count = len(np.unique(labels)) == int(chosen.max()) + 1
    agreement = float(adjusted_rand_score(labels[: len(chosen)], chosen))
    return same_count and agreement >= rule.same_partition


def _centres_per_segment(
    points: FloatMatrix, labels: IntVector, found: IntVector, size: int, seed: int
) -> Prototypes:
    centres = []
    for segment in found:
        members = points[labels == segment]
        if size == 1:
            own = members.mean(axis=0, keepdims=True)
        elif len(members) <= 2 * size:
            own = microaggregates(members)
        else:
            own = means_of_enough(members, kmeans_centres(members, size, restarts=1, seed=seed))
        centres.append(own)
    return _prototypes(points, labels, found, centres)


def _prototypes(
    points: FloatMatrix, labels: IntVector, segments: IntVector, centres: Sequence[FloatMatrix]
) -> Prototypes:
    """The centres of each segment, and for how many of the points the nearest is of their own."""
    stacked, ids = np.vstack(centres), np.repeat(segments, [len(each) for each in centres])
    agreement = float((ids[nearest_rows(points, stacked)] == labels).mean())
    return Prototypes(stacked, ids, agreement)
