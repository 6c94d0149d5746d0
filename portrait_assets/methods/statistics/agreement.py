"""How far labellings of the same things agree.

Adjusted Rand index (L. Hubert, P. Arabie 1985, "Comparing partitions"); mutual information over
the larger entropy (Kvalseth 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def adjusted_rand(first: IntVector, second: IntVector) -> float:
    """Adjusted Rand index of two labellings (from 0) of the same points."""
    width = int(second.max()) + 1
    joint = np.bincount(first * width + second).astype(np.float64)
    together, a, b = (_pairs(n) for n in (joint, np.bincount(first), np.bincount(second)))
    expected = a * b / max(1.0, len(first) * (len(first) - 1) / 2)
    gap = (a + b) / 2 - expected
    return float((together - expected) / gap) if gap > 0 else 1.0


def _pairs(counts: npt.NDArray[Any]) -> float:
    return float((counts * (counts - 1.0) / 2.0).sum())


def adjusted_rand_matrix(labellings: Sequence[IntVector]) -> FloatMatrix:
    """Adjusted Rand index of every pair of labellings, shape (labellings, labellings)."""
    rows, count = len(labellings[0]), len(labellings)
    widths = [int(labels.max()) + 1 for labels in labellings]
    starts = np.cumsum([0, *widths])
    columns = np.concatenate(
        [labels + s for labels, s in zip(labellings, starts[:-1], strict=True)]
    )
    ones = sparse.csr_matrix(
        (np.ones(rows * count), (np.tile(np.arange(rows), count), columns)),
        shape=(rows, int(starts[-1])),
    )
    joint = (ones.T @ ones).tocsr()
    joint.data = joint.data * (joint.data - 1) / 2
    owner = sparse.csr_matrix(
        (
            np.ones(int(starts[-1])),
            (np.arange(int(starts[-1])), np.repeat(np.arange(count), widths)),
        )
    )
    together = (owner.T @ joint @ owner).toarray()
    pairs = np.diag(together)
    expected = np.outer(pairs, pairs) / max(1.0, rows * (rows - 1) / 2)
    most = (pairs[:, None] + pairs) / 2
    gap = most - expected
    return np.where(gap > 0, (together - expected) / np.where(gap > 0, gap, 1.0), 1.0)


def shared_information(codings: Sequence[Codes]) -> Numbers:
    """Mutual information of each pair of codings (0, 1, ...) over the larger of their entropies.

    0 when they are independent, and 1 only when each decides the other; 0 on a pair with a coding
    of one value. All pairs come from one product of the indicator matrix with itself.
    """
    rows = len(codings[0])
    widths = [int(codes.max()) + 1 for codes in codings]
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)
    indicators = np.zeros((rows, sum(widths)), dtype=np.float32)
    for start, codes in zip(starts, codings, strict=True):
        indicators[np.arange(rows), start + codes] = 1
    joint = (indicators.T @ indicators).astype(np.float64) / rows
    terms = np.where(joint > 0, -joint * np.log(np.where(joint > 0, joint, 1)), 0)
    together = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1)
    alone = np.add.reduceat(np.diagonal(terms), starts)
    larger = np.maximum(alone[:, None], alone[None, :])
    mutual = alone[:, None] + alone[None, :] - together
    shared: Numbers = np.clip(mutual / np.where(larger > 1e-9, larger, np.inf), 0, 1)
    return shared
