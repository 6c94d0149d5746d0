"""The chosen model of a rare outcome, fitted again to all windows that are over.

A challenger learns from windows that were over before the one began that it is judged on. Of a rare
outcome that leaves out half of the events, or more, which a model of few cannot do without.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from portrait_assets.methods.disclosure.holders import codes_of, names_in
from portrait_assets.methods.prediction.curve import Curve
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.rows import rounded
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.past.inputs import inputs_of
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.rule import RULE, parameters_of_rare

SHARES: npt.NDArray[np.float64] = expit(np.linspace(-7, 7, 29))
"""Shares of the customers below those whose margins are held against each other, denser at the
ends."""


def fitted_again(
    past: Past, asked: Asked, chosen: PredictionModel, leaking: tuple[str, ...] = ()
) -> PredictionModel:
    """A model of the family of the chosen one, of all closed windows, with its calibration.

    Its margins in the windows that it learned from lie further apart than they will in others. So
    its curve gives the probabilities that the chosen model, calibrated on a window that it had not
    seen, gives to customers of the recent windows: the highest to the highest.

    Args:
        past: what is known in the month.
        asked: the target.
        chosen: the calibrated model that was judged.
        leaking: features that gave the outcome away.
    """
    rows = past.with_all_events(asked, RULE.others_per_event)
    inputs, hit = inputs_of(rows, asked.outcome.is_credit).drop(leaking), rows["hit"].to_numpy()
    model = fit(
        inputs,
        hit,
        chosen.family,
        order=codes_of(rows["base_month"]),
        parameters=parameters_of_rare(chosen.family),
        encoding=past.encoding(asked.horizon).of(inputs),
        groups=names_in(rows),
    )
    assert chosen.curve is not None
    margins = np.quantile(past.margin(model, asked), SHARES)
    log_odds = np.quantile(chosen.curve(past.margin(chosen, asked)), SHARES)
    margins, firsts = np.unique(rounded(margins), return_index=True)
    return model.with_curve(Curve(margins, rounded(log_odds)[firsts]))
