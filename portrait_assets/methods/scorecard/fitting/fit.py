"""A card fitted to a table: what is looked at, what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.scorecard import refused
from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.columns import Form, form_of
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.assembling import assemble, part_of
from portrait_assets.methods.scorecard.fitting.binning import RISING, Base
from portrait_assets.methods.scorecard.fitting.classes import Classes, classes_of
from portrait_assets.methods.scorecard.fitting.leaking import Lone, lone
from portrait_assets.methods.scorecard.fitting.regression import keep_one_sign
from portrait_assets.methods.scorecard.fitting.weighing import (
    Bads,
    BinRules,
    Weights,
    counts_of,
    crosswise,
    weigh,
)

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LEAST_OF_EACH = 20
"""A card is fitted to at least so many bad rows, and as many good ones."""
FOLDS = 5
MOST_REGRESSED = 200_000
"""The regression takes so many rows at most; bins and weights take all."""
SAME = 0.98
"""Weights that are correlated so much are one column twice."""
_OUTCOME = "\n"  # No column of a table has this name.


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
class Fitted:
    """A card, what was left out of it, and what it holds but should be looked at.

    `inputs` are the columns that other models of the outcome may take too: all that are neither
    protected nor a leak, and can be read.
    """

    card: Scorecard
    left_out: tuple[LeftOut, ...]
    suspects: tuple[Lone, ...]
    inputs: tuple[str, ...]

    @property
    def refused(self) -> tuple[LeftOut, ...]:
        """What was refused by law or because it gives the outcome away."""
        return tuple(each for each in self.left_out if each.why in (Why.REFUSED, Why.LEAK))


@dataclass(frozen=True)
class _Looked:
    """A column that may be in the card."""

    classes: Classes
    weights: Weights
    crosswise: Floats


def fit(frame: pl.DataFrame, outcome: npt.NDArray[np.float64], rules: CardRules) -> Fitted:
    """Fit a card to the rows whose outcome is known.

    Equal tables give equal cards, in whatever order their rows are.

    Args:
        frame: the columns that may be inputs; others are left out by the caller.
        outcome: 0 or 1 of each row, NaN where it is not known.
        rules: how to bin and to scale.

    Raises:
        ScorecardError: when the outcome has one value only, or too few rows of one.
    """
    is_known = ~np.isnan(outcome)
    bads = outcome[is_known] == 1
    check_outcome(bads)
    return fit_known(frame.filter(pl.Series(is_known)), bads, rules)


def fit_known(known: pl.DataFrame, bads: Bads, rules: CardRules) -> Fitted:
    """Fit a card to rows of which it is known whether they are bad, some of which are."""
    base = Base(len(bads), int(bads.sum()), rules.bins.smoothing)
    places = _places(known, bads, rules.seed)
    folds = _folds(places, bads)
    left: list[LeftOut] = []
    suspects: list[Lone] = []
    looked: list[_Looked] = []
    protected = {each.feature: each for each in refused.refusals(known)}
    for column in known.iter_columns():
        form = form_of(column)
        refusal = protected.get(column.name)
        if refusal is not None and refusal.attribute is not refused.Protected.AGE:
            left.append(_refused(refusal))
        elif form is None:
            reason = f"{column.dtype} is neither numbers, days nor text"
            left.append(LeftOut(column.name, Why.UNREADABLE, reason))
        elif (found := _look(column, form, bads, folds, base, rules)) is None:
            left.append(LeftOut(column.name, Why.NOTHING, "all known rows are alike by it"))
        elif refusal is not None:
            left.append(_refused(refusal, found))
        else:
            alone = lone(column.name, found.crosswise, bads, found.weights)
            if alone.leaks and column.name not in rules.keep:
                left.append(LeftOut(column.name, Why.LEAK, alone.sentence))
                continue
            suspects += [alone] if alone.is_suspect or alone.leaks else []
            looked.append(found)
    kept, not_kept = _regressed(looked, bads, places, base)
    parts = [
        part_of(each.classes, each.weights, coefficient, base, rules.scale)
        for each, coefficient in kept
    ]
    worth = [part for part in parts if part.by_place.any()]
    not_kept += [
        LeftOut(part.feature, Why.NOTHING, "it is worth less than a point")
        for part in parts
        if part not in worth
    ]
    card = assemble(known, bads, base, rules.scale, worth)
    order = {name: place for place, name in enumerate(known.columns)}
    left_out = tuple(sorted([*left, *not_kept], key=lambda each: order[each.feature]))
    in_card = {part.feature for part in card.characteristics}
    not_taken = {each.feature for each in left if each.why in (Why.LEAK, Why.UNREADABLE)}
    return Fitted(
        card=card,
        left_out=left_out,
        suspects=tuple(each for each in suspects if each.feature in in_card),
        inputs=tuple(name for name in known.columns if name not in not_taken | protected.keys()),
    )


def check_outcome(bads: Bads) -> None:
    """Raise when there are too few good or bad rows to fit to, in a sentence."""
    count, of = int(bads.sum()), len(bads)
    if of == 0:
        raise ScorecardError("No row has a known outcome, so there is nothing to fit to.")
    if count in (0, of):
        raise ScorecardError(
            f"The outcome of all {of:,} known rows is {int(count > 0)}; a card needs rows with 0 "
            "and rows with 1."
        )
    few, value = min((count, 1), (of - count, 0))
    if few < LEAST_OF_EACH:
        raise ScorecardError(
            f"Only {few} of {of:,} known rows have the outcome {value}; a card needs at least "
            f"{LEAST_OF_EACH} of each, so add rows, or count a longer time."
        )


def _look(
    column: pl.Series,
    form: Form,
    bads: Bads,
    folds: Places,
    base: Base,
    rules: CardRules,
) -> _Looked | None:
    codes = (*rules.codes.get(None, ()), *rules.codes.get(column.name, ()))
    direction = rules.directions.get(column.name)
    classes = classes_of(column, form, codes)
    weights = weigh(classes, *counts_of(classes, bads), base, rules.bins, direction)
    if not weights.says_something:
        return None
    return _Looked(classes, weights, crosswise(classes, bads, folds, rules.bins, direction))


def _refused(refusal: refused.Refusal, found: _Looked | None = None) -> LeftOut:
    attribute = refusal.attribute
    named = f"{attribute} ({refused.CHINESE[attribute]})"
    how = f"its values are words of {named}" if refusal.by_values else f"it stands for {named}"
    if found is not None:
        how += f", which may only cost nothing, and would reward {_rewarded(found)}"
    return LeftOut(refusal.feature, Why.REFUSED, f"{how}; {refused.LAW[attribute]}")


def _rewarded(found: _Looked) -> str:
    classes, weights = found.classes, found.weights
    if classes.form is Form.TEXT or weights.ordered < 2:
        return "some ages"
    falls_with_age = (weights.direction == RISING) == refused.later_is_younger(classes.feature)
    return "being old" if falls_with_age else "being young"


def _places(known: pl.DataFrame, bads: Bads, seed: int) -> Places:
    """The place of each row when they are shuffled, which does not depend on their order."""
    readable = [column.name for column in known.iter_columns() if form_of(column) is not None]
    rows = known.select(readable).with_columns(pl.Series(_OUTCOME, bads))
    order = rows.select(pl.arg_sort_by(rows.columns)).to_series().to_numpy()
    places = np.empty(len(bads), dtype=np.int64)
    places[order] = np.random.default_rng(seed).permutation(len(bads))
    return places


def _folds(places: Places, bads: Bads) -> Places:
    """A fold for each row, with as many good rows in each, and as many bad ones."""
    folds = np.empty(len(bads), dtype=np.int64)
    for rows in (np.flatnonzero(bads), np.flatnonzero(~bads)):
        folds[rows[np.argsort(places[rows], kind="stable")]] = np.arange(len(rows)) % FOLDS
    return folds


def _regressed(
    looked: Sequence[_Looked], bads: Bads, places: Places, base: Base
) -> tuple[list[tuple[_Looked, float]], list[LeftOut]]:
    looked, left = _without_copies(looked, base)
    if not looked:
        return [], left
    rows = np.flatnonzero(places < MOST_REGRESSED)
    weights = np.column_stack([each.crosswise[rows] for each in looked])
    found = keep_one_sign(weights, bads[rows])
    kept = [(looked[at], coefficient) for at, coefficient in found.coefficients.items()]
    for at, turned in found.left.items():
        why = Why.TURNED if turned else Why.NOTHING
        reason = "its sign turns beside the others" if turned else "it adds nothing to the others"
        left.append(LeftOut(looked[at].classes.feature, why, reason))
    return kept, left


def _without_copies(looked: Sequence[_Looked], base: Base) -> tuple[list[_Looked], list[LeftOut]]:
    """Of columns whose weights are the same but for little, the one with most information."""
    order = sorted(looked, key=lambda each: -round(each.weights.information(base), 6))
    kept: list[_Looked] = []
    left = []
    for each in order:
        if (copy := _copied(each, kept)) is None:
            kept.append(each)
        else:
            reason = f"it says what {copy.classes.feature} says"
            left.append(LeftOut(each.classes.feature, Why.NOTHING, reason))
    return kept, left


def _copied(one: _Looked, others: Sequence[_Looked]) -> _Looked | None:
    centred = one.crosswise - one.crosswise.mean()
    for other in others:
        beside = other.crosswise - other.crosswise.mean()
        spread = np.sqrt((centred @ centred) * (beside @ beside))
        if spread > 0 and centred @ beside > SAME * spread:
            return other
    return None
