"""What each column of a table says of the outcome, and whether it may be in a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.disclosure.holders import Holders
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.columns import Form, form_of
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.binning import RISING, Base
from portrait_assets.methods.scorecard.fitting.classes import Classes, classes_of
from portrait_assets.methods.scorecard.fitting.leaking import Lone, lone
from portrait_assets.methods.scorecard.fitting.weighing import (
    Bads,
    BinRules,
    Folds,
    Weights,
    counts_of,
    crosswise,
    weigh,
)
from portrait_assets.methods.scorecard.refused import (
    CHINESE,
    LAW,
    Protected,
    Refusal,
    later_is_younger,
)


@dataclass(frozen=True)
class CardRules:
    """How a card is fitted.

    `directions` states for columns whether the bad rate is to rise (1) or fall (-1) with them,
    `codes` which numbers of a column are codes; those of the key None are of every column. `keep`
    are columns that are no leaks, however well they predict; protected ones are refused all the
    same.
    """

    scale: Scale = field(default_factory=Scale)
    bins: BinRules = field(default_factory=BinRules)
    directions: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str | None, Sequence[float]] = field(default_factory=dict)
    keep: Sequence[str] = ()
    seed: int = 0


class Why(StrEnum):
    """Why a column is not in the card."""

    REFUSED = "refused"
    LEAK = "leak"
    UNREADABLE = "unreadable"
    NOTHING = "nothing"
    TURNED = "turned"


@dataclass(frozen=True)
class LeftOut:
    """A column that is not in the card, and the reason in a sentence."""

    feature: str
    why: Why
    reason: str


@dataclass(frozen=True)
class Looked:
    """A column that says something: its classes, bins and weights, and what it knows alone."""

    classes: Classes
    weights: Weights
    crosswise: Floats
    alone: Lone


@dataclass(frozen=True)
class Looker:
    """Looks at columns of the known rows, of which some are bad, by themselves.

    `folds` are one or several ways to divide the rows; crosswise weights are the means over them.
    No bin is of few `holders`.
    """

    bads: Bads
    folds: tuple[Folds, ...]
    base: Base
    rules: CardRules
    holders: Holders = field(default_factory=Holders)

    def look(self, column: pl.Series, refusal: Refusal | None) -> Looked | LeftOut:
        """What a column says, or why it is left out.

        Args:
            column: its values.
            refusal: the protected attribute that it stands for, if any.

        Raises:
            ScorecardError: when a direction is stated for text.
        """
        form = form_of(column)
        if refusal is not None and refusal.attribute is not Protected.AGE:
            return _refused(refusal)
        if form is None:
            reason = f"{column.dtype} is neither numbers, days nor text"
            return LeftOut(column.name, Why.UNREADABLE, reason)
        found = self._weighed(column, form)
        if found is None:
            return LeftOut(column.name, Why.NOTHING, "all known rows are alike by it")
        if refusal is not None:
            return _refused(refusal, found)
        if found.alone.leaks and column.name not in self.rules.keep:
            return LeftOut(column.name, Why.LEAK, found.alone.sentence)
        return found

    def _weighed(self, column: pl.Series, form: Form) -> Looked | None:
        rules, bads = self.rules, self.bads
        codes = (*rules.codes.get(None, ()), *rules.codes.get(column.name, ()))
        direction = rules.directions.get(column.name)
        if direction is not None and form is Form.TEXT:
            raise ScorecardError(
                f"{column.name} is text, whose categories have no order; state directions of "
                "numbers and days only."
            )
        classes = classes_of(column, form, codes, self.holders)
        counts = counts_of(classes, bads)
        weights = weigh(classes, *counts, self.base, rules.bins, direction, self.holders)
        if not weights.says_something:
            return None
        drawn = (crosswise(classes, bads, each, rules.bins, direction) for each in self.folds)
        of_others = np.mean(list(drawn), axis=0)
        return Looked(classes, weights, of_others, lone(column.name, of_others, bads, weights))


def _refused(refusal: Refusal, found: Looked | None = None) -> LeftOut:
    attribute = refusal.attribute
    named = f"{attribute} ({CHINESE[attribute]})"
    how = f"its values are words of {named}" if refusal.by_values else f"it stands for {named}"
    if found is not None:
        how += f", which may only cost nothing, and would reward {_rewarded(found)}"
    return LeftOut(refusal.feature, Why.REFUSED, f"{how}; {LAW[attribute]}")


def _rewarded(found: Looked) -> str:
    classes, weights = found.classes, found.weights
    if classes.form is Form.TEXT or weights.ordered < 2:
        return "some ages"
    falls_with_age = (weights.direction == RISING) == later_is_younger(classes.feature)
    return "being old" if falls_with_age else "being young"
