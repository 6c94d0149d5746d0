"""Dividing customers who form no separate groups: k-means, with the most segments that hold still.

Customers mostly differ by degree. A marketer still needs a division of them, and what matters of
one is that it does not depend on who happens to be there. So the points are prepared by degrees
(`preparation`, geometry ``degrees``), which leaves no long tails for a centre to chase.

The rule:

1. k-means is fitted for every k; a k with a segment that is too small is out.
2. *Stability* is the mean adjusted Rand index between refits on pairs of bootstrap samples.
3. The largest k that is stable wins; where none is, the most stable k. The stability of smaller k
   than the winner is not computed.

The numbers are those of `selection_rule.Division` and `selection_rule.Stability`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.clustering.algorithms.kmeans import (
    fit_several,
    kmeans_centres,
    kmeans_labels,
)
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.families.kmeans import FAMILY as KMEANS
from portrait_assets.methods.clustering.selection.choice import Choice, one_segment
from portrait_assets.methods.clustering.selection.scoring import CANDIDATES_SCHEMA
from portrait_assets.methods.clustering.selection_rule import RULE, Division, SelectionRule


def divide(
    points: FloatMatrix,
    *,
    seed: int = 0,
    unseen: FloatMatrix | None = None,
    rule: SelectionRule = RULE,
) -> Choice:
    """The division of prepared points, shape (rows, dims), and of further ones, by the rule above.

    The labels are those of the first `most_rows` of all points. ``supported`` is whether the
    division is stable; fewer than `rows_per_segment` points for the smallest k are one segment.
    """
    how, stable = rule.division, rule.stability.stable
    everyone = points if unseen is None else np.vstack([points, unseen])
    everyone = everyone[: how.most_rows]
    rows = len(everyone)
    different = len(np.unique(everyone, axis=0)) if everyone.size else 1
    numbers = [k for k in how.numbers if k * how.rows_per_segment <= rows and k <= different]
    fits = {k: kmeans_labels(everyone, k, restarts=how.restarts, seed=seed) for k in numbers}
    least = max(how.smallest_share, SMALLEST_CELL / max(rows, 1))
    fits = {k: own for k, own in fits.items() if _shares(own, k).min() >= least}
    if not fits:
        return one_segment(rows, f"{rows} customers are too few to divide")
    stability: dict[int, float] = {}
    for k in sorted(fits, reverse=True):
        stability[k] = _stability(everyone, k, seed, how)
        if stability[k] >= stable:
            break
    chosen = max(sorted(stability), key=lambda k: stability[k])
    is_stable = stability[chosen] >= stable
    reason = f"division into {chosen} by k-means: stability {stability[chosen]:.3f}, " + (
        f"the most segments with at least {stable}" if is_stable else f"the best, below {stable}"
    )
    return Choice(
        Candidate(KMEANS, 0.0, chosen),
        fits[chosen],
        _frame(fits, stability, chosen),
        reason,
        is_stable,
        "division",
    )


def _shares(labels: IntVector, k: int) -> npt.NDArray[np.float64]:
    return np.bincount(labels, minlength=k) / len(labels)


def _stability(points: FloatMatrix, k: int, seed: int, rule: Division) -> float:
    rng = np.random.default_rng(seed)

    def refit(drawn: tuple[FloatMatrix, int]) -> IntVector:
        sample, restart_seed = drawn
        centres = kmeans_centres(sample, k, restarts=rule.restarts, seed=restart_seed)
        return nearest_rows(points, centres)

    drawn = (
        (points[np.sort(rng.integers(0, len(points), len(points)))], pair)
        for pair in range(rule.pairs)
        for _ in range(2)
    )
    refits = fit_several(refit, drawn)
    found = [adjusted_rand_score(a, b) for a, b in zip(refits[::2], refits[1::2], strict=True)]
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
