"""Boosted trees on customers' histories: what customers alike bought in windows that are over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingRegressor

from portrait_assets.core.arrays import Floats
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.lifetime.transactions import History
from portrait_assets.methods.lifetime.windows import Window

NAME = "boosted trees"
FEWEST_CUSTOMERS = 500
FEWEST_BUYERS = 50
LEARNT_FROM_AT_MOST = 50_000
_FEATURES = ("x", "t_x", "T", "idle", "mean_spend", "recent", "recent_spend")


def expected(
    history: History, windows: Sequence[Window], customers: pl.DataFrame, days: int
) -> tuple[Floats | None, str]:
    """Expected purchases of each customer in so many days, or None and why not.

    Gradient boosting of the Poisson deviance (J. Friedman 2001, "Greedy function approximation: a
    gradient boosting machine"), with one thread, as OpenMP's wait for each other beside other load.

    Args:
        history: of the customers.
        windows: those to learn from, of `days` each.
        customers: rows of `summary` with a last window of `days`.
        days: how far is predicted.
    """
    learnt, bought_then = [], []
    for window in windows:
        known = history.summary(window.base, days)
        learnt.append(_features(known))
        done = history.outcome(known, window.base, window.until)
        bought_then.append(done["purchases"].cast(pl.Float64).to_numpy())
    x, y = np.concatenate(learnt), np.concatenate(bought_then)
    if len(y) < FEWEST_CUSTOMERS or (y > 0).sum() < FEWEST_BUYERS:
        return None, (
            f"{len(y):,} customers of whom {(y > 0).sum():,} bought are too few to learn from"
        )
    if len(y) > LEARNT_FROM_AT_MOST:
        # In the order of values, so that the sample does not depend on the order of customers.
        order = np.lexsort((y, *x.T))
        drawn = order[np.linspace(0, len(y) - 1, LEARNT_FROM_AT_MOST).astype(np.int64)]
        x, y = x[drawn], y[drawn]
    model = HistGradientBoostingRegressor(
        loss="poisson",
        max_iter=100,
        learning_rate=0.06,
        max_leaf_nodes=12,
        min_samples_leaf=50,
        early_stopping=False,
        random_state=0,
    )
    # Where no amount is known a column has no value, which scikit-learn does not bin.
    has_values = ~np.isnan(x).all(axis=0)
    with one_thread():
        model.fit(x[:, has_values], y)
        found = model.predict(_features(customers)[:, has_values])
    return np.asarray(found, dtype=np.float64), ""


def _features(customers: pl.DataFrame) -> Floats:
    idle = pl.col("T") - pl.col("t_x")
    return np.asarray(
        customers.with_columns(idle=idle)
        .select(pl.col(_FEATURES).cast(pl.Float64))
        .fill_null(float("nan"))
        .to_numpy()
    )
