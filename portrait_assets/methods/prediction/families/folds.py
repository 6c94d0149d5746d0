"""Rows to learn from and rows to judge by, within the rows that a model is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.prediction.families.parameters import Parameters

UNSEEN_SHARE = 0.2
STRATA = 10
"""Parts of the numbers' order that each fold has its share of."""


class Fold(NamedTuple):
    """Places of rows to learn from, and of rows that are not seen then."""

    learned: Indexes
    unseen: Indexes


def folds_by_time(order: Indexes, rng: np.random.Generator) -> Fold:
    """The newest moments that hold a fifth of the rows are not seen; places come in random order.

    Args:
        order: the moment of each row, such as the month; with two different ones at least, of
            which the oldest is always learned from.
        rng: the source of the order.
    """
    moments, counts = np.unique(order, return_counts=True)
    newest = np.cumsum(counts[::-1])[::-1] >= UNSEEN_SHARE * len(order)
    first = moments[max(int(np.flatnonzero(newest)[-1]), 1)]
    places = rng.permutation(len(order))
    is_unseen = order[places] >= first
    return Fold(places[~is_unseen], places[is_unseen])


def folds_by_lot(strata: Indexes, parts: int, rng: np.random.Generator) -> Sequence[Fold]:
    """Every row is unseen once; each part has its share of every stratum.

    Args:
        strata: numbers from 0, such as the outcome, so that no part is without one.
        parts: how many.
        rng: the source of the lot.
    """
    shuffled = rng.permutation(len(strata))
    by_stratum = shuffled[np.argsort(strata[shuffled], kind="stable")]
    part = np.empty(len(strata), dtype=np.int64)
    part[by_stratum] = np.arange(len(strata)) % parts
    found = []
    for at in range(parts):
        is_unseen = part[shuffled] == at
        found.append(Fold(shuffled[~is_unseen], shuffled[is_unseen]))
    return found


def trial_folds(
    outcome: Floats,
    order: npt.NDArray[np.generic] | None,
    is_logistic: bool,
    parameters: Parameters,
    seed: int,
) -> Sequence[Fold]:
    """Where settings are chosen: on the newest moments, or on parts by lot.

    Args:
        outcome: 0 and 1, or numbers, shape (rows,).
        order: the moment of each row; None where there is no order.
        is_logistic: whether it is 0 and 1.
        parameters: how many rows are learned from, and judged by, at most.
        seed: of the lot.
    """
    most = parameters.trial_rows
    # Places are in random order, so that the first of them are a sample.
    return [
        Fold(learned[:most], unseen[:most])
        for learned, unseen in _all_folds(outcome, order, is_logistic, parameters, seed)
    ]


def _all_folds(
    outcome: Floats,
    order: npt.NDArray[np.generic] | None,
    is_logistic: bool,
    parameters: Parameters,
    seed: int,
) -> Sequence[Fold]:
    rng = np.random.default_rng(seed)
    if order is not None:
        moments = np.unique(np.asarray(order), return_inverse=True)[1].astype(np.int64)
        fold = folds_by_time(moments, rng)
        if all(_is_enough(outcome[side], is_logistic, parameters) for side in fold):
            return [fold]
    strata = outcome.astype(np.int64)
    if not is_logistic:
        ranks = np.argsort(np.argsort(outcome, kind="stable"), kind="stable")
        strata = ranks * STRATA // len(ranks)
    folds = folds_by_lot(strata, parameters.folds, rng)
    is_large = len(strata) >= parameters.one_split_from
    return folds[:1] if is_large else folds


def _is_enough(outcome: Floats, is_logistic: bool, parameters: Parameters) -> bool:
    """Whether one side of a split by time has enough of either outcome."""
    least = parameters.least_events
    if len(outcome) < 2 * least:
        return False
    events = outcome.sum()
    return not is_logistic or least <= events <= len(outcome) - least
