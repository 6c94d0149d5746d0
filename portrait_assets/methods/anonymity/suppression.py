"""Suppression of cells (单元抑制) until every combination of shown values is that of k rows.

All rows begin as one class with every cell suppressed. Then classes are split from the top down,
as Mondrian does (LeFevre et al., Mondrian multidimensional k-anonymity, ICDE 2006): each time by
the column that takes the most information loss off, counted by the normalised certainty penalty. A
value that at least k rows of the class have becomes a class of its own, in which it is shown; the
rows with rarer values stay behind together, with the cell as it was. Where fewer than k would stay
behind, just so many rows of the most frequent value stay with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from portrait_assets.methods.anonymity.hierarchy import Codes, Hierarchy

Integers = NDArray[np.int64]
NOTHING = -1
"""The code of a cell that shows nothing."""


@dataclass(frozen=True)
class Shown:
    """What each cell shows: codes of labels by row and column, and the level from 1; 0 is none."""

    codes: Codes
    levels: NDArray[np.int8]


def suppress(hierarchies: Sequence[Hierarchy], k: int, stand_for: Integers | None = None) -> Shown:
    """Show as much of each column as k rows share, at the levels that its hierarchy has.

    Rows that are equal in all columns may come to show different cells, where some of them stay
    with rarer ones; which of them follows from their order.

    Args:
        hierarchies: one per column, with equally many rows.
        k: the fewest rows that a combination of shown values may be of. Null is a value too.
        stand_for: how many equal rows each row stands for, for an estimate: no rows then stay with
            rarer ones, so that combinations of fewer than k rows are left.

    Returns:
        The cells, in the order of the rows. With fewer than k rows none shows anything.
    """
    rows = len(hierarchies[0].values)
    shape = (rows, len(hierarchies))
    shown = Shown(np.full(shape, NOTHING, np.int32), np.zeros(shape, np.int8))
    if (rows if stand_for is None else int(stand_for.sum())) < k:
        return shown
    # By contents, so that which rows stay with rarer ones does not depend on their order.
    by_content = np.lexsort([each.values for each in reversed(hierarchies)])
    columns = [_Column.of(each.with_rows(by_content), k) for each in hierarchies]
    weights = None if stand_for is None else stand_for[by_content]
    state = _State.first(by_content, len(columns), weights)
    while state.rows.size:
        splits = [column.split(at, state) for at, column in enumerate(columns)]
        gains = np.stack([split.gains for split in splits])
        chosen = np.where(gains.max(axis=0) > 0, gains.argmax(axis=0), NOTHING)
        done = chosen[state.classes] == NOTHING
        shown.codes[state.rows[done]] = state.codes[state.classes[done]]
        shown.levels[state.rows[done]] = state.levels[state.classes[done]]
        state = state.after(splits, chosen)
    return shown


@dataclass(frozen=True)
class _State:
    """The classes that may still be split.

    `rows` are numbers of rows, sorted by contents and `at` their places in that order; `classes`
    has the class of each and `weights` how many rows it stands for, None for one. By class and
    column, `codes` is what is shown, `levels` at which level, and `is_open` whether the column may
    still be split.
    """

    rows: Integers
    at: Integers
    classes: Integers
    codes: Codes
    levels: NDArray[np.int8]
    is_open: NDArray[np.bool_]
    weights: Integers | None

    @classmethod
    def first(cls, rows: Integers, columns: int, weights: Integers | None) -> _State:
        one = (1, columns)
        return cls(
            rows,
            np.arange(len(rows)),
            np.zeros(len(rows), np.int64),
            np.full(one, NOTHING, np.int32),
            np.zeros(one, np.int8),
            np.ones(one, np.bool_),
            weights,
        )

    def after(self, splits: Sequence[_Split], chosen: Integers) -> _State:
        """The classes after each was split by its chosen column; those without one are left out."""
        codes = np.full(len(self.rows), NOTHING, np.int32)
        of_row = chosen[self.classes]
        for at, split in enumerate(splits):
            own = np.flatnonzero(of_row == at)
            codes[own] = split.moved(own, self.classes)
        kept = np.flatnonzero(of_row != NOTHING)
        most = int(codes.max(initial=0)) + 2
        keys, classes = np.unique(self.classes[kept] * most + codes[kept] + 1, return_inverse=True)
        parents, moved_to = keys // most, (keys % most - 1).astype(np.int32)
        state = _State(
            self.rows[kept],
            self.at[kept],
            classes.astype(np.int64),
            self.codes[parents],
            self.levels[parents],
            self.is_open[parents],
            None if self.weights is None else self.weights[kept],
        )
        moved = np.flatnonzero(moved_to != NOTHING)
        stayed = np.flatnonzero(moved_to == NOTHING)
        column = chosen[parents]
        state.codes[moved, column[moved]] = moved_to[moved]
        state.levels[moved, column[moved]] += 1
        state.is_open[stayed, column[stayed]] = False
        return state


@dataclass(frozen=True)
class _Split:
    """What a column would make of each class.

    `gains` is by class; `next_codes` by row. Values that become classes of their own are listed
    as `children`, class * size + code, sorted; from `donors`, sorted likewise, `given` rows stay.
    """

    gains: NDArray[np.float64]
    next_codes: Codes
    size: int
    children: Integers
    donors: Integers
    given: Integers

    def moved(self, rows: Integers, classes: Integers) -> Codes:
        """The codes that these rows then show; NOTHING for a row that stays behind."""
        codes = self.next_codes[rows].copy()
        keys = np.where(codes == NOTHING, NOTHING, classes[rows] * self.size + codes)
        codes[~_are_in(keys, self.children)] = NOTHING
        giving = np.flatnonzero(_are_in(keys, self.donors))
        if giving.size:
            order = giving[np.argsort(keys[giving], kind="stable")]
            donor = np.searchsorted(self.donors, keys[order])
            starts = np.searchsorted(keys[order], self.donors)
            codes[order[np.arange(len(order)) - starts[donor] < self.given[donor]]] = NOTHING
        return codes


@dataclass(frozen=True)
class _Column:
    """A column's values, and by level from 0 and value its codes and losses; the last is null."""

    values: Codes = field(repr=False)
    codes: Codes
    losses: NDArray[np.float64]
    k: int

    @classmethod
    def of(cls, hierarchy: Hierarchy, k: int) -> _Column:
        levels = hierarchy.levels
        values = len(levels[0].codes) if levels else int(hierarchy.values.max(initial=-1)) + 1
        codes = np.full((len(levels) + 1, values + 1), NOTHING, np.int32)
        losses = np.ones((len(levels) + 1, values + 1))
        losses[:, values] = 0.0
        for at, level in enumerate(levels, start=1):
            codes[at, :values], losses[at, :values] = level.codes, level.losses
        return cls(hierarchy.values, codes, losses, k)

    def split(self, column: int, state: _State) -> _Split:
        """What showing the column's next level would make of each class."""
        total = len(state.codes)
        values, levels = self.values[state.at], state.levels[:, column]
        may = state.is_open[:, column] & (levels + 1 < len(self.codes))
        size = int(self.codes.max(initial=0)) + 1
        level = np.where(may, levels + 1, 0)[state.classes]
        next_codes = self.codes[level, values]
        stays = (next_codes == NOTHING) | (next_codes == state.codes[:, column][state.classes])
        can = np.flatnonzero(~stays)
        weights = state.weights
        keys, first, counts = _counted(
            state.classes[can] * size + next_codes[can],
            total * size,
            None if weights is None else weights[can],
        )
        classes = keys // size
        at = can[first]
        before = self.losses[level[at] - 1, values[at]]
        is_child = counts >= self.k
        pool = _sums(state.classes, total, weights)
        pool -= _sums(classes[is_child], total, counts[is_child])
        lacking = np.where((pool > 0) & (pool < self.k), self.k - pool, 0)
        donors, given = self._donors(classes, counts, is_child, lacking)
        kept = counts.astype(np.float64)
        kept[donors] -= given
        gains = np.bincount(
            classes[is_child],
            weights=(kept * (before - self.losses[level[at], values[at]]))[is_child],
            minlength=total,
        ).astype(np.float64)
        if weights is not None:
            donors = donors[:0]
        return _Split(gains, next_codes, size, keys[is_child], keys[donors], given)

    def _donors(
        self, classes: Integers, counts: Integers, is_child: NDArray[np.bool_], lacking: Integers
    ) -> tuple[Integers, Integers]:
        """The values of which rows stay behind, and how many.

        Where even the most frequent cannot spare them, all rows of the rarest stay; it is no child
        then.
        """
        able = np.flatnonzero(is_child & (lacking[classes] > 0))
        by_size = able[np.lexsort([counts[able], classes[able]])]
        differs = np.diff(classes[by_size]) != 0
        one = np.ones(min(1, len(able)), np.bool_)
        largest = by_size[np.append(differs, one)]
        smallest = by_size[np.append(one, differs)]
        spares = counts[largest] - lacking[classes[largest]] >= self.k
        is_child[smallest[~spares]] = False
        donors = largest[spares]
        return donors, lacking[classes[donors]]


def _sums(classes: Integers, total: int, weights: Integers | None) -> Integers:
    return np.bincount(classes, weights, minlength=total).astype(np.int64)


def _counted(
    keys: Integers, size: int, weights: Integers | None
) -> tuple[Integers, Integers, Integers]:
    """The different keys in order, where one of each stands, and how many rows each is of."""
    if size > 4 * len(keys) + 1_000_000:
        found, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return found, first, _sums(inverse, len(found), weights)
    counts = _sums(keys, size, weights)
    found = np.flatnonzero(counts)
    at = np.empty(size, np.int64)
    at[keys] = np.arange(len(keys))
    return found, at[found], counts[found]


def _are_in(keys: Integers, among: Integers) -> NDArray[np.bool_]:
    if not among.size:
        return np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    found: NDArray[np.bool_] = among[at] == keys
    return found
