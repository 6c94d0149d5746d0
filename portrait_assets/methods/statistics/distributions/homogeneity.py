"""Whether two months' distributions differ, where most customers are in both.

A customer who is in both months mostly stays where he was, so that two months differ by much less
than two samples of different people would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri

from portrait_assets.core.arrays import Floats

ABSENT = -1
"""The place of a customer in a month that he is not in."""


# Of the largest eigenvalue: below it there are no moves, but rounding.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Change:
    """How far two distributions differ, and how far they would by chance.

    `chi_square` has `freedom` degrees of freedom where nothing changed, and there `psi_expected`
    and `psi_p95` are the mean and the 95 % point of PSI.
    """

    chi_square: float
    freedom: int
    p_value: float
    psi_expected: float
    psi_p95: float


def change(then: Floats, now: Floats, moves: Floats) -> Change:
    """The difference of two months' distributions, judged by how customers move between bins.

    The statistic is that of A. Stuart (1955), "A test for homogeneity of the marginal distributions
    in a two-way classification", and A. Maxwell (1970), "Comparing the classification of subjects
    by two independent judges", with the covariance added up over customers, so that some may be in
    one of the months only. Where none is in both it is Pearson's of two samples. PSI is nearly a
    sum of chi-squares weighted by eigenvalues of the same covariance, two moments of which give
    its distribution (J. Rao, A. Scott 1981, "The analysis of categorical data from complex sample
    surveys", their second-order correction, after F. Satterthwaite 1946).

    Args:
        then: customers by bin in the earlier month, of which none may be empty in both months.
        now: the same of the later one.
        moves: columns bin then, bin now (`ABSENT` for none) and customers, of a sample of the
            customers of either month, shape (moves, 3).

    Returns:
        The change; of no difference where nobody moved.
    """
    sizes = then.sum(), now.sum()
    pooled = (then + now) / sum(sizes)
    apart = now / sizes[1] - then / sizes[0]
    covariance = _covariance(moves, pooled, sizes)
    if not covariance.any():
        covariance = (np.diag(pooled) - np.outer(pooled, pooled)) * sum(1 / n for n in sizes)
    scale = np.sqrt(np.outer(pooled, pooled))
    values, directions = np.linalg.eigh(covariance / scale)
    kept = values > _TOLERANCE * values.max()
    along = directions[:, kept].T @ (apart / np.sqrt(pooled))
    freedom, chi_square = int(kept.sum()), float((along**2 / values[kept]).sum())
    mean, squares = float(values.sum()), float((values**2).sum())
    return Change(
        chi_square,
        freedom,
        float(chdtrc(freedom, chi_square)),
        mean,
        squares / mean * float(chdtri(mean**2 / squares, 0.05)),
    )


def _covariance(moves: Floats, pooled: Floats, sizes: tuple[float, float]) -> Floats:
    """Of the difference of the shares, added up over the customers of the sample."""
    places, customers = moves[:, :2].astype(np.int64), moves[:, 2]
    parts = []
    for place, size, sign in zip(places.T, sizes, (-1, 1), strict=True):
        present = place != ABSENT
        share = (np.eye(len(pooled))[place] - pooled) * present[:, None]
        parts.append(sign * share / size)
    influence = parts[0] + parts[1]
    sampled = (customers * (places != ABSENT).sum(axis=1)).sum()
    covariance: Floats = (influence.T * customers) @ influence * (sum(sizes) / max(sampled, 1))
    return covariance
