"""The families that are tried of one outcome or number of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import logit

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.blended import Blend
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.fitting import fit, fit_number
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.trials.rare import LOGISTIC, TREES, Rarity, settings_of
from portrait_assets.methods.statistics.rates import events_of

OF_OUTCOMES, OF_NUMBERS = (LOGISTIC, TREES), ("linear", TREES)
DIGITS = 9


@dataclass(frozen=True)
class Trials:
    """What is tried: `families`, the simpler first, by these settings.

    Of a rare outcome `rarity` says from which rows they learn; None of any other. Where what is
    predicted `is_of_number`, it is no outcome.
    """

    families: tuple[str, ...]
    usual: Parameters
    rarity: Rarity | None = None
    is_of_number: bool = False

    @property
    def may_blend(self) -> bool:
        """Whether what is tried is a line and trees of the same rows."""
        return self.rarity is None

    def fit_both(
        self,
        frame: pl.DataFrame,
        outcome: Floats,
        *,
        seed: int,
        order: npt.NDArray[np.generic] | None,
    ) -> Blend:
        """The mean of a line and of trees; arguments as of `fit`."""
        line, trees = (
            self.fit(frame, outcome, family, seed=seed, order=order) for family in self.families
        )
        return Blend(line, trees)

    def fit(
        self,
        frame: pl.DataFrame,
        outcome: Floats,
        family: str,
        *,
        seed: int,
        order: npt.NDArray[np.generic] | None,
    ) -> PredictionModel:
        """A model of one of them; arguments as of `fitting.fit`, or of `fitting.fit_number`.

        Raises:
            PredictionError: when it cannot be fitted.
        """
        if self.is_of_number:
            return fit_number(frame, outcome, family, seed=seed, order=order, parameters=self.usual)
        if self.rarity is None:
            return fit(frame, outcome, family, seed=seed, order=order, parameters=self.usual)
        some = np.arange(len(outcome))
        if family != LOGISTIC:
            some = self.rarity.learned_rows(outcome > 0.5)
        model = fit(
            frame[some],
            outcome[some],
            family,
            seed=seed,
            order=None if order is None else np.asarray(order)[some],
            parameters=settings_of(family, self.usual),
        )
        return _as_frequent_as(outcome, outcome[some], model)


def _as_frequent_as(outcome: Floats, learned: Floats, model: PredictionModel) -> PredictionModel:
    """The model without the constant by which events are more frequent in what it learned from.

    The prior correction of G. King, L. Zeng (2001), "Logistic regression in rare events data".
    """
    constant = float(logit(learned.mean()) - logit(outcome.mean()))
    intercept = round(model.scorer.intercept - constant, DIGITS)
    return replace(model, scorer=replace(model.scorer, intercept=intercept))


def trials_of(
    outcome: Floats, is_of_number: bool, parameters: Parameters, rarity: Rarity | None
) -> Trials:
    """What is tried of an outcome, shape (rows,); of a rare one bins and small trees as well.

    Args:
        outcome: 0 and 1, or numbers.
        is_of_number: whether it is a number.
        parameters: the usual settings.
        rarity: when an outcome is rare; None where none is.
    """
    if is_of_number:
        return Trials(OF_NUMBERS, parameters, is_of_number=True)
    events = events_of(outcome)
    if rarity is None or not rarity.is_rare(len(outcome), events):
        return Trials(OF_OUTCOMES, parameters)
    return Trials(rarity.families(events), parameters, rarity)
