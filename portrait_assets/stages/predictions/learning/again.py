"""The chosen model of a rare outcome, fitted again to all windows that are over.

A challenger learns from windows that were over before the one began that it is judged on. Of a rare
outcome that leaves out half of the events, or more, which a model of few cannot do without.
"""

from __future__ import annotations

import numpy as np

from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.contract import BINNED
from portrait_assets.stages.predictions.learning.inputs import inputs_of
from portrait_assets.stages.predictions.learning.past import Past
from portrait_assets.stages.predictions.rule import FEW_UNTIL, RULE, parameters_for


def fitted_again(
    past: Past, asked: Asked, chosen: PredictionModel, leaking: tuple[str, ...] = ()
) -> PredictionModel:
    """A model of the family of the chosen one, of all closed windows, with its calibration.

    The curve stays the one that was learned on a window that the chosen model had not seen, moved
    by how much higher the margins of this one are on the mean of the recent windows.

    Args:
        past: what is known in the month.
        asked: the target.
        chosen: the calibrated model that was judged.
        leaking: features that gave the outcome away.
    """
    rows = past.with_all_events(asked, RULE.others_per_event)
    inputs, hit = inputs_of(rows, asked.outcome.is_credit).drop(leaking), rows["hit"].to_numpy()
    events = min(int(hit.sum()), int((~hit).sum()))
    model = fit(
        inputs,
        hit,
        chosen.family,
        order=rows["base_month"].to_numpy(),
        parameters=parameters_for(chosen.family, FEW_UNTIL + 1, min(events, RULE.trees_from - 1)),
        encoding=past.encoding(asked.horizon).of(inputs),
        groups=rows["customer_id"].to_numpy() if chosen.family == BINNED else None,
    )
    assert chosen.curve is not None
    apart = past.margin(model, asked).mean() - past.margin(chosen, asked).mean()
    return model.with_curve(Curve(chosen.curve.margins + np.round(apart, 9), chosen.curve.log_odds))
