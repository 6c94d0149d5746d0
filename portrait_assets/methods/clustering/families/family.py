"""A family of clusterings: how it fits, refits and assigns, and properties for the choice.

Everything that is particular to one algorithm is an attribute or a method of its
:class:`Family`; the choice, the final fit and the assignment use these and never its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.clustering.algorithms.micro import micro_clusters
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows

Built = TypeVar("Built")


@dataclass(frozen=True, eq=False)
class Family(ABC):
    """A family of clusterings. A new one states its name and order, and defines :meth:`fit`.

    Attributes:
        name: as published in `clusters.cluster_candidates` and `clusters.cluster_model`.
        order: position among the families; where candidates tie, the first wins. Families with
            the same order alternate by number of segments.
        parameters: values of the family's parameter that are compared; 0 for none.
        split_parameters: those that single segments are split again by; none by default.
        finds_number: whether it finds the number of segments itself, so that none is given.
        least_rows: with fewer points it is not fitted.
        refit_rows: points that the final fit of a chosen candidate looks at, at most.
        kind: families of one kind see the same, so that they are one voice when families are
            compared for agreement; by default a family is a kind of its own.
        is_evidence: whether its finding a partition too speaks for another family's candidate.
        is_misled_by_chains: whether one chain of points may join what is separate; such a family
            wins only where density-based validation finds its segments separated.
        is_centroid: whether a segment is everything nearest to its mean. Such segments stay
            meaningful in many dimensions, where single distances are mostly noise.
        follows_gaps: whether its segments may have any form, ending where points are sparse.
        may_overlap: whether its segments are bells, which may be separate without a valley.
        takes_weights: whether a weighted point may stand for many, so that the final fit is made
            on micro-clusters.
        starts_from: the family whose labels for the same number of segments its fit starts from.
    """

    name: str
    order: int
    parameters: tuple[float, ...] = (0.0,)
    split_parameters: tuple[float, ...] = ()
    finds_number: bool = False
    least_rows: int = 0
    refit_rows: int = 20_000
    kind: str = ""
    is_evidence: bool = True
    is_misled_by_chains: bool = False
    is_centroid: bool = False
    follows_gaps: bool = False
    may_overlap: bool = False
    takes_weights: bool = False
    starts_from: Family | None = None

    @abstractmethod
    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels (from 0) of the sample's points, shape (rows,); ``k`` is 0 where it is found."""

    def supports(self, rows: int, dims: int, k: int) -> bool:
        """Whether so many points of so many dimensions can carry ``k`` segments."""
        return True

    def candidates(self, rows: int, dims: int, numbers: Sequence[int]) -> list[Candidate]:
        """What is compared of this family on ``rows`` points, for these numbers of segments."""
        if rows < self.least_rows:
            return []
        if self.finds_number:
            return [Candidate(self, parameter, 0) for parameter in self.parameters]
        ks = [k for k in numbers if self.supports(rows, dims, k)]
        return [Candidate(self, parameter, k) for parameter in self.parameters for k in ks]

    def refit(
        self, points: FloatMatrix, chosen: IntVector, parameter: float, seed: int
    ) -> IntVector | None:
        """Labels of many points by a fit to all of them, shape (rows,).

        Args:
            points: at most ``refit_rows`` prepared points; the first are those of the choice.
            chosen: labels of the first points.
            parameter: the family's parameter.
            seed: of the fit.

        Returns:
            None for a family that is fitted to small samples only; its points then take the
            label of the nearest chosen one.
        """
        if not self.takes_weights:
            return None
        micro = micro_clusters(points, seed=seed)
        sample = Sample(micro.centres, micro.sizes, seed)
        return self.fit(sample, parameter, int(chosen.max()) + 1)[micro.members]

    def centres(
        self, points: FloatMatrix, known: FloatMatrix, labels: IntVector, seed: int
    ) -> FloatMatrix:
        """The prototypes of a centroid family's segments, fitted to all points, shape (k, dims).

        Args:
            points: all sampled points.
            known: those of the choice, and their ``labels`` (from 0).
            labels: labels of the known points.
            seed: of the fit.
        """
        return label_means(known, labels)

    def assign(self, points: FloatMatrix, known: FloatMatrix, labels: IntVector) -> IntVector:
        """Labels of points by labelled ones: the nearest mean's, or the nearest known point's."""
        if self.is_centroid:
            return nearest_rows(points, label_means(known, labels))
        return labels[nearest_rows(points, known)]


class Candidate(NamedTuple):
    """A way to cluster: family, its parameter (0 for none) and the k requested (0: found).

    ``refined``: segments that fall apart were split again.
    """

    family: Family
    parameter: float
    k: int
    refined: bool = False

    @property
    def kind(self) -> str:
        """The voice that it has when families are compared."""
        return self.family.kind or self.family.name

    @property
    def is_centroid(self) -> bool:
        """Whether its segments are everything nearest to their means; refined ones are not."""
        return self.family.is_centroid and not self.refined

    @property
    def family_name(self) -> str:
        """The published name of the family, such as ``genie, refined``."""
        return f"{self.family.name}, refined" if self.refined else self.family.name

    @property
    def algorithm(self) -> str:
        """Family and parameter in words, such as ``genie 0.3``."""
        name = self.family.name
        words = f"{name} {self.parameter:g}" if self.parameter else name
        return f"{words}, refined" if self.refined else words

    @property
    def position(self) -> tuple[int, float, int, str]:
        """Sort key of candidates that tie."""
        return self.family.order, self.parameter, self.k, self.family.name

    def assign(self, points: FloatMatrix, known: FloatMatrix, labels: IntVector) -> IntVector:
        """Labels of points by labelled ones, as the family assigns; by the nearest if refined."""
        if self.refined:
            return labels[nearest_rows(points, known)]
        return self.family.assign(points, known, labels)


@dataclass(frozen=True, eq=False)
class Sample:
    """Points that candidates are fitted to, and what their fits share.

    Attributes:
        points: prepared points, shape (rows, dims).
        weights: how many customers each point stands for; None for one each.
        seed: of every fit.
        labels: of the candidates fitted so far.
    """

    points: FloatMatrix
    weights: FloatVector | None = None
    seed: int = 0
    labels: dict[Candidate, IntVector] = field(default_factory=dict)
    built: dict[Hashable, object] = field(default_factory=dict)

    def once(self, key: Hashable, build: Callable[[], Built]) -> Built:
        """What ``build`` gives, built once per sample and key, such as a hierarchy to be cut."""
        if key not in self.built:
            self.built[key] = build()
        return cast(Built, self.built[key])


def label_means(points: FloatMatrix, labels: IntVector) -> FloatMatrix:
    """Mean of the points of every label, in the labels' order, shape (labels, dims)."""
    return np.array([points[labels == label].mean(axis=0) for label in np.unique(labels)])
