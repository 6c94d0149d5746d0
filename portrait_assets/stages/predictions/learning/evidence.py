"""What closed windows show of a target: how its models and baselines order them, and how far off.

Whatever is decided on a model in a month rests on this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import expit, logit

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.methods.disclosure.holders import names_in
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.statistics.discrimination.paired import auc
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.active import Active, Trained
from portrait_assets.stages.predictions.learning.baseline import (
    BASE_RATE,
    Steps,
    best_of,
    fitted_steps,
    ordered_by,
)
from portrait_assets.stages.predictions.learning.judging import Calibrated, calibrated, shift_of
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.targets.declared.outcome import Baseline

_LEAST = 1e-12


class Shown(NamedTuple):
    """How what is active orders the newest window, and the area of that."""

    order: Floats
    area: float


@dataclass(frozen=True)
class Evidence:
    """What the closed windows of a target show that are known in a month.

    Args:
        past: what is known by the month.
        asked: the target.
    """

    past: Past
    asked: Asked
    _known: list[tuple[Active, Shown]] = field(default_factory=list, init=False)

    @cached_property
    def _reported(self) -> pl.DataFrame:
        return self.past.known(self.asked, self.past.recent(self.asked.horizon))

    @cached_property
    def are_hits_alone(self) -> bool:
        """Whether the source reports an outcome of those alone to whom it happened."""
        hit = self._reported["hit"]
        return self.asked.outcome.is_reported_of_some and len(hit) > 0 and bool(hit.all())

    @cached_property
    def recent(self) -> pl.DataFrame:
        """The newest closed windows, with the features that baselines rest on.

        None where only hits are reported: of how many it did not happen to nobody knows.
        """
        return self._reported.clear() if self.are_hits_alone else self._reported

    @cached_property
    def _is_newest(self) -> Bools:
        """Which rows of the recent windows are of the newest one."""
        months = self.recent["base_month"]
        return (months == months.max()).to_numpy()

    @cached_property
    def newest(self) -> pl.DataFrame:
        """The rows of the newest closed window."""
        return self.recent.filter(self._is_newest)

    @cached_property
    def hit(self) -> Bools:
        """To whom of the newest window it happened, shape (rows of `newest`,)."""
        return self.newest["hit"].to_numpy()

    @property
    def tells_apart(self) -> bool:
        """Whether the newest window has customers of both kinds, so that there are areas."""
        return not self.recent.is_empty() and 0 < self.hit.sum() < len(self.hit)

    @cached_property
    def rule(self) -> Baseline | None:
        """The baseline that was best in the windows that were over when the newest one began."""
        closed = self.past.learned_from(self.asked.horizon)
        earlier = self.recent.filter(pl.col("base_month").is_in(closed))
        return best_of(self.asked.baselines, earlier)

    @cached_property
    def baseline(self) -> Active:
        """The baseline that was best in all recent windows, with their rates."""
        rule = best_of(self.asked.baselines, self.recent)
        steps = fitted_steps(rule, self.recent)
        months = self.recent["base_month"]
        first, last = months.min(), months.max()
        active = Active(steps, Trained(first, last, None, self.past.month))  # type: ignore[arg-type]
        if not steps.rates:
            return active
        return active.held_against(
            self.recent["hit"].to_numpy(),
            steps.probability(self.recent),
            names_in(self.recent),
        )

    @property
    def rule_name(self) -> str:
        """The feature of that baseline, or that there is none but the rate of all."""
        return self.rule.name if self.rule else BASE_RATE

    @property
    def order_of_rule(self) -> Floats:
        """The order of the newest window by that baseline."""
        return ordered_by(self.rule, self.newest)

    @cached_property
    def area_of_rule(self) -> float:
        """The area under the ROC curve of that order."""
        return auc(self.order_of_rule, self.hit)

    def area(self, active: Active) -> float:
        """The area of what is active in the newest window."""
        return self._shown(active).area

    def order(self, active: Active) -> Floats:
        """The order of the newest window by what is active."""
        return self._shown(active).order

    def _shown(self, active: Active) -> Shown:
        # Asked of the same model several times; models are no keys, as they hold arrays.
        for known, shown in self._known:
            if known is active:
                return shown
        if isinstance(active.learned, Steps):
            order = active.learned.order(self.newest)
        else:
            order = self.probability(active)[self._is_newest]
        found = Shown(order, auc(order, self.hit))
        self._known.append((active, found))
        return found

    def probability(self, model: Active) -> Floats:
        """The probabilities of a model in the recent windows."""
        assert isinstance(model.learned, PredictionModel)
        return model.learned.probability_at(self.past.margin(model.learned, self.asked))

    def calibrated(self, model: Active) -> Calibrated:
        """How often the newest window was expected to hit by the model, and how often it did."""
        return calibrated(self.hit, self.order(model))

    def set_right(self, model: Active) -> Active:
        """The model with probabilities that are right on the mean of the recent windows."""
        hit, probability = self.recent["hit"].to_numpy(), self.probability(model)
        by = shift_of(hit, probability)
        moved = expit(logit(np.clip(probability, _LEAST, 1 - _LEAST)) + by)
        return model.shifted(by).held_against(self.hit, moved[self._is_newest])

    def set_right_if_off(self, champion: Active) -> Active:
        """The champion, its probabilities set right where they were surely off last."""
        if not self.calibrated(champion).is_surely_off:
            return champion
        moved = self.set_right(champion)
        return champion if moved.version == champion.version else moved
