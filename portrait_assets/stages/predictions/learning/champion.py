"""Which model is active in a month: the champion so far, a challenger, or the best baseline.

A pure function of the champion of the month before, of the decisions of people, and of what is
known by the month.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import expit, logit

from portrait_assets.core.months import month_range, next_month
from portrait_assets.methods.disclosure.holders import names_in
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.statistics.paired import auc, auc_gain
from portrait_assets.methods.statistics.rates import events_of
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.governance.approvals import (
    BASELINE,
    Action,
    PredictionApproval,
)
from portrait_assets.stages.predictions.learning import words
from portrait_assets.stages.predictions.learning.active import Active, Trained
from portrait_assets.stages.predictions.learning.again import fitted_again
from portrait_assets.stages.predictions.learning.baseline import (
    BASE_RATE,
    Steps,
    best_of,
    fitted_steps,
    ordered_by,
)
from portrait_assets.stages.predictions.learning.inputs import are_refused
from portrait_assets.stages.predictions.learning.judging import (
    Bools,
    Calibrated,
    Floats,
    calibrated,
    shift_of,
)
from portrait_assets.stages.predictions.learning.past import Past
from portrait_assets.stages.predictions.learning.training import (
    Challenger,
    Challengers,
    Question,
    can_be_judged,
    has_enough_events,
    has_enough_rows,
)
from portrait_assets.stages.predictions.learning.words import Words
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcome import Baseline

_LEAST = 1e-12
Leaking = tuple[str, ...]


@dataclass(frozen=True)
class Before:
    """What was active in the month before, and when a challenger was last fitted."""

    active: Active
    tried_in: str | None


@dataclass(frozen=True)
class Decided:
    """What is active in a month, what was done, and why; areas are those of the newest window."""

    active: Active
    action: str
    why: Words
    tried_in: str | None = None
    challenger_version: str | None = None
    auc: float | None = None
    challenger_auc: float | None = None
    baseline: str | None = None
    baseline_auc: float | None = None


class Shown(NamedTuple):
    """How what is active orders the newest window, and the area of that."""

    order: Floats
    area: float


Versions = Callable[[str], Active | None]
"""Gives what was active under a version in an earlier month."""
Answered = Generator[Question, Challenger, Decided]
"""Asks for a challenger where one is due, and gives what is decided."""


@dataclass(frozen=True)
class Deciding:
    """What a decision on the model of one target rests on.

    Args:
        past: what is known by the month.
        asked: the target.
        before: what was active in the month before; None for the first.
        decision: the last decision of a person that takes effect by the month.
        versions: finds what was active under a version.
    """

    past: Past
    asked: Asked
    before: Before | None
    decision: PredictionApproval | None = None
    versions: Versions = field(default=lambda version: None)
    _known: list[tuple[Active, Shown]] = field(default_factory=list, init=False)

    def decide(self) -> Decided:
        """What is active in the month."""
        return decided([self], 1)[self.asked]

    def steps(self) -> Answered:
        """The same, with a question for the challenger where one is due."""
        decision = self.decision
        if decision is not None and decision.action is not Action.APPROVE:
            return self._pinned(decision)
        if self._recent.is_empty():
            why = words.hits_alone if self._are_hits_alone else words.nothing_known
            return self._judged(self._baseline, "baseline", why(self.asked))
        if self._is_due:
            return (yield from self._fitted())
        if self.champion is None:
            return self._judged(self._baseline, "baseline", self._why_baseline)
        return self._kept(self.champion)

    # -- what it rests on ------------------------------------------------------------------

    @property
    def _month(self) -> str:
        return self.past.month

    @cached_property
    def champion(self) -> Active | None:
        """The model so far; None where a baseline stands, or where it may not be used any more."""
        active = self.before.active if self.before else None
        return active if active and active.basis == "model" and self._may_be_used(active) else None

    def _may_be_used(self, active: Active) -> bool:
        """Whether it has no feature that may not decide on credit, if that is what it predicts."""
        return not (self.asked.outcome.is_credit and are_refused(active.rows()["feature"]))

    @property
    def _tried_in(self) -> str | None:
        return self.before.tried_in if self.before else None

    @cached_property
    def _reported(self) -> pl.DataFrame:
        return self.past.known(self.asked, self.past.recent(self.asked.horizon))

    @cached_property
    def _are_hits_alone(self) -> bool:
        """Whether the source reports an outcome of those alone to whom it happened."""
        hit = self._reported["hit"]
        return self.asked.outcome.is_reported_of_some and len(hit) > 0 and bool(hit.all())

    @cached_property
    def _recent(self) -> pl.DataFrame:
        """The newest closed windows, with the features that baselines rest on.

        None where only hits are reported: of how many it did not happen to nobody knows.
        """
        return self._reported.clear() if self._are_hits_alone else self._reported

    @cached_property
    def _is_newest(self) -> Bools:
        """Which rows of the recent windows are of the newest one."""
        months = self._recent["base_month"]
        return (months == months.max()).to_numpy()

    @cached_property
    def _newest(self) -> pl.DataFrame:
        return self._recent.filter(self._is_newest)

    @cached_property
    def _hit(self) -> Bools:
        return self._newest["hit"].to_numpy()

    @cached_property
    def _rule(self) -> Baseline | None:
        """The baseline that was best in the windows that were over when the newest one began."""
        closed = self.past.learned_from(self.asked.horizon)
        earlier = self._recent.filter(pl.col("base_month").is_in(closed))
        return best_of(self.asked.baselines, earlier)

    @cached_property
    def _baseline(self) -> Active:
        """The baseline that was best in all recent windows, with their rates."""
        rule = best_of(self.asked.baselines, self._recent)
        steps = fitted_steps(rule, self._recent)
        months = self._recent["base_month"]
        trained = Trained(months.min(), months.max(), None, self._month)  # type: ignore[arg-type]
        active = Active(steps, trained)
        if not steps.rates:
            return active
        return active.held_against(
            self._recent["hit"].to_numpy(),
            steps.probability(self._recent),
            names_in(self._recent),
        )

    @property
    def _why_baseline(self) -> Words:
        if not has_enough_rows(self.past, self.asked):
            rows = self.past.rows(self.past.learned_from(self.asked.horizon))
            return words.too_few_rows(rows)
        return words.not_yet_again(self._tried_in)

    # -- when ------------------------------------------------------------------------------

    @property
    def _is_approved(self) -> bool:
        return self.decision is not None and self.decision.effective_from == self._month

    @cached_property
    def may_be_due(self) -> bool:
        """Whether a challenger is fitted by the calendar, or because a person asked for it."""
        if not has_enough_rows(self.past, self.asked):
            return False
        since = self._tried_in
        is_time = since is None or len(month_range(since, self._month)) > RULE.refit_months
        return self._is_approved or is_time

    @cached_property
    def _is_below_baseline(self) -> bool:
        """Whether the champion separated the newest window worse than the best baseline."""
        if self.champion is None or not can_be_judged(self._newest):
            return False
        return self._area(self.champion) < self._area_of_rule

    @property
    def _is_due(self) -> bool:
        return self.may_be_due or self._is_below_baseline

    # -- what is done ----------------------------------------------------------------------

    def _fitted(self) -> Answered:
        learned = self.past.learned(self.asked)
        if not has_enough_events(learned, self._newest):
            is_first_year = len(self.past.customers) <= RULE.first_year
            tried = self._tried_in if is_first_year else self._month
            why = words.too_few_events(learned, self._newest)
            return self._without_challenger(why, tried)
        found = yield Question(
            learned,
            self.past.newest_inputs(self.asked),
            self._month,
            self.asked.outcome.is_credit,
            self.past.encoding(self.asked.horizon),
        )
        if found.model is None:
            why = words.not_fitted(found.fault or "", found.leaking)
            return self._without_challenger(why, self._month)
        model = self._set_right(found.model)
        areas = {"challenger_version": model.version, "challenger_auc": self._area(model)}
        better = auc_gain(self._order(model), self._order_of_rule, self._hit)
        is_better = better.low > 0
        old = self.champion
        if not is_better and (old is None or self._is_below_baseline):
            why = words.not_better(self._rule_name, better, found.leaking)
            decided = self._judged(self._baseline, "baseline", why, self._month)
        elif old is None:
            why = words.first_model(model.family, self._rule_name, better, found.leaking)
            decided = self._taken(model, "fitted", why, learned, found.leaking)
        elif not is_better:
            why = words.refused_below_baseline(self._rule_name, better)
            decided = self._refused(old, why)
        elif self._area(model) < self._area(old) and not (
            self._is_approved or self._is_below_baseline or self._knows_newest(old)
        ):
            decided = self._refused(old, words.refused(self._area(old), self._area(model)))
        else:
            why = words.taken_over(
                self._area(old), self._area(model), found.leaking, self._reason_to_refit
            )
            decided = self._taken(model, "refitted", why, learned, found.leaking)
        return replace(decided, **areas)  # type: ignore[arg-type]

    def _taken(
        self, model: Active, action: str, why: Words, learned: pl.DataFrame, leaking: Leaking
    ) -> Decided:
        """The challenger takes the place; of a rare outcome, fitted again, with its areas."""
        decided = self._judged(model, action, why, self._month)
        if not RULE.is_rare(learned.height, events_of(learned["hit"].to_numpy())):
            return decided
        assert isinstance(model.learned, PredictionModel)
        again = replace(
            model,
            learned=fitted_again(self.past, self.asked, model.learned, leaking),
            trained=model.trained._replace(last=self.past.closed(self.asked.horizon)[-1]),
        )
        by = shift_of(self._recent["hit"].to_numpy(), self._probability(again))
        return replace(decided, active=again.shifted(by), why=words.and_fitted_again(why))

    def _knows_newest(self, old: Active) -> bool:
        """Whether it learned from windows that reach into the newest one: it is no fair rival."""
        last, newest = old.trained.last, str(self._newest["base_month"].max())
        return last is not None and next_month(last, self.asked.horizon) > newest

    def _without_challenger(self, why: Words, tried_in: str | None) -> Decided:
        if self.champion is not None and not self._is_below_baseline:
            return replace(self._kept(self.champion), tried_in=tried_in)
        return self._judged(self._baseline, "baseline", why, tried_in)

    def _refused(self, champion: Active, why: Words) -> Decided:
        moved = self._set_right_if_off(champion)
        if moved is not champion:
            why = words.and_recalibrated(why)
        return self._judged(moved, "challenger refused", why, self._month)

    def _kept(self, champion: Active) -> Decided:
        moved = self._set_right_if_off(champion)
        if moved is champion:
            return self._judged(champion, "kept", words.kept(champion.trained), self._tried_in)
        why = words.recalibrated(self._calibrated(champion))
        return self._judged(moved, "recalibrated", why, self._tried_in)

    def _calibrated(self, model: Active) -> Calibrated:
        return calibrated(self._hit, self._order(model))

    def _set_right_if_off(self, champion: Active) -> Active:
        """The champion, its probabilities set right where they were surely off last."""
        if not self._calibrated(champion).is_surely_off:
            return champion
        moved = self._set_right(champion)
        return champion if moved.version == champion.version else moved

    def _pinned(self, decision: PredictionApproval) -> Decided:
        version = decision.model_version or ""
        if version == BASELINE:
            return self._judged(self._baseline, "pinned", words.pinned(decision), self._tried_in)
        active = self.before.active if self.before else None
        found = active if active and active.version == version else self.versions(version)
        if found is None or not self._may_be_used(found):
            why = (words.refused_version if found else words.no_such_version)(decision)
            return self._judged(self._baseline, "baseline", why, self._tried_in)
        return self._judged(found, "pinned", words.pinned(decision), self._tried_in)

    def _set_right(self, model: Active) -> Active:
        """The model with probabilities that are right on the mean of the recent windows."""
        hit, probability = self._recent["hit"].to_numpy(), self._probability(model)
        by = shift_of(hit, probability)
        moved = expit(logit(np.clip(probability, _LEAST, 1 - _LEAST)) + by)
        return model.shifted(by).held_against(self._hit, moved[self._is_newest])

    # -- areas -----------------------------------------------------------------------------

    @property
    def _reason_to_refit(self) -> str:
        if self._is_approved:
            return "approved"
        return "below" if self._is_below_baseline else "quarter"

    @property
    def _rule_name(self) -> str:
        return self._rule.name if self._rule else BASE_RATE

    @property
    def _order_of_rule(self) -> Floats:
        return ordered_by(self._rule, self._newest)

    @cached_property
    def _area_of_rule(self) -> float:
        return auc(self._order_of_rule, self._hit)

    def _area(self, active: Active) -> float:
        return self._shown(active).area

    def _order(self, active: Active) -> Floats:
        """The order of the newest window by what is active."""
        return self._shown(active).order

    def _shown(self, active: Active) -> Shown:
        """What is asked of the same model several times."""
        for known, shown in self._known:
            if known is active:
                return shown
        if isinstance(active.learned, Steps):
            order = active.learned.order(self._newest)
        else:
            order = self._probability(active)[self._is_newest]
        found = Shown(order, auc(order, self._hit))
        self._known.append((active, found))
        return found

    def _probability(self, model: Active) -> Floats:
        """The probabilities of a model in the recent windows."""
        assert isinstance(model.learned, PredictionModel)
        return model.learned.probability_at(self.past.margin(model.learned, self.asked))

    def _judged(
        self, active: Active, action: str, why: Words, tried_in: str | None = None
    ) -> Decided:
        """The decision with the areas of what is active and of the baseline, where defined."""
        decided = Decided(active, action, why, tried_in)
        if self._recent.is_empty() or not 0 < self._hit.sum() < len(self._hit):
            return decided
        return replace(
            decided,
            auc=self._area(active),
            baseline=self._rule_name,
            baseline_auc=self._area_of_rule,
        )


def decided(
    several: Iterable[Deciding], at_once: int, challengers: Challengers | None = None
) -> dict[Asked, Decided]:
    """What is decided on the models of several targets of a month, by target.

    Args:
        several: of targets of one length.
        at_once: how many challengers are fitted at a time, each with its rows in memory.
        challengers: of the month so far, by whichever target.
    """
    found: dict[Asked, Decided] = {}
    waiting: deque[tuple[Asked, Answered]] = deque()

    def questions() -> Iterator[Question]:
        for each in several:
            steps = each.steps()
            try:
                question = next(steps)
            except StopIteration as end:
                found[each.asked] = end.value
                continue
            waiting.append((each.asked, steps))
            yield question

    for challenger in (challengers or Challengers()).of_each(questions(), at_once):
        asked, steps = waiting.popleft()
        try:
            steps.send(challenger)
        except StopIteration as end:
            found[asked] = end.value
    return found
