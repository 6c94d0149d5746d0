"""Genie by mutual reachability distances, which a few strays between segments do not join.

The reach of a micro-cluster's centre is not that of its customers: this family takes no weights.
"""

from __future__ import annotations

from portrait_assets.methods.clustering.algorithms.genie import REACH_NEIGHBOURS
from portrait_assets.methods.clustering.families.genie import Genie

GINI_LIMITS = (0.3, 0.5, 0.7)
"""Around the authors' default; reach itself does what the extremes are for."""

FAMILY = Genie(
    "genie by reach",
    order=5,
    parameters=GINI_LIMITS,
    split_parameters=(0.5,),
    follows_gaps=True,
    neighbours=REACH_NEIGHBOURS,
)
