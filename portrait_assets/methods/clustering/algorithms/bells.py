"""Overlapping bells: the components of a Gaussian mixture, what lies between two, and their form.

Papers: R. Fisher (1936), "The use of multiple measurements in taxonomic problems" (the line that
tells two groups best apart); K. Mardia (1970), "Measures of multivariate skewness and kurtosis
with applications"; G. Schwarz (1978), "Estimating the dimension of a model" (BIC).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, logsumexp

from portrait_assets.core.arrays import BoolVector, FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.statistics.distributions.one_peak import (
    TwoNormals,
    compare_with_one_peak,
)

LEAST_VARIANCE = 1e-6
"""Covariances are kept away from zero by this part of their mean variance."""
LEAST_SHARE = 1e-9
"""A normal that no point belongs to keeps this share of each."""


class Bells(NamedTuple):
    """A mixture of k normals on points.

    Attributes:
        shares: how far each point belongs to each normal, shape (rows, k).
        labels: the normal that it belongs to most, from 0, shape (rows,).
        bic: Bayesian information criterion; less is better.
    """

    shares: FloatMatrix
    labels: IntVector
    bic: float


class Form(NamedTuple):
    """How a weighted group of points differs from a normal; 0 for one.

    Attributes:
        flatness: share of a normal's kurtosis that is lacking; a third for a disc.
        flatness_beyond_chance: the same in standard errors.
        bend: skewness per degree of freedom, which a bent group has.
        bend_by_chance: how probable so much of it is in a normal.
    """

    flatness: float
    flatness_beyond_chance: float
    bend: float
    bend_by_chance: float


class Between(NamedTuple):
    """Two groups along the line that tells them best apart.

    Attributes:
        at: positions of the points of both, shape (rows,).
        in_first: which of them are in the first group.
        distance: squared Mahalanobis distance of the means.
    """

    at: FloatVector
    in_first: BoolVector
    distance: float

    def against_one_peak(self, enough: float) -> TwoNormals:
        """Two normals along the line against one peak; see `compare_with_one_peak`."""
        return compare_with_one_peak(self.at, self.in_first, enough)


def fit_bells(points: FloatMatrix, labels: IntVector, everyone: FloatMatrix) -> Bells:
    """The mixture of labelled points, after one step of EM on everyone."""
    logs = _log_densities(points, np.eye(int(labels.max()) + 1)[labels], everyone)
    shares = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    logs = _log_densities(everyone, shares, everyone)
    total = logsumexp(logs, axis=1)
    rows, dims = everyone.shape
    parameters = logs.shape[1] * (dims + 1) * (dims + 2) / 2 - 1
    bic = float(parameters * np.log(rows) - 2 * total.sum())
    shares = np.exp(logs - total[:, None])
    return Bells(shares, shares.argmax(axis=1).astype(np.int64), bic)


def line_between(points: FloatMatrix, labels: IntVector, first: int, second: int) -> Between:
    """The points with two labels, at least two each, along Fisher's discriminant."""
    inside = (labels == first) | (labels == second)
    members, in_first = points[inside], labels[inside] == first
    a, b = members[in_first], members[~in_first]
    scatter = (len(a) - 1) * np.cov(a.T) + (len(b) - 1) * np.cov(b.T)
    within = _regular(np.atleast_2d(scatter) / max(1, len(members) - 2))
    step = a.mean(axis=0) - b.mean(axis=0)
    direction = np.linalg.solve(within, step)
    return Between(members @ direction, in_first, float(step @ direction))


def form(points: FloatMatrix, weights: FloatVector) -> Form:
    """The form of weighted points, shape (rows, dims), by Mardia's skewness and kurtosis."""
    z, _ = _whitened(points, weights, points)
    dims, total = points.shape[1], weights.sum()
    rows = float(total**2 / (weights @ weights))
    squared = (z**2).sum(axis=1)
    usual = dims * (dims + 2)
    flatness = 1 - float(weights @ squared**2 / total) / usual
    moments = np.einsum("ia,ib,ic->abc", weights[:, None] * z, z, z, optimize=True) / total
    freedom = dims * (dims + 1) * (dims + 2) / 6
    skewness = float((moments**2).sum())
    return Form(
        flatness,
        flatness / float(np.sqrt(8 / usual / rows)),
        skewness / freedom,
        float(chdtrc(freedom, rows * skewness / 6)),
    )


def _log_densities(points: FloatMatrix, shares: FloatMatrix, wanted: FloatMatrix) -> FloatMatrix:
    """Log of weight times density of every normal at the wanted points, shape (wanted, k)."""
    columns = []
    for own in np.maximum(shares.T, LEAST_SHARE):
        z, log_volume = _whitened(points, own, wanted)
        columns.append(np.log(own.mean()) - log_volume - (z**2).sum(axis=1) / 2)
    logs: FloatMatrix = np.column_stack(columns) - points.shape[1] / 2 * np.log(2 * np.pi)
    return logs


def _whitened(
    points: FloatMatrix, weights: FloatVector, wanted: FloatMatrix
) -> tuple[FloatMatrix, float]:
    """Wanted points in standard deviations of the weighted ones, and the log of their volume."""
    centre = weights @ points / weights.sum()
    away = points - centre
    root = np.linalg.cholesky(_regular((weights[:, None] * away).T @ away / weights.sum()))
    return np.linalg.solve(root, (wanted - centre).T).T, float(np.log(np.diag(root)).sum())


def _regular(covariance: FloatMatrix) -> FloatMatrix:
    least = LEAST_VARIANCE * np.trace(covariance) / len(covariance) + 1e-12
    regular: FloatMatrix = covariance + least * np.eye(len(covariance))
    return regular
