"""Genie: segments of any shape from a hierarchy that keeps their sizes from growing too unequal."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.core.arrays import IntVector
from portrait_assets.methods.clustering.algorithms.genie import genie_hierarchy, spanning_tree
from portrait_assets.methods.clustering.families.family import Family, Sample

GINI_LIMITS = (0.1, 0.3, 0.5, 0.7, 1.0)
"""From nearly equal sizes to any; 0.3 is the authors' default, 1.0 is single linkage."""


@dataclass(frozen=True, eq=False)
class Genie(Family):
    """The family of Genie; its parameter is the largest Gini index of the sizes.

    With ``neighbours`` distances are mutual reachability distances.
    """

    neighbours: int = 0

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of the hierarchy for the parameter, cut at k."""
        tree = sample.once(self, lambda: spanning_tree(sample.points, self.neighbours))
        hierarchy = sample.once(
            (self, parameter), lambda: genie_hierarchy(tree, parameter, sample.weights)
        )
        return hierarchy.cut(k)


FAMILY = Genie(
    "genie",
    order=4,
    parameters=GINI_LIMITS,
    split_parameters=(0.3,),
    follows_gaps=True,
    takes_weights=True,
    refit_rows=50_000,
)
