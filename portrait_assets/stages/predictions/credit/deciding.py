"""Which card scores a target of credit in a month: the one so far, a challenger, or none.

A pure function of the card of the month before, of the decisions of people, and of what is known
by the month. Without a card
there are no scores: points that no card gives would explain nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from portrait_assets.core.months import month_range
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.fit import Fitted, fit
from portrait_assets.methods.scorecard.fitting.looking import CardRules, Why
from portrait_assets.methods.statistics.discrimination.paired import auc, auc_gain
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.credit import words
from portrait_assets.stages.predictions.credit.allowing import Allowing
from portrait_assets.stages.predictions.credit.card import Card
from portrait_assets.stages.predictions.governance.approvals import (
    NO_CARD,
    Action,
    PredictionApproval,
)
from portrait_assets.stages.predictions.learning import words as models
from portrait_assets.stages.predictions.learning.baseline import BASE_RATE, best_of, ordered_by
from portrait_assets.stages.predictions.learning.past.inputs import are_refused, inputs_of
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.training import has_enough_events, has_enough_rows
from portrait_assets.stages.predictions.learning.words import Words
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcome import Baseline


@dataclass(frozen=True)
class Before:
    """The card of the month before, when one was last fitted, and the baseline then."""

    card: Card | None
    tried_in: str | None
    baseline: str | None = None


@dataclass(frozen=True)
class Decided:
    """The card of a month, what was done, and why; areas where a card was fitted."""

    card: Card | None
    action: str
    why: Words
    tried_in: str | None = None
    challenger_version: str | None = None
    auc: float | None = None
    challenger_auc: float | None = None
    baseline: str | None = None
    baseline_auc: float | None = None


Versions = Callable[[str], Card | None]
"""Gives the card that scored under a version in an earlier month."""


@dataclass(frozen=True)
class Deciding:
    """What a decision on the card of one target rests on.

    Args:
        past: what is known by the month.
        asked: the target.
        allowing: who allows the use for credit as of the month; others are not learned from.
        before: the card of the month before; None for the first.
        decision: the last decision of a person on the card that takes effect by the month.
        versions: finds the card that scored under a version.
    """

    past: Past
    asked: Asked
    allowing: Allowing
    before: Before | None
    decision: PredictionApproval | None = None
    versions: Versions = field(default=lambda version: None)

    def decide(self) -> Decided:
        """The card of the month, or why there is none."""
        if self.allowing.refusal is not None:
            why = words.not_asked(self.allowing.refusal)
            return Decided(None, "not asked for", why, self._tried_in)
        if self.decision is not None and self.decision.action is not Action.APPROVE:
            return self._pinned(self.decision)
        if not self.past.closed(self.asked.horizon):
            return self._without(words.nothing_known(self.asked), self._tried_in)
        if not has_enough_rows(self.past, self.asked):
            rows = self.past.rows(self.past.learned_from(self.asked.horizon))
            return self._without(words.too_few_rows(rows), self._tried_in)
        if self._is_due:
            return self._fitted()
        return self._without(words.not_yet_again(self._tried_in), self._tried_in)

    @property
    def _month(self) -> str:
        return self.past.month

    @cached_property
    def _champion(self) -> Card | None:
        """The card so far, unless it has a column that is protected by now."""
        card = self.before.card if self.before else None
        return None if card is None or are_refused(card.features) else card

    @property
    def _tried_in(self) -> str | None:
        return self.before.tried_in if self.before else None

    @property
    def _is_approved(self) -> bool:
        return self.decision is not None and self.decision.effective_from == self._month

    @property
    def _is_due(self) -> bool:
        since = self._tried_in
        return (
            self._is_approved
            or since is None
            or len(month_range(since, self._month)) > RULE.refit_months
        )

    def _pinned(self, decision: PredictionApproval) -> Decided:
        version = decision.model_version or ""
        if version == NO_CARD:
            return Decided(None, "pinned", models.pinned(decision), self._tried_in)
        so_far = self.before.card if self.before else None
        found = so_far if so_far and so_far.version == version else self.versions(version)
        if found is None or are_refused(found.features):
            why = (words.refused_version if found else words.no_such_version)(decision)
            return Decided(None, "no card", why, self._tried_in)
        baseline = self.before.baseline if self.before else None
        why = models.pinned(decision)
        return Decided(found, "pinned", why, self._tried_in, baseline=baseline)

    def _without(self, why: Words, tried_in: str | None) -> Decided:
        """Without a challenger: the card so far, or none."""
        if self._champion is None:
            return Decided(None, "no card", why, tried_in)
        baseline = self.before.baseline if self.before else None
        why = words.kept(self._champion)
        return Decided(self._champion, "kept", why, tried_in, baseline=baseline)

    @cached_property
    def _learned(self) -> pl.DataFrame:
        return self.allowing.of(self.past.learned(self.asked))

    @cached_property
    def _newest(self) -> pl.DataFrame:
        return self.allowing.of(self.past.newest_inputs(self.asked))

    @cached_property
    def _rule(self) -> Baseline | None:
        """The baseline that was best in the windows that the card learns from."""
        return best_of(self.asked.baselines, self._learned)

    def _fitted(self) -> Decided:
        if not has_enough_events(self._learned, self._newest):
            is_first_year = len(self.past.customers) <= RULE.first_year
            why = words.too_few_events(self._learned, self._newest)
            return self._without(why, self._tried_in if is_first_year else self._month)
        try:
            found = self._fit()
        except ScorecardError as error:
            return self._without(words.not_fitted(str(error).rstrip(".")), self._month)
        if not found.card.characteristics:
            return self._without(words.nothing_separates(), self._month)
        return self._compared(found)

    def _fit(self) -> Fitted:
        hit = self._learned["hit"].to_numpy().astype(np.float64)
        # A customer of several months is one: their rows do not say the same by chance.
        customers = self._learned["customer_id"]
        return fit(inputs_of(self._learned, is_credit=True), hit, CardRules(), customers)

    def _compared(self, found: Fitted) -> Decided:
        """The challenger where it is no worse than the baseline, nor than the card so far."""
        months, judged_on = self._learned["base_month"], str(self._newest["base_month"][0])
        card = Card(found.card, str(months.min()), str(months.max()), judged_on, self._month)
        hit = self._newest["hit"].to_numpy()
        risk, of_rule = card.risk(self._newest), ordered_by(self._rule, self._newest)
        gain = auc_gain(risk, of_rule, hit)
        area = auc(risk, hit)
        decided = Decided(
            card,
            "fitted",
            words.fitted(self._rule_name, gain, _leaking(found)),
            self._month,
            challenger_version=card.version,
            auc=area,
            challenger_auc=area,
            baseline=self._rule_name,
            baseline_auc=auc(of_rule, hit),
        )
        old = self._champion
        of_old = auc(old.risk(self._newest), hit) if old else None
        if of_old is not None and area < of_old and not self._is_approved:
            why = words.refused(of_old, area)
            return replace(decided, card=old, action="challenger refused", why=why, auc=of_old)
        if gain.high < 0:
            why = words.worse_than_baseline(self._rule_name, gain)
            return replace(decided, card=None, action="no card", why=why, auc=None)
        if old is None:
            return decided
        why = words.approved(decided.why) if self._is_approved else decided.why
        return replace(decided, action="refitted", why=why)

    @property
    def _rule_name(self) -> str:
        return self._rule.name if self._rule else BASE_RATE


def _leaking(found: Fitted) -> tuple[str, ...]:
    return tuple(each.feature for each in found.left_out if each.why is Why.LEAK)
