"""Principal components: those that exceed the components of shuffled columns, and the plane.

Papers: J. Horn (1965), "A rationale and test for the number of factors in factor analysis"; on
flat directions D. Peña and F. J. Prieto (2001), "Cluster identification using projections".
"""

from __future__ import annotations

import numpy as np
from scipy.stats import kurtosis

from portrait_assets.core.arrays import FloatMatrix, FloatVector
from portrait_assets.methods.clustering.preparation.model_rows import round_significant

MAX_COMPONENTS = 30
FLAT = 2.0
"""A component is flat whose kurtosis is so many standard errors below a normal distribution's."""


def leading_components(
    design: FloatMatrix, blocks: list[slice], seed: int, *, with_flat: bool = False
) -> FloatMatrix:
    """Loadings of the components whose variance exceeds that of shuffled columns.

    Those hold what columns share; segments may differ in what columns do not share. Segments far
    apart make a component flatter than a normal distribution: ``with_flat`` keeps flat ones too.
    Returns shape (design columns, components).
    """
    rows = int(np.clip(8_000_000 // max(1, design.shape[1]), 500, 20_000))
    sample = design[:rows]
    variances, vectors = _principal_axes(sample)
    rng = np.random.default_rng(seed)
    shuffled = sample.copy()
    for block in blocks:
        shuffled[:, block] = shuffled[rng.permutation(len(shuffled)), block]
    null_variances, _ = _principal_axes(shuffled)
    leading = int(np.argmin(np.append(variances > 1.02 * null_variances, False)))
    # Without any component above noise two are kept, so that there is something to look at.
    is_kept = np.arange(len(variances)) < (leading or 2)
    if with_flat:
        carries = variances > 1e-9 * variances[:1]
        excess = kurtosis((sample - sample.mean(axis=0)) @ vectors[:, carries])
        is_kept[carries] |= excess < -FLAT * np.sqrt(24 / len(sample))
    loadings = vectors[:, np.flatnonzero(is_kept)[:MAX_COMPONENTS]]
    # The sign of an axis is arbitrary: the largest loading is made positive.
    signs = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])])
    return round_significant(loadings * np.where(signs == 0, 1.0, signs))


def _principal_axes(matrix: FloatMatrix) -> tuple[FloatVector, FloatMatrix]:
    """Variances (descending) and unit axes, shape (columns, axes)."""
    centred = matrix - matrix.mean(axis=0)
    if len(matrix) < matrix.shape[1]:
        _, singular, axes = np.linalg.svd(centred, full_matrices=False)
        return singular**2 / max(1, len(matrix) - 1), axes.T
    covariance = centred.T @ centred / max(1, len(centred) - 1)
    variances, vectors = np.linalg.eigh(covariance)
    return variances[::-1], vectors[:, ::-1]


def fit_plane(points: FloatMatrix) -> tuple[FloatMatrix, FloatVector]:
    """The two leading principal components of prepared points and their shares of variance.

    Returns scores of shape (rows, 2) and shares of shape (2,); missing dimensions are zero.
    """
    plane, shares = np.zeros((len(points), 2)), np.zeros(2)
    if len(points) < 2 or points.shape[1] == 0:
        return plane, shares
    variances, vectors = _principal_axes(points)
    kept = min(2, len(variances))
    axes = vectors[:, :kept]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
    plane[:, :kept] = (points - points.mean(axis=0)) @ (axes * np.where(signs == 0, 1.0, signs))
    total = float(np.maximum(variances, 0).sum())
    if total > 0:
        shares[:kept] = variances[:kept] / total
    return plane, shares
