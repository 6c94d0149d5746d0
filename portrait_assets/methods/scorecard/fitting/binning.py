"""Classes of a column pooled into bins whose bad rates are monotone, and their weight of evidence.

The order of a column is that of its values, or, of categories, that of their bad rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from portrait_assets.core.arrays import Floats

Counts = npt.NDArray[np.int64]
Group = tuple[int, ...]

RISING, FALLING = 1, -1
"""Whether the bad rate rises or falls with the values."""


@dataclass(frozen=True)
class Base:
    """All rows that are fitted to, and how many rows' worth of their bad rate each bin is given.

    So many rows of the base rate are added to each bin before its rate is taken: an empty bin is
    neutral, a bin without a bad row has no infinite weight (B. Cestnik 1990, "Estimating
    probabilities: a crucial task in machine learning").
    """

    rows: int
    bads: int
    smoothing: float

    def rate(self, rows: npt.ArrayLike, bads: npt.ArrayLike) -> Floats:
        """Smoothed bad rates of bins."""
        added = self.smoothing * self.bads / self.rows
        return np.asarray((np.asarray(bads) + added) / (np.asarray(rows) + self.smoothing))

    def woe(self, rows: npt.ArrayLike, bads: npt.ArrayLike) -> Floats:
        """Weight of evidence of bins: the logarithm of good to bad over that of all rows.

        Above 0 where fewer rows than usual are bad (I. Good 1950, "Probability and the Weighing
        of Evidence"), from smoothed rates.
        """
        rate = self.rate(rows, bads)
        return np.asarray(np.log((1 - rate) / rate) - np.log(self.rows / self.bads - 1))


class Pooled(NamedTuple):
    """Bins in the order of their classes, and the direction of their bad rates."""

    groups: tuple[Group, ...]
    direction: int


def tree_cuts(rows: Counts, bads: Counts, most: int, least: float) -> list[int]:
    """After which of the ordered classes a tree on their place cuts them.

    The leaf whose best cut takes away most entropy is cut next (L. Breiman and others 1984,
    "Classification and Regression Trees"), as scikit-learn's trees do, without what it takes to
    prepare a fit of a hundred rows. Of equal cuts it is the first. Between classes it is in the
    middle, where those that lie there have no rows.

    Args:
        rows: by class.
        bads: by class.
        most: bins at most.
        least: least share of the rows that a bin has.
    """
    present = np.flatnonzero(rows)
    if most < 2 or not len(present):
        return []
    # How many there are, and how many are bad, before each of the classes that have rows.
    before = np.array([np.append(0, np.cumsum(each[present])) for each in (rows, bads)])
    leaves = [_Leaf.of(before, 0, len(present), least)]
    cuts: list[int] = []
    while len(leaves) < most:
        leaf = max(leaves, key=lambda each: each.gain)
        if leaf.at < 0:
            break
        leaves.remove(leaf)
        leaves += [
            _Leaf.of(before, leaf.start, leaf.at, least),
            _Leaf.of(before, leaf.at, leaf.end, least),
        ]
        cuts.append(leaf.at)
    return sorted(int(present[at - 1] + present[at]) // 2 for at in cuts)


class _Leaf(NamedTuple):
    """Classes from `start` to before `end`, and before which they are best cut, -1 for none."""

    start: int
    end: int
    at: int = -1
    gain: float = -1.0

    @classmethod
    def of(cls, before: Counts, start: int, end: int, least: float) -> _Leaf:
        """The leaf with its best cut, of parts of at least a share of all rows."""
        at = np.arange(start + 1, end)
        left, right = before[:, at] - before[:, [start]], before[:, [end]] - before[:, at]
        is_large = np.minimum(left[0], right[0]) >= least * before[0, -1]
        whole = _entropy(before[:, end] - before[:, start])
        if whole <= 0 or not is_large.any():
            return cls(start, end)
        # Equal cuts differ in the last digits of their sums.
        gains = np.round(whole - _entropy(left) - _entropy(right), 9)[is_large]
        best = int(gains.argmax())
        return cls(start, end, int(at[is_large][best]), float(gains[best]))


def _entropy(counts: Counts) -> Floats:
    """Entropy of rows and bad rows, in nats, for all rows together."""
    rows, bads = counts
    return np.asarray(xlogy(rows, rows) - xlogy(bads, bads) - xlogy(rows - bads, rows - bads))


def quantile_cuts(rows: Counts, most: int) -> list[int]:
    """After which of the ordered classes they are cut into bins of about as many rows."""
    reached = np.cumsum(rows)
    wanted = reached[-1] * np.arange(1, most) / most
    after = np.searchsorted(reached, wanted, side="left")
    return sorted({int(at) for at in after if at < len(rows) - 1})


def pool(
    rows: Counts, bads: Counts, cuts: Sequence[int], base: Base, direction: int | None = None
) -> Pooled:
    """Adjacent bins pooled until their bad rates rise, or fall, from each to the next.

    Pool-adjacent-violators (M. Ayer and others 1955, "An empirical distribution function for
    sampling with incomplete information"), of the rates and of the smoothed rates alike. Without
    a direction it is that of the greater likelihood, and rising when both are alike.

    Args:
        rows: by class, in order.
        bads: by class.
        cuts: after which classes a bin ends before pooling.
        base: all rows.
        direction: RISING or FALLING.
    """
    directions = (RISING, FALLING) if direction is None else (direction,)
    pooled = [Pooled(_pooled(rows, bads, cuts, base, each), each) for each in directions]
    return max(pooled, key=lambda each: round(_likelihood(rows, bads, each.groups, base), 9))


def _pooled(
    rows: Counts, bads: Counts, cuts: Sequence[int], base: Base, direction: int
) -> tuple[Group, ...]:
    ends = [*cuts, len(rows) - 1]
    starts = [0, *(cut + 1 for cut in cuts)]
    stack: list[tuple[int, int, int, int]] = []
    for start, end in zip(starts, ends, strict=True):
        here = (start, end, int(rows[start : end + 1].sum()), int(bads[start : end + 1].sum()))
        while stack and not _in_order(stack[-1][2:], here[2:], base, direction):
            before = stack.pop()
            here = (before[0], here[1], before[2] + here[2], before[3] + here[3])
        stack.append(here)
    return tuple(tuple(range(start, end + 1)) for start, end, _, _ in stack)


def _in_order(one: tuple[int, ...], other: tuple[int, ...], base: Base, direction: int) -> bool:
    if not one[0] or not other[0]:
        return False
    raw = other[1] * one[0] - one[1] * other[0]
    smoothed = float(base.rate(*other) - base.rate(*one))
    return direction * raw > 0 and direction * smoothed > 1e-12


def _likelihood(rows: Counts, bads: Counts, groups: Sequence[Group], base: Base) -> float:
    n, b = (np.array([values[list(each)].sum() for each in groups]) for values in (rows, bads))
    rate = base.rate(n, b)
    return float((b * np.log(rate) + (n - b) * np.log(1 - rate)).sum())
