"""A card fitted to a table, whatever the order of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.disclosure.holders import holders_of
from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.columns import form_of
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.assembling import assemble, part_of
from portrait_assets.methods.scorecard.fitting.binning import Base
from portrait_assets.methods.scorecard.fitting.leaking import Lone
from portrait_assets.methods.scorecard.fitting.looking import (
    CardRules,
    LeftOut,
    Looked,
    Looker,
    Why,
)
from portrait_assets.methods.scorecard.fitting.regression import keep_one_sign
from portrait_assets.methods.scorecard.fitting.weighing import Bads
from portrait_assets.methods.scorecard.refused import refusals

Places = npt.NDArray[np.int64]

LEAST_OF_EACH = 20
"""A card is fitted to at least so many bad rows, and as many good ones."""
FOLDS = 5
DRAWS = 5
"""Times that groups are put into folds: the bad rows of a table are of fewer groups than rows, and
weights from one draw would differ much from those of another."""
MOST_REGRESSED = 200_000
"""The regression takes so many rows at most; bins and weights take all."""
SAME = 0.98
"""Weights that are correlated so much are one column twice."""
_OUTCOME = "\n"  # No column of a table has this name.


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


def fit(
    frame: pl.DataFrame,
    outcome: npt.NDArray[np.float64],
    rules: CardRules,
    groups: pl.Series | None = None,
) -> Fitted:
    """Fit a card to the rows whose outcome is known.

    Equal tables give equal cards, in whatever order their rows are.

    Args:
        frame: the columns that may be inputs; others are left out by the caller.
        outcome: 0 or 1 of each row, NaN where it is not known.
        rules: how to bin and to scale.
        groups: what rows are of, such as a customer over several months, by which they are not
            independent: weights come from bins of other groups, and no bin or band is of few.
            Every row is its own when None.

    Raises:
        ScorecardError: when the outcome has one value only, or too few rows of one.
    """
    is_known = ~np.isnan(outcome)
    bads = outcome[is_known] == 1
    check_outcome(bads)
    of = None if groups is None else groups.filter(pl.Series(is_known))
    return fit_known(frame.filter(pl.Series(is_known)), bads, rules, of)


def fit_known(
    known: pl.DataFrame, bads: Bads, rules: CardRules, groups: pl.Series | None = None
) -> Fitted:
    """Fit a card to rows of which it is known whether they are bad, some of which are."""
    base = Base(len(bads), int(bads.sum()), rules.bins.smoothing)
    places = _places(known, bads, rules.seed)
    if groups is None:
        folds: tuple[Places, ...] = (_folds(places, bads),)
    else:
        folds = tuple(_folds_of(groups, places, bads, draw) for draw in range(DRAWS))
    holders = holders_of(None if groups is None else groups.to_numpy())
    looker = Looker(bads, folds, base, rules, holders)
    protected = {each.feature: each for each in refusals(known)}
    looks = [looker.look(column, protected.get(column.name)) for column in known.iter_columns()]
    looked = [each for each in looks if isinstance(each, Looked)]
    left = [each for each in looks if isinstance(each, LeftOut)]
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
    card = assemble(known, bads, base, rules.scale, worth, holders)
    order = {name: place for place, name in enumerate(known.columns)}
    left_out = tuple(sorted([*left, *not_kept], key=lambda each: order[each.feature]))
    in_card = {part.feature for part in card.characteristics}
    not_taken = {each.feature for each in left if each.why in (Why.LEAK, Why.UNREADABLE)}
    return Fitted(
        card=card,
        left_out=left_out,
        suspects=tuple(
            each.alone
            for each in looked
            if each.classes.feature in in_card and (each.alone.is_suspect or each.alone.leaks)
        ),
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


def _places(known: pl.DataFrame, bads: Bads, seed: int) -> Places:
    """The place of each row when they are shuffled, which does not depend on their order."""
    readable = [column.name for column in known.iter_columns() if form_of(column) is not None]
    rows = pl.DataFrame([*known.select(readable).iter_columns(), pl.Series(_OUTCOME, bads)])
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


def _folds_of(groups: pl.Series, places: Places, bads: Bads, draw: int) -> Places:
    """A fold for each row, that of its group, with about as many bad rows in each, and good ones.

    Groups are dealt out there and back, those with most bad rows first: weights of evidence of
    other folds stray against those of the own one as far as the shares of bad rows differ.
    """
    _, at = np.unique(groups.to_numpy(), return_inverse=True)
    rows, bad_rows = np.bincount(at), np.bincount(at[bads], minlength=int(at.max()) + 1)
    firsts = np.full(len(rows), len(places), dtype=np.int64)
    np.minimum.at(firsts, at, places)
    chance = np.random.default_rng(draw).permutation(len(places))[firsts]
    dealt = np.arange(len(rows)) % (2 * FOLDS)
    folds = np.empty(len(rows), dtype=np.int64)
    folds[np.lexsort((chance, -rows, -bad_rows))] = np.minimum(dealt, 2 * FOLDS - 1 - dealt)
    return folds[at]


def _regressed(
    looked: Sequence[Looked], bads: Bads, places: Places, base: Base
) -> tuple[list[tuple[Looked, float]], list[LeftOut]]:
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


def _without_copies(looked: Sequence[Looked], base: Base) -> tuple[list[Looked], list[LeftOut]]:
    """Of columns whose weights are the same but for little, the one with most information."""
    order = sorted(looked, key=lambda each: -round(each.weights.information(base), 6))
    kept: list[Looked] = []
    left = []
    for each in order:
        if (copy := _copied(each, kept)) is None:
            kept.append(each)
        else:
            reason = f"it says what {copy.classes.feature} says"
            left.append(LeftOut(each.classes.feature, Why.NOTHING, reason))
    return kept, left


def _copied(one: Looked, others: Sequence[Looked]) -> Looked | None:
    centred = one.crosswise - one.crosswise.mean()
    for other in others:
        beside = other.crosswise - other.crosswise.mean()
        spread = np.sqrt((centred @ centred) * (beside @ beside))
        if spread > 0 and centred @ beside > SAME * spread:
            return other
    return None
