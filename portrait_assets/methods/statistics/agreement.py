"""How far labellings or columns of the same things agree, all pairs of them at once.

scikit-learn compares one pair (`adjusted_rand_score`, `normalized_mutual_info_score`), which is
what to use for one; for hundreds of labellings it would count the same rows thousands of times.

Products of small matrices are taken by one thread: another, which then waits for more work, takes
tens of milliseconds of processor time for that, longer than the product itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from portrait_assets.core.arrays import Floats
from portrait_assets.core.machine.threads import one_thread

Codes = npt.NDArray[np.int64]


def adjusted_rand_matrix(labellings: Sequence[Codes]) -> Floats:
    """Adjusted Rand index of every pair of labellings, shape (labellings, labellings).

    1 where two agree, about 0 where they agree by chance (L. Hubert, P. Arabie 1985, "Comparing
    partitions"). Labels are numbers from 0.
    """
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


def mutual_information_matrix(codings: Sequence[Codes]) -> Floats:
    """Normalized mutual information of every pair of codings, shape (codings, codings).

    Mutual information over the larger of the two entropies (T. Kvalseth 1987, "Entropy and
    correlation: some comments"): 0 when they are independent, 1 only when each decides the other,
    and 0 on a pair with a coding of one value. Codes are numbers from 0; of a coding with many
    values its indicator matrix, rows by values, is held in memory.
    """
    rows = len(codings[0])
    widths = [int(codes.max()) + 1 for codes in codings]
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)
    indicators = np.zeros((rows, sum(widths)), dtype=np.float32)
    for start, codes in zip(starts, codings, strict=True):
        indicators[np.arange(rows), start + codes] = 1
    with one_thread():
        joint = (indicators.T @ indicators).astype(np.float64) / rows
    terms = np.where(joint > 0, -joint * np.log(np.where(joint > 0, joint, 1)), 0)
    together = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1)
    alone = np.add.reduceat(np.diagonal(terms), starts)
    larger = np.maximum(alone[:, None], alone[None, :])
    mutual = alone[:, None] + alone[None, :] - together
    shared: Floats = np.clip(mutual / np.where(larger > 1e-9, larger, np.inf), 0, 1)
    return shared


def rank_correlation_matrix(sample: pl.DataFrame, least_pairs: int = 2) -> Floats:
    """Rank correlation of every pair of columns, shape (columns, columns), within -1 and 1.

    C. Spearman (1904), "The proof and measurement of association between two things". Ranks are
    taken within a column; a pair is compared over the rows that have both values, and is 0 where
    those are fewer than `least_pairs` or do not vary. SciPy's `spearmanr` does not leave out rows
    pair by pair.
    """
    ranks = sample.select(pl.all().rank("average")).to_numpy()
    known = (~np.isnan(ranks)).astype(np.float64)
    # Ranks of the order of the row count would lose digits when squared and summed.
    scaled = np.where(known > 0, np.nan_to_num(ranks) / max(len(ranks), 1) - 0.5, 0.0)
    with one_thread():
        count = known.T @ known
        sums = scaled.T @ known
        squares = (scaled**2).T @ known
        products = scaled.T @ scaled
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = products / count - sums * sums.T / count**2
        variance = np.maximum(squares / count - (sums / count) ** 2, 0.0)
        correlation = covariance / np.sqrt(variance * variance.T)
    is_defined = (count >= least_pairs) & (variance > 1e-9) & (variance.T > 1e-9)
    return np.where(is_defined, np.clip(correlation, -1.0, 1.0), 0.0)
