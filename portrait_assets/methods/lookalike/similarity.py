"""How near somebody is to the members of a seed, whoever else is near: the challenger.

The mean distance to the nearest members (T. Cover, P. Hart 1967, "Nearest neighbor pattern
classification"), over attributes as a linear model reads them: numbers scaled, categories as a
column per level.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.neighbors import NearestNeighbors

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.methods.prediction.families.encoding import fit_encoding

NEAREST = 10
"""Members whose distance counts: one alone may be a typing error."""
MOST_MEMBERS = 5_000
"""Members that are compared with; of more as many are drawn by lot."""


def similarity(learned: pl.DataFrame, is_seed: Bools, unseen: pl.DataFrame, seed: int) -> Floats:
    """Minus the mean distance of each unseen row to its nearest members, shape (rows,).

    Args:
        learned: attributes of customers, of which at least one says something.
        is_seed: who of them is a member, shape (rows of `learned`,).
        unseen: the same attributes of others.
        seed: of the lot by which members are drawn.
    """
    encoding = fit_encoding(learned)
    members = np.flatnonzero(is_seed)
    if len(members) > MOST_MEMBERS:
        members = np.sort(np.random.default_rng(seed).choice(members, MOST_MEMBERS, replace=False))
    points = encoding.design(learned[members], True)
    nearest = NearestNeighbors(n_neighbors=min(NEAREST, len(members)), n_jobs=1).fit(points)
    distances, _ = nearest.kneighbors(encoding.design(unseen, True))
    found: Floats = -distances.mean(axis=1)
    return found
