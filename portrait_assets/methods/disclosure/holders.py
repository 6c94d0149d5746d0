"""Whose rows something rests on: what rests on few customers would be about one who is erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Bools, Indexes
from portrait_assets.core.cells import SMALLEST_CELL, rows_of_enough

Names = npt.NDArray[np.generic]
Group = tuple[int, ...]
"""Classes that count as one."""


@dataclass(frozen=True)
class Holders:
    """Whose each row is, as a number from 0, shape (rows,); its own where `of` is None."""

    of: Indexes | None = None
    smallest: int = SMALLEST_CELL

    @cached_property
    def enough(self) -> int:
        """So many rows are of `smallest` holders at least, whichever they are."""
        if self.of is None or not len(self.of):
            return self.smallest
        return rows_of_enough(int(np.bincount(self.of).max()), self.smallest)

    def taken(self, rows: Indexes) -> Holders:
        """The holders of some of the rows."""
        return replace(self, of=None if self.of is None else self.of[rows])

    def are_few_of(self, rows: int) -> bool:
        """Whether all so many rows together are of few."""
        return rows == 0 or bool(self.are_few(np.zeros(rows, dtype=np.int64), 1)[0])

    def are_few(self, places: Indexes, count: int) -> Bools:
        """Whether fewer than `smallest` holders have a row at a place, and at least one has.

        Args:
            places: from 0, of each row.
            count: how many places there are.

        Returns:
            Of each place, shape (count,).
        """
        rows = np.bincount(places, minlength=count)
        few = np.asarray((rows > 0) & (rows < self.enough))
        if self.of is None or not few.any():
            return few
        # Only of these it is worth to count who has them.
        suspect = few[places]
        size = int(self.of.max()) + 1
        pairs = np.unique(places[suspect] * size + self.of[suspect])
        holders = np.bincount(pairs // size, minlength=count)
        return np.asarray(few & (holders < self.smallest))


EVERY_ROW = Holders()
"""Each row is of another."""


def few_of(at: Indexes, groups: Sequence[Group], count: int, holders: Holders) -> Bools:
    """Of each group of classes, whether few have it; arguments as of `together`."""
    group_of = np.full(count, len(groups), dtype=np.int64)
    for place, group in enumerate(groups):
        group_of[list(group)] = place
    return holders.are_few(group_of[at], len(groups) + 1)[:-1]


def together(
    at: Indexes, groups: Sequence[Group], count: int, holders: Holders
) -> tuple[Group, ...]:
    """Groups in order, each of few together with the one before it, the first with the next.

    Args:
        at: the class of each row, of so many as `count`.
        groups: of classes.
        count: how many classes there are.
        holders: of the rows.
    """
    groups = tuple(groups)
    while len(groups) > 1 and (few := few_of(at, groups, count, holders)).any():
        place = max(int(np.argmax(few)), 1)
        both = groups[place - 1] + groups[place]
        groups = (*groups[: place - 1], both, *groups[place + 1 :])
    return groups


def apart(at: Indexes, count: int, holders: Holders) -> tuple[Group, ...]:
    """`together` of so many classes, each by itself where enough have it."""
    return together(at, tuple((place,) for place in range(count)), count, holders)


def codes_of(column: pl.Series) -> Indexes:
    """The values as numbers from 0, in their order."""
    # A fifth of the time that numpy takes to sort texts.
    return column.rank("dense").to_numpy().astype(np.int64) - 1


def names_in(frame: pl.DataFrame) -> Indexes | None:
    """Whose each row of a frame is; None where it does not name them, and each is its own."""
    return codes_of(frame["customer_id"]) if "customer_id" in frame.columns else None


def holders_of(groups: Names | None) -> Holders:
    """The holders of rows by any names of them; every row is its own when None."""
    return EVERY_ROW if groups is None else Holders(codes_of(pl.Series(groups)))
