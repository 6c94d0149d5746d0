"""Fitting a cluster model on a sample of customers: preparation, choice, final fit, prototypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.errors import ClusterError
from portrait_assets.methods.clustering.final_fit import bootstrap_agreement, fit_prototypes
from portrait_assets.methods.clustering.model import ClusterModel, Segment
from portrait_assets.methods.clustering.preparation.model_rows import round_significant
from portrait_assets.methods.clustering.preparation.preparation import (
    FeatureUse,
    Geometry,
    fit_preparation,
)
from portrait_assets.methods.clustering.preparation.sampling import (
    canonical_sample,
    known_customers,
)
from portrait_assets.methods.clustering.selection.choice import Choice, choose
from portrait_assets.methods.clustering.selection_rule import RULE, SelectionRule


class Chooser(Protocol):
    """A way to choose segments on a sample of prepared points."""

    def __call__(
        self, points: FloatMatrix, *, seed: int, unseen: FloatMatrix | None, rule: SelectionRule
    ) -> Choice:
        """The choice for points by the rule; ``unseen`` are further customers to test it on."""


def fit_model(
    features: pl.DataFrame,
    uses: Sequence[FeatureUse],
    *,
    segments: int | None = None,
    seed: int = 0,
    geometry: Geometry = "features",
    chooser: Chooser = choose,
    rule: SelectionRule = RULE,
) -> ClusterModel:
    """Fit a model on customers (rows, with ``customer_id``); choose family and k, or take k.

    ``chooser`` makes the choice by the rule when no number of segments is asked for: ``choose``
    looks for segments that are really separate, ``partition.divide`` divides customers who are
    not. Raises :class:`ClusterError` for a request that can't be met.
    """
    samples = rule.samples
    _check(features, uses, segments)
    sample = canonical_sample(features, samples.fit_rows, seed)
    with one_thread():
        sample = known_customers(sample, [use.name for use in uses])
        prepared = sample[: samples.preparation_rows]
        preparation = fit_preparation(prepared, uses, seed=seed, geometry=geometry)
        points = preparation.transform(sample)
        some, others = points[: samples.choice_rows], points[samples.choice_rows :]
        unseen = others[: samples.unseen_rows]
        choice = (
            chooser(some, seed=seed, unseen=unseen, rule=rule)
            if segments is None
            else choose(some, segments=segments, seed=seed, unseen=unseen, rule=rule)
        )
        if segments is not None and int(choice.labels.max()) + 1 != segments:
            raise ClusterError(
                f"{segments} segments can't be made of these customers: {choice.reason}"
            )
        prototypes = fit_prototypes(points, choice, seed, rule.final_fit)
        nearest = nearest_rows(points, prototypes.centres)
        ids = _ids_by_size(prototypes.segments, prototypes.segments[nearest])
        agreement = bootstrap_agreement(points, choice, seed, rule)
    order = np.argsort(ids, kind="stable")
    return ClusterModel(
        preparation=preparation,
        algorithm=choice.algorithm,
        prototypes=round_significant(prototypes.centres[order]),
        prototype_segments=ids[order],
        candidates=choice.candidates,
        reason=choice.reason,
        supported=choice.supported,
        nature=choice.nature,
        segments=new_segments(ids[nearest]),
        bootstrap_agreement=agreement,
        seed=seed,
        fitted_rows=features.height,
    )


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


def new_segments(ids: IntVector) -> tuple[Segment, ...]:
    """The segments of a new model with their shares of the customers labelled with ids."""
    found, counts = np.unique(ids, return_counts=True)
    shares = np.round(counts / max(1, len(ids)), 6)
    return tuple(
        Segment(int(segment), float(share), "new", (), float(share))
        for segment, share in zip(found, shares, strict=True)
    )
