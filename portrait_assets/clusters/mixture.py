"""Gaussian mixture with full covariances, started from k-means.

Paper: A. Dempster, N. Laird, D. Rubin (1977), "Maximum likelihood from incomplete data via the EM
algorithm"; the information criterion is G. Schwarz (1978), "Estimating the dimension of a model".
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]


class MixtureFit(NamedTuple):
    """Labels (from 0) and the Bayesian information criterion (less is better)."""

    labels: IntVector
    bic: float
    model: GaussianMixture


def fit_mixture(
    points: FloatMatrix, k: int, *, restarts: int = 1, seed: int = 0, rounds: int = 60
) -> MixtureFit:
    """Fit k Gaussians; covariances are held away from zero by a part of the total variance."""
    variance = float(points.var(axis=0).mean())
    model = GaussianMixture(
        k,
        covariance_type="full",
        n_init=restarts,
        max_iter=rounds,
        tol=1e-3,
        reg_covar=max(1e-4 * variance / max(1, k), 1e-12),
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A fit that still moves a little after the last round is as good for labelling.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points)
    return MixtureFit(model.predict(points).astype(np.int64), float(model.bic(points)), model)


def refine_mixture(
    points: FloatMatrix, small: FloatMatrix, labels: IntVector, *, rounds: int = 60
) -> IntVector:
    """Labels of all points by a mixture that starts from labelled points, shape (points,)."""
    k, dims = int(labels.max()) + 1, points.shape[1]
    variance = float(points.var(axis=0).mean())
    least = max(1e-4 * variance / max(1, k), 1e-12)
    members = [small[labels == s] for s in range(k)]
    means = np.array([m.mean(axis=0) for m in members])
    precisions = []
    for m in members:
        covariance = np.cov(m.T).reshape(dims, dims) if len(m) > dims else np.eye(dims) * variance
        precisions.append(np.linalg.inv(covariance + least * np.eye(dims)))
    model = GaussianMixture(
        k,
        max_iter=rounds,
        reg_covar=least,
        weights_init=np.array([len(m) for m in members]) / len(small),
        means_init=means,
        precisions_init=np.array([(p + p.T) / 2 for p in precisions]),
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points)
    predicted: IntVector = model.predict(points).astype(np.int64)
    return predicted
