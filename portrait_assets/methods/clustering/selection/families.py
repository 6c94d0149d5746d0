"""All families of clusterings on one sample: which candidates there are, and how each is fitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.clustering.algorithms.density import dbscan_labels, density_labels
from portrait_assets.methods.clustering.algorithms.genie import (
    REACH_NEIGHBOURS,
    SpanningTree,
    genie_hierarchy,
    spanning_tree,
)
from portrait_assets.methods.clustering.algorithms.hierarchy import Hierarchy
from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_labels
from portrait_assets.methods.clustering.algorithms.mixture import mixture_labels
from portrait_assets.methods.clustering.algorithms.ward import ward_hierarchy

FloatMatrix = npt.NDArray[np.float64]
FloatVector = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

NUMBERS_OF_SEGMENTS = (
    *range(2, 13),
    14,
    15,
    16,
    18,
    20,
    22,
    25,
    28,
    31,
    35,
    40,
    45,
    50,
    60,
    70,
    80,
    100,
)
"""The k that are tried; beyond twelve in steps of about a tenth."""
GINI_LIMITS = (0.1, 0.3, 0.5, 0.7, 1.0)
"""Limits for Genie; with 1.0 it is single linkage."""
ROBUST_GINI_LIMITS = (0.3, 0.5, 0.7)
DENSITY_SHARES = (0.008, 0.015, 0.03, 0.06)
"""Smallest density cluster, as a share of the sample."""
DENSE_SHARES = (0.8, 0.9, 0.97, 1.0)
"""Share of the sample that lies in dense regions by the reach of DBSCAN."""
ROWS_PER_SEGMENT = 15
RESTARTS = 20
MANY = 20
RESTARTS_OF_MANY = 2
"""Among more than twenty centres single ones go astray, which restarts hardly mend."""
MOST_IN_MIXTURE = 31
MIXTURE_PARAMETERS = 0.8
"""A mixture may have this many parameters per row."""


class Candidate(NamedTuple):
    """A way to cluster: family, its parameter (0 for none) and the k asked for (0: found).

    ``refined``: segments that fall apart were split again.
    """

    family: str
    parameter: float
    k: int
    refined: bool = False

    @property
    def kind(self) -> str:
        """What it goes by: the two density families, which see the same, are of one kind."""
        return "density" if self.family == "dbscan" else self.family

    @property
    def algorithm(self) -> str:
        """Family and parameter in words, such as ``genie 0.3``."""
        words = f"{self.family} {self.parameter:g}" if self.parameter else self.family
        return f"{words}, refined" if self.refined else words


def candidates_for(rows: int, dims: int, also: int | None = None) -> list[Candidate]:
    """Every candidate that ``rows`` points of ``dims`` dimensions can carry.

    ``also`` adds a k that was asked for. A mixture needs more rows than it has parameters.
    """
    ks = sorted({k for k in NUMBERS_OF_SEGMENTS if k * ROWS_PER_SEGMENT <= rows} | {also or 2})
    ks = [k for k in ks if 2 <= k <= rows]
    found: list[Candidate] = []
    for k in ks:
        found += [Candidate("k-means", 0, k), Candidate("ward", 0, k)]
        found += [Candidate("genie", g, k) for g in GINI_LIMITS]
        found += [Candidate("genie by reach", g, k) for g in ROBUST_GINI_LIMITS]
        parameters = k * (dims + 1) * (dims + 2) / 2
        if parameters < MIXTURE_PARAMETERS * rows and k <= MOST_IN_MIXTURE:
            found.append(Candidate("mixture", 0, k))
    if rows >= 10:
        found += [Candidate("density", share, 0) for share in DENSITY_SHARES]
        found += [Candidate("dbscan", share, 0) for share in DENSE_SHARES]
    return found


def fit_candidates(
    points: FloatMatrix,
    wanted: Collection[Candidate],
    *,
    weights: FloatVector | None = None,
    seed: int = 0,
) -> dict[Candidate, IntVector]:
    """Labels (from 0) of the wanted candidates, shape (rows,) each.

    Weights (sizes of micro-clusters) are used by k-means, Ward and Genie; the mixture and the
    density families see every point once.
    """
    labels: dict[Candidate, IntVector] = {}
    for candidate in wanted:
        if candidate.family == "k-means":
            restarts = RESTARTS if candidate.k <= MANY else RESTARTS_OF_MANY
            labels[candidate] = kmeans_labels(
                points, candidate.k, weights=weights, restarts=restarts, seed=seed
            )
        elif candidate.family == "mixture":
            start = labels.get(Candidate("k-means", 0, candidate.k))
            if start is None:
                start = kmeans_labels(points, candidate.k, restarts=1, seed=seed)
            labels[candidate] = mixture_labels(points, start)
        elif candidate.family == "density":
            smallest = max(5, int(candidate.parameter * len(points)))
            labels[candidate] = density_labels(points, smallest)[0]
        elif candidate.family == "dbscan":
            labels[candidate] = dbscan_labels(points, candidate.parameter)[0]
    _cut(
        labels, [c for c in wanted if c.family == "ward"], lambda _: ward_hierarchy(points, weights)
    )
    for family, neighbours in (("genie", 0), ("genie by reach", REACH_NEIGHBOURS)):
        mine = [c for c in wanted if c.family == family]
        if mine:
            _cut(labels, mine, _genie(spanning_tree(points, neighbours), weights))
    return labels


def _genie(tree: SpanningTree, weights: FloatVector | None) -> Callable[[float], Hierarchy]:
    return lambda gini_limit: genie_hierarchy(tree, gini_limit, weights)


def fit_one(
    points: FloatMatrix,
    candidate: Candidate,
    *,
    weights: FloatVector | None = None,
    seed: int = 0,
) -> IntVector:
    """Labels (from 0) of one candidate."""
    return fit_candidates(points, [candidate], weights=weights, seed=seed)[candidate]


def _cut(
    labels: dict[Candidate, IntVector],
    wanted: Iterable[Candidate],
    build: Callable[[float], Hierarchy],
) -> None:
    """Cut one hierarchy per parameter at every wanted k."""
    by_parameter: dict[float, list[Candidate]] = {}
    for candidate in wanted:
        by_parameter.setdefault(candidate.parameter, []).append(candidate)
    for parameter, mine in by_parameter.items():
        cuts = build(parameter).cuts({c.k for c in mine})
        for candidate in mine:
            labels[candidate] = cuts[candidate.k]
