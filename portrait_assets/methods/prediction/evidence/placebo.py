"""What a model would seem to predict of outcomes that nothing predicts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.prediction.families.folds import folds_by_lot, folds_by_time
from portrait_assets.methods.prediction.families.parameters import PARAMETERS, Parameters
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.statistics.paired import auc_interval
from portrait_assets.methods.statistics.resampling import Interval


def placebo(
    frame: pl.DataFrame,
    outcome: npt.NDArray[np.generic],
    family: str,
    *,
    seed: int = 0,
    order: npt.NDArray[np.generic] | None = None,
    parameters: Parameters = PARAMETERS,
) -> Interval:
    """AUC of a model of shuffled outcomes on rows that it has not seen, with its interval.

    About 0.5 where nothing leaks from the rows that are judged into the fit (P. Good 2005,
    "Permutation, parametric and bootstrap tests of hypotheses"). Half of the rows is learned from,
    or all before the newest moments.

    Args:
        frame: features, as of `fitting.fit`.
        outcome: 0 and 1, shape (rows,); shuffled within each moment where there is an order.
        family: as of `fitting.fit`.
        seed: of the shuffle and the halves.
        order: the moment of each row.
        parameters: as of `fitting.fit`.

    Raises:
        PredictionError: when the model cannot be fitted.
    """
    rng = np.random.default_rng(seed)
    moments = np.zeros(frame.height) if order is None else np.asarray(order)
    codes = np.unique(moments, return_inverse=True)[1].astype(np.int64)
    # Rows by moment, and by lot within it: outcomes of one moment go to rows of the same.
    shuffled = np.empty(frame.height)
    to, of = (np.lexsort((rng.random(frame.height), codes)) for _ in range(2))
    shuffled[to] = np.asarray(outcome, dtype=np.float64)[of]
    if codes.max(initial=0) > 0:
        learned, unseen = folds_by_time(codes, rng)
    else:
        learned, unseen = folds_by_lot(shuffled.astype(np.int64), 2, rng)[0]
    model = fit(
        frame[learned],
        shuffled[learned],
        family,
        seed=seed,
        order=None if order is None else moments[learned],
        parameters=parameters,
    )
    return auc_interval(model.margin(frame[unseen]), shuffled[unseen] > 0.5)
