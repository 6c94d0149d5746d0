"""Ward's hierarchy: compact segments, nested for all numbers of them."""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.core.arrays import IntVector
from portrait_assets.methods.clustering.algorithms.ward import ward_hierarchy
from portrait_assets.methods.clustering.families.family import Family, Sample


@dataclass(frozen=True, eq=False)
class Ward(Family):
    """The family of Ward's hierarchy."""

    def fit(self, sample: Sample, parameter: float, k: int) -> IntVector:
        """Labels of the hierarchy cut at k."""
        hierarchy = sample.once(self, lambda: ward_hierarchy(sample.points, sample.weights))
        return hierarchy.cut(k)


FAMILY = Ward("ward", order=3, split_parameters=(0.0,), takes_weights=True, refit_rows=50_000)
