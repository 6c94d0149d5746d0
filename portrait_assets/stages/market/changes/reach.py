"""Which items more, or fewer, of the same customers buy or hold than before."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import bdtr

from portrait_assets.methods.statistics.intervals import Z95
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.stages.market.changes.contract import DEMAND_CHANGE, DIRECTIONS
from portrait_assets.stages.market.changes.pairs import reach_pairs
from portrait_assets.stages.market.columns import DIGITS, FALSE_DISCOVERIES, LAGS
from portrait_assets.stages.market.shown import dated, shown
from portrait_assets.storage.steps import Grain, Scope, Step


def reach_step(smallest: int) -> Step:
    """The step of `market.demand_change`.

    Args:
        smallest: fewest customers of what is published by itself.
    """

    def compute(scope: Scope, *pairs: pl.DataFrame) -> pl.DataFrame:
        return dated(scope, DEMAND_CHANGE, reach_rows(pl.concat(pairs), smallest))

    return Step(
        "demand_change",
        tuple(reach_pairs(comparison) for comparison in LAGS),
        compute=compute,
        grain=Grain.ALL,
        writes=DEMAND_CHANGE,
    )


def reach_rows(pairs: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows of `market.demand_change` but for `as_of`.

    The same customers are looked at twice, so that only those count who had the item in one of the
    months: as many of either kind where nothing changed (the exact test of Q. McNemar 1947, "Note
    on the sampling error of the difference between correlated proportions"). The interval is that
    of A. Agresti, Y. Min (2005), "Simple improved confidence intervals for comparing matched
    proportions". The false discovery rate is held over all that is compared in the same way.

    Args:
        pairs: as of `reach_pairs`.
        smallest: fewest customers of what is published by itself.
    """
    was, now = pl.col("kept") + pl.col("only_before"), pl.col("kept") + pl.col("only_now")
    lost, won = (pairs[name].to_numpy() for name in ("only_before", "only_now"))
    low, high = _interval(lost, won, pairs["customers"].to_numpy())
    tested = pairs.with_columns(
        pl.Series("p_value", _mcnemar(lost, won)).fill_nan(None),
        pl.Series("reach_change_low", low).round(DIGITS),
        pl.Series("reach_change_high", high).round(DIGITS),
        (was / pl.col("customers")).round(DIGITS).alias("reach_before"),
        (now / pl.col("customers")).round(DIGITS).alias("reach"),
        ((now - was) / pl.col("customers")).round(DIGITS).alias("reach_change"),
        was.alias("had"),
        now.alias("have"),
    ).with_columns(false_discovery_rate(pl.col("p_value")).over("comparison").alias("q_value"))
    is_sure = (pl.col("q_value") <= FALSE_DISCOVERIES).fill_null(False)
    more, fewer, none = DIRECTIONS
    directed = tested.with_columns(
        pl.when(~is_sure)
        .then(pl.lit(none))
        .when(pl.col("reach_change") > 0)
        .then(pl.lit(more))
        .otherwise(pl.lit(fewer))
        .alias("direction")
    )
    # Interval and p-value tell how many switched, so that these are counts too.
    counts = ["customers", "had", "have", "only_before", "only_now"]
    return shown(directed, counts, smallest, ["comparison", "measure"]).sort(
        "comparison", "measure", "segment_id", "item"
    )


def _mcnemar(lost: np.ndarray, won: np.ndarray) -> np.ndarray:
    """Two-sided p-values that as many would be lost as won; NaN where nobody was either."""
    switched = lost + won
    tail = bdtr(np.minimum(lost, won).astype(float), switched, 0.5)
    return np.where(switched > 0, np.minimum(2 * tail, 1.0), np.nan)


def _interval(lost: np.ndarray, won: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals of (won - lost) / size."""
    more, fewer, all_ = won + 0.5, lost + 0.5, size + 2
    centre = (more - fewer) / all_
    half = Z95 * np.sqrt((more + fewer) - (more - fewer) ** 2 / all_) / all_
    return np.maximum(centre - half, -1.0), np.minimum(centre + half, 1.0)
