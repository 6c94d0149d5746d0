"""Gaussian mixture with full covariances, started from k-means.

Paper: A. Dempster, N. Laird, D. Rubin (1977), "Maximum likelihood from incomplete data via the EM
algorithm".
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from portrait_assets.core.arrays import FloatMatrix, IntVector

LEAST_VARIANCE = 1e-4
"""Covariances are kept away from zero by this part of the mean variance, divided by k."""
ROUNDS = 40


def mixture_labels(
    points: FloatMatrix, start: IntVector, *, some: FloatMatrix | None = None
) -> IntVector:
    """Labels (from 0) of the points by a mixture that starts from a labelling, shape (points,).

    ``start`` labels the points, or ``some`` of them where those are given.
    """
    labelled = points if some is None else some
    found, start = np.unique(start, return_inverse=True)
    k, dims = len(found), points.shape[1]
    variance = float(points.var(axis=0).mean())
    least = max(LEAST_VARIANCE * variance / max(1, k), 1e-12)
    members = [labelled[start == s] for s in range(k)]
    precisions = []
    for m in members:
        covariance = np.cov(m.T).reshape(dims, dims) if len(m) > dims else np.eye(dims) * variance
        precisions.append(np.linalg.inv(covariance + least * np.eye(dims)))
    model = GaussianMixture(
        k,
        max_iter=ROUNDS,
        reg_covar=least,
        weights_init=np.array([len(m) for m in members]) / len(labelled),
        means_init=np.array([m.mean(axis=0) for m in members]),
        precisions_init=np.array([(p + p.T) / 2 for p in precisions]),
        init_params="random_from_data",
        random_state=0,
    )
    with warnings.catch_warnings():
        # A fit that still moves a little after the last round is as good for labelling.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points)
    return np.asarray(model.predict(points).astype(np.int64))
