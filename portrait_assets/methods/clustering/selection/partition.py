"""Dividing customers who form no separate groups: k-means, with the most segments that hold still.

Customers mostly differ by degree. A marketer still needs a division of them, and what matters of
one is that it does not depend on who happens to be there. So the points are prepared by degrees
(`preparation`, geometry ``degrees``), which leaves no long tails for a centre to chase.

The rule:

1. k-means is fitted for every k in `NUMBERS`; a k with a segment below `SMALLEST_SHARE` is out.
2. *Stability* is the mean adjusted Rand index between refits on pairs of bootstrap samples.
3. The largest k whose stability is at least `STABLE` wins; where none is, the most stable k. That
   of smaller k than the winner is not computed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_centres, kmeans_labels
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.selection.choice import (
    CANDIDATES_SCHEMA,
    ONE_SEGMENT,
    Choice,
)
from portrait_assets.methods.clustering.selection.families import Candidate

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

NUMBERS = range(3, 9)
SMALLEST_SHARE = 0.02
STABLE = 0.9
PAIRS = 5
RESTARTS = 10
MOST_ROWS = 5_000
ROWS_PER_SEGMENT = 10


def divide(points: FloatMatrix, *, seed: int = 0, unseen: FloatMatrix | None = None) -> Choice:
    """The division of prepared points, shape (rows, dims), and of further ones, by the rule above.

    The labels are those of the first `MOST_ROWS` of all points. ``supported`` says whether the
    division is stable; fewer than `ROWS_PER_SEGMENT` points for the smallest k are one segment.
    """
    everyone = points if unseen is None else np.vstack([points, unseen])
    everyone = everyone[:MOST_ROWS]
    rows = len(everyone)
    different = len(np.unique(everyone, axis=0)) if everyone.size else 1
    numbers = [k for k in NUMBERS if k * ROWS_PER_SEGMENT <= rows and k <= different]
    fits = {k: kmeans_labels(everyone, k, restarts=RESTARTS, seed=seed) for k in numbers}
    fits = {k: labels for k, labels in fits.items() if _shares(labels, k).min() >= SMALLEST_SHARE}
    if not fits:
        frame = pl.DataFrame(schema=CANDIDATES_SCHEMA)
        zeros = np.zeros(rows, dtype=np.int64)
        why = f"{rows} customers are too few to divide"
        return Choice(ONE_SEGMENT, zeros, frame, why, False, "one")
    stability: dict[int, float] = {}
    for k in sorted(fits, reverse=True):
        stability[k] = _stability(everyone, k, seed)
        if stability[k] >= STABLE:
            break
    chosen = max(sorted(stability), key=lambda k: stability[k])
    is_stable = stability[chosen] >= STABLE
    reason = f"division into {chosen} by k-means: stability {stability[chosen]:.3f}, " + (
        f"the most segments with at least {STABLE}" if is_stable else f"the best, below {STABLE}"
    )
    return Choice(
        Candidate("k-means", 0, chosen),
        fits[chosen],
        _frame(fits, stability, chosen),
        reason,
        is_stable,
        "division",
    )


def _shares(labels: IntVector, k: int) -> npt.NDArray[np.float64]:
    return np.bincount(labels, minlength=k) / len(labels)


def _stability(points: FloatMatrix, k: int, seed: int) -> float:
    rng = np.random.default_rng(seed)

    def refit(restart_seed: int) -> IntVector:
        drawn = points[np.sort(rng.integers(0, len(points), len(points)))]
        return nearest_rows(points, kmeans_centres(drawn, k, restarts=RESTARTS, seed=restart_seed))

    found = [adjusted_rand_score(refit(pair), refit(pair)) for pair in range(PAIRS)]
    return round(float(np.mean(found)), 6)


def _frame(fits: dict[int, IntVector], stability: dict[int, float], chosen: int) -> pl.DataFrame:
    rows = [
        {
            "family": "division",
            "parameter": 0.0,
            "k": k,
            "segments": k,
            "smallest_share": float(_shares(labels, k).min()),
            "largest_share": float(_shares(labels, k).max()),
            "stability": stability.get(k),
            "chosen": k == chosen,
        }
        for k, labels in fits.items()
    ]
    empty = pl.DataFrame(schema=CANDIDATES_SCHEMA)
    return pl.concat([empty, pl.DataFrame(rows)], how="diagonal_relaxed")
