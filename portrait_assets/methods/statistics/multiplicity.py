"""Many tests at once."""

from __future__ import annotations

import numpy as np
import polars as pl


def false_discovery_rate(p_values: pl.Series) -> pl.Series:
    """Benjamini-Hochberg adjusted p-values, in the given order; nulls stay null."""
    known = np.flatnonzero(p_values.is_not_null().to_numpy())
    p = p_values.to_numpy()[known].astype(float)
    order = np.argsort(-p, kind="stable")
    ranks = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(np.minimum(p[order] * len(p) / ranks, 1.0))
    out: list[float | None] = [None] * len(p_values)
    for at, value in zip(known, adjusted, strict=True):
        out[int(at)] = float(value)
    return pl.Series("q_value", out, dtype=pl.Float64)
