"""Samples of customers that do not depend on the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

MOST_MISSING = 0.5
"""A column that more customers than this lack is hardly informative about the others."""


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


def known_customers(features: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The customers who have at least half of the columns that most customers have.

    Those of whom hardly anything is known lie far from all others, each other aside, and would
    take a segment of their own from the kinds that there are. Where they are the most, all stay.
    """
    missing = {name: _missing(name, features.schema[name]) for name in columns}
    if not missing:
        return features
    shares = features.select(expr.mean().alias(name) for name, expr in missing.items()).row(0)
    usual = [name for name, share in zip(missing, shares, strict=True) if share <= MOST_MISSING]
    if not usual:
        return features
    lacking = pl.mean_horizontal(missing[name].cast(pl.Float64) for name in usual)
    known = features.filter(lacking <= MOST_MISSING)
    return known if known.height > features.height / 2 else features


def _missing(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    return column.is_null() | ~column.is_finite() if dtype.is_float() else column.is_null()
