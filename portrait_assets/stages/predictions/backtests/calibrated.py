"""Whether probabilities came true: by more than chance, and by how much they were off."""

from __future__ import annotations

import numpy as np
import polars as pl

from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import expected_p_value

MOST_OFF = 0.15
"""By what share of the rate probabilities may be off, in all or by tenth of the score."""
FALSE_FINDS = 0.05
_KEY = ("target", "horizon")
_SCHEMA = pl.Schema(
    {
        "target": pl.String(),
        "horizon": pl.UInt32(),
        "basis": pl.String(),
        "customers": pl.Int64(),
        "hits": pl.Int64(),
        "expected": pl.Float64(),
        "calibration": pl.Float64(),
        "error": pl.Float64(),
        "p_value": pl.Float64(),
    }
)


def how_calibrated(tenths: pl.DataFrame) -> pl.DataFrame:
    """By target whether what was expected of tenths of the score happened.

    Probabilities are off where chance is ruled out by the false discovery rate over the targets,
    and what was expected of all, or of the tenths on the mean, is off by more than `MOST_OFF` of
    the rate. So what is certain and small is not, nor is what is large and uncertain.

    Args:
        tenths: a month's rows of `predictions.prediction_calibration`.

    Returns:
        By `target` and `horizon`: `basis`, `customers`, `hits`, `expected` (how many hits),
        `calibration` (expected / hits; null without hits), `error` (the mean distance by tenth,
        as a share of the rate), `p_value` and `q_value` (null where too few were expected), and
        `is_off`, null with them.
    """
    rows = [
        dict(zip(_KEY, key, strict=True)) | _of_target(own)
        for key, own in tenths.sort("tenth").group_by(_KEY, maintain_order=True)
    ]
    found = pl.DataFrame(rows, schema=_SCHEMA).sort(_KEY)
    is_far = (pl.col("calibration") - 1).abs() > MOST_OFF
    is_wrong = is_far.fill_null(True) | (pl.col("error") > MOST_OFF).fill_null(True)
    return found.with_columns(q_value=false_discovery_rate(pl.col("p_value"))).with_columns(
        is_off=pl.when(pl.col("q_value").is_not_null()).then(
            (pl.col("q_value") <= FALSE_FINDS) & is_wrong
        )
    )


def _of_target(tenths: pl.DataFrame) -> dict[str, object]:
    hits, sizes = (tenths[name].to_numpy() for name in ("hits", "customers"))
    probabilities = tenths["predicted_rate"].to_numpy()
    expected = float((probabilities * sizes).sum())
    apart = float(np.abs(probabilities * sizes - hits).sum())
    p_value = expected_p_value(hits, sizes, probabilities)
    happened = int(hits.sum())
    return {
        "basis": tenths["basis"][0],
        "customers": int(sizes.sum()),
        "hits": happened,
        "expected": expected,
        "calibration": expected / happened if happened else None,
        "error": apart / happened if happened else None,
        "p_value": None if np.isnan(p_value) else p_value,
    }
