"""Which model is active in a month: the champion so far, a challenger, or the best baseline.

A pure function of the champion of the month before, of the decisions of people, and of what is
known by the month.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from portrait_assets.core.months import month_range, next_month
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.statistics.discrimination.paired import auc_gain
from portrait_assets.methods.statistics.rates import events_of
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.governance.approvals import (
    BASELINE,
    Action,
    PredictionApproval,
)
from portrait_assets.stages.predictions.learning import words
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.learning.again import fitted_again
from portrait_assets.stages.predictions.learning.evidence import Evidence
from portrait_assets.stages.predictions.learning.judging import shift_of
from portrait_assets.stages.predictions.learning.past.inputs import are_refused
from portrait_assets.stages.predictions.learning.past.known import Past
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

    def decide(self) -> Decided:
        """What is active in the month."""
        return decided([self], 1)[self.asked]

    def steps(self) -> Answered:
        """The same, with a question for the challenger where one is due."""
        decision = self.decision
        if decision is not None and decision.action is not Action.APPROVE:
            return self._pinned(decision)
        if self._evidence.recent.is_empty():
            why = words.hits_alone if self._evidence.are_hits_alone else words.nothing_known
            return self._on_baseline(why(self.asked))
        if self._is_due:
            return (yield from self._fitted())
        if self.champion is None:
            return self._on_baseline(self._why_baseline)
        return self._kept(self.champion)

    # -- what it rests on ------------------------------------------------------------------

    @property
    def _month(self) -> str:
        return self.past.month

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self.past, self.asked)

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
        if self.champion is None or not can_be_judged(self._evidence.newest):
            return False
        return self._evidence.area(self.champion) < self._evidence.area_of_rule

    @property
    def _is_due(self) -> bool:
        return self.may_be_due or self._is_below_baseline

    @property
    def _reason_to_refit(self) -> str:
        if self._is_approved:
            return "approved"
        return "below" if self._is_below_baseline else "quarter"

    # -- what is done ----------------------------------------------------------------------

    def _fitted(self) -> Answered:
        learned = self.past.learned(self.asked)
        if not has_enough_events(learned, self._evidence.newest):
            is_first_year = len(self.past.customers) <= RULE.first_year
            tried = self._tried_in if is_first_year else self._month
            why = words.too_few_events(learned, self._evidence.newest)
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
        seen = self._evidence
        model = seen.set_right(found.model)
        areas = {"challenger_version": model.version, "challenger_auc": seen.area(model)}
        better = auc_gain(seen.order(model), seen.order_of_rule, seen.hit)
        is_better = better.low > 0
        old = self.champion
        if not is_better and (old is None or self._is_below_baseline):
            why = words.not_better(seen.rule_name, better, found.leaking)
            decided = self._on_baseline(why, self._month)
        elif old is None:
            why = words.first_model(model.family, seen.rule_name, better, found.leaking)
            decided = self._taken(model, "fitted", why, learned, found.leaking)
        elif not is_better:
            why = words.refused_below_baseline(seen.rule_name, better)
            decided = self._refused(old, why)
        elif seen.area(model) < seen.area(old) and not (
            self._is_approved or self._is_below_baseline or self._knows_newest(old)
        ):
            decided = self._refused(old, words.refused(seen.area(old), seen.area(model)))
        else:
            why = words.taken_over(
                seen.area(old),
                seen.area(model),
                found.leaking,
                self._reason_to_refit,
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
        by = shift_of(self._evidence.recent["hit"].to_numpy(), self._evidence.probability(again))
        return replace(decided, active=again.shifted(by), why=words.and_fitted_again(why))

    def _knows_newest(self, old: Active) -> bool:
        """Whether it learned from windows that reach into the newest one: it is no fair rival."""
        last, newest = old.trained.last, str(self._evidence.newest["base_month"].max())
        return last is not None and next_month(last, self.asked.horizon) > newest

    def _without_challenger(self, why: Words, tried_in: str | None) -> Decided:
        if self.champion is not None and not self._is_below_baseline:
            return replace(self._kept(self.champion), tried_in=tried_in)
        return self._on_baseline(why, tried_in)

    def _refused(self, champion: Active, why: Words) -> Decided:
        moved = self._evidence.set_right_if_off(champion)
        if moved is not champion:
            why = words.and_recalibrated(why)
        return self._judged(moved, "challenger refused", why, self._month)

    def _kept(self, champion: Active) -> Decided:
        moved = self._evidence.set_right_if_off(champion)
        if moved is champion:
            return self._judged(champion, "kept", words.kept(champion.trained), self._tried_in)
        why = words.recalibrated(self._evidence.calibrated(champion))
        return self._judged(moved, "recalibrated", why, self._tried_in)

    def _pinned(self, decision: PredictionApproval) -> Decided:
        version = decision.model_version or ""
        if version == BASELINE:
            return self._on_baseline(words.pinned(decision), self._tried_in, "pinned")
        active = self.before.active if self.before else None
        found = active if active and active.version == version else self.versions(version)
        if found is None or not self._may_be_used(found):
            why = (words.refused_version if found else words.no_such_version)(decision)
            return self._on_baseline(why, self._tried_in)
        return self._judged(found, "pinned", words.pinned(decision), self._tried_in)

    def _judged(
        self, active: Active, action: str, why: Words, tried_in: str | None = None
    ) -> Decided:
        """The decision with the areas of what is active and of the baseline, where defined."""
        seen, decided = self._evidence, Decided(active, action, why, tried_in)
        if not seen.tells_apart:
            return decided
        return replace(
            decided,
            auc=seen.area(active),
            baseline=seen.rule_name,
            baseline_auc=seen.area_of_rule,
        )

    def _on_baseline(
        self, why: Words, tried_in: str | None = None, action: str = "baseline"
    ) -> Decided:
        return self._judged(self._evidence.baseline, action, why, tried_in)


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
