"""Baskets with their items in numbers, and in how many of them two items are together.

Pairs are counted in arrays and not in rows of a table: there are many times as many of them as
items, and nothing is asked of most of them but that they are too few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Indexes

Numbers = npt.NDArray[np.integer]

NOTHING = -1
"""In the place of an item that is counted in no pair."""
MOST_ITEMS = 2_000
"""Items among which pairs are counted: an array has as many entries as its square."""
CHUNK_PAIRS = 2_000_000
"""Pairs of rows that stand in memory at once, 16 bytes each."""


@dataclass(frozen=True)
class Baskets:
    """A row for each item of a basket, those of one basket in a sequence and rising by item.

    All have shape (rows,) and numbers from 0; `item` may be NOTHING.
    """

    basket: Numbers
    item: Numbers
    customer: Numbers
    group: Numbers

    def pairs(self) -> Iterator[tuple[Indexes, Indexes]]:
        """The rows of each two items that are in one basket, so many at a time, smaller item first.

        Each of a pair has shape (pairs,), and numbers the rows with an item.
        """
        rows = len(self._listed.basket)
        later = self._ends - np.arange(rows) - 1
        parts = (np.cumsum(later) - 1) // CHUNK_PAIRS
        starts = np.searchsorted(parts, np.arange(parts.max(initial=-1) + 2))
        for start, stop in pairwise(starts):
            count = later[start:stop]
            first = np.repeat(np.arange(start, stop), count)
            place = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
            yield first, first + 1 + place

    def counted(self, groups: int) -> Indexes:
        """Number of baskets by group, shape (groups,)."""
        is_first = np.diff(self.basket, prepend=NOTHING) != 0
        return np.bincount(self.group[is_first], minlength=groups)

    def with_item(self, items: int, groups: int) -> Indexes:
        """Number of baskets by item and group, shape (items, groups)."""
        own = self._listed
        return _counted(own.item, own.group, (items, groups))

    def with_both(self, place: Indexes, groups: int) -> Indexes:
        """Number of baskets by pair and group, shape (pairs, groups).

        Args:
            place: shape (items, items), by smaller and greater item the pair's place or NOTHING.
            groups: number of groups.
        """
        own, pairs = self._listed, int(place.max(initial=NOTHING)) + 1
        found = np.zeros((pairs, groups), dtype=np.int64)
        for first, second in self.pairs():
            at = place[own.item[first], own.item[second]]
            is_pair = at != NOTHING
            found += _counted(at[is_pair], own.group[first[is_pair]], (pairs, groups))
        return found

    def together(self, items: int) -> Indexes:
        """Number of baskets with both, by smaller and greater item: shape (items, items)."""
        own = self._listed
        found = np.zeros((items, items), dtype=np.int64)
        for first, second in self.pairs():
            found += _counted(own.item[first], own.item[second], (items, items))
        return found

    def customers(self, place: Indexes) -> Indexes:
        """Number of customers with a basket that has both, by pair; `place` as of `with_both`."""
        own, pairs = self._listed, int(place.max(initial=NOTHING)) + 1
        most = int(own.customer.max(initial=0)) + 1
        found = [np.zeros(0, dtype=np.int64)]
        for first, second in self.pairs():
            at = place[own.item[first], own.item[second]]
            is_pair = at != NOTHING
            # A customer's baskets may lie in several parts.
            found.append(_distinct(at[is_pair] * most + own.customer[first[is_pair]]))
        pair = _distinct(np.concatenate(found)) // most
        return np.bincount(pair, minlength=pairs)

    @cached_property
    def _listed(self) -> Baskets:
        """The rows with an item."""
        has = self.item != NOTHING
        return Baskets(self.basket[has], self.item[has], self.customer[has], self.group[has])

    @cached_property
    def _ends(self) -> Indexes:
        """For each row with an item the number of the row after its basket's last."""
        basket = self._listed.basket
        is_last = np.diff(basket, append=NOTHING) != 0
        lasts = np.flatnonzero(is_last)
        found: Indexes = lasts[np.cumsum(is_last) - is_last] + 1
        return found


def _distinct(numbers: Indexes) -> Indexes:
    """Each number from 0 once; `numpy.unique` of 2.4 takes a hundred times as long for some."""
    ordered = np.sort(numbers)
    found: Indexes = ordered[np.diff(ordered, prepend=NOTHING) != 0]
    return found


def _counted(one: Numbers, other: Numbers, shape: tuple[int, int]) -> Indexes:
    """How often each two numbers stand in one place."""
    place = one.astype(np.int64) * shape[1] + other
    return np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
