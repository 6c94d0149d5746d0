"""Rows to learn from and rows to judge by, within the rows that a model is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from portrait_assets.core.arrays import Indexes

UNSEEN_SHARE = 0.2


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
