"""Samples of customers that do not depend on the order of the rows."""

from __future__ import annotations

import numpy as np
import polars as pl


def canonical_sample(features: pl.DataFrame, rows: int, seed: int = 0) -> pl.DataFrame:
    """At most ``rows`` customers, drawn by seed from the order of ``customer_id``.

    The sample is in drawn order, so its first rows are a smaller sample of the same customers.
    Two frames with the same customers in another order give the same sample.
    """
    height = features.height
    rng = np.random.default_rng(seed)
    picked = rng.permutation(height)[:rows] if height <= 4 * rows else _distinct(rng, height, rows)
    order = features["customer_id"].arg_sort()
    return features[order.gather(picked.tolist()).to_list()]


def _distinct(rng: np.random.Generator, height: int, rows: int) -> np.ndarray:
    """Distinct positions in drawn order, without permuting everything."""
    drawn = rng.integers(0, height, size=2 * rows)
    _, first = np.unique(drawn, return_index=True)
    return np.asarray(drawn[np.sort(first)][:rows])
