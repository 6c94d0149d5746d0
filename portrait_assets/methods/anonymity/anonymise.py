"""k-anonymity (k-匿名): every combination of quasi-identifiers is had by at least k rows.

Sweeney (k-anonymity: a model for protecting privacy, 2002). As statistical offices do, each column
is generalised in one way for all rows and then single cells are suppressed, never rows (Hundepool
et al., Statistical Disclosure Control, 2012, section 3.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import polars as pl
from numpy.typing import NDArray

from portrait_assets.methods.anonymity.hierarchy import (
    AS_RECORDED,
    Hierarchy,
    QuasiIdentifier,
    hierarchy_of,
)
from portrait_assets.methods.anonymity.suppression import NOTHING, Shown, suppress

K = 10
"""The fewest persons of a combination of quasi-identifiers, where nothing else is asked for."""
SUPPRESSED = "suppressed"
"""The level of a column that shows nothing in any row."""
_MOST_KEYS = 2**62


class NotAnonymousError(AssertionError):
    """A result that is not k-anonymous: a mistake of this package, on which nothing is written."""


@dataclass(frozen=True)
class ColumnLoss:
    """What was taken off a column.

    `level` is how all its cells are shown that are not suppressed: `as recorded`, `8 bands`, `the 4
    most frequent and other`, `suppressed`. Cells add up to the rows: `unknown` were null before.
    """

    column: str
    level: str
    unknown: int
    as_recorded: int
    generalised: int
    suppressed: int


@dataclass(frozen=True)
class Anonymous:
    """A table of which every combination of values is had by at least k rows.

    `rows` has the columns in their order and the rows in theirs. What is generalised is text.
    `loss` is the mean normalised certainty penalty of the cells that were not null, 0 to 1.
    """

    rows: pl.DataFrame
    columns: tuple[ColumnLoss, ...]
    loss: float
    classes: int
    smallest_class: int

    @property
    def average_class(self) -> float:
        """Rows / classes."""
        return self.rows.height / max(self.classes, 1)


def anonymise(
    table: pl.DataFrame, quasi_identifiers: Sequence[QuasiIdentifier], k: int
) -> Anonymous:
    """Generalise columns and suppress cells until every combination is had by at least k rows.

    The levels are those with the least normalised certainty penalty that a search finds: it begins
    at the levels that would suit the cells best if each had its own, and moves one column by one
    level as long as that helps. Equal rows give equal contents, in whatever order they come.

    Args:
        table: a row per person.
        quasi_identifiers: columns of the table.
        k: the fewest rows of a combination, at least 1. Of fewer than k rows no cell is shown.

    Raises:
        NotAnonymousError: when the result is not k-anonymous.
    """
    if not quasi_identifiers or table.is_empty():
        classes = min(table.height, 1)
        rows = table.select(each.name for each in quasi_identifiers)
        empty = tuple(ColumnLoss(each.name, AS_RECORDED, 0, 0, 0, 0) for each in quasi_identifiers)
        return Anonymous(rows, empty, 0.0, classes, table.height)
    hierarchies = [hierarchy_of(table[each.name], each.order) for each in quasi_identifiers]
    levels = _levels(hierarchies, k)
    uniform = [each.only(level) for each, level in zip(hierarchies, levels, strict=True)]
    shown = suppress(uniform, k)
    columns = [
        _column(table[each.column], each, shown.codes[:, at]) for at, each in enumerate(uniform)
    ]
    rows = pl.DataFrame(columns)
    sizes = class_sizes(rows)
    if table.height >= k and sizes.min() < k:
        raise NotAnonymousError(f"A combination is had by {sizes.min()} rows, fewer than {k}.")
    return Anonymous(
        rows,
        tuple(_loss_of(each, shown.codes[:, at]) for at, each in enumerate(uniform)),
        _penalty(uniform, shown),
        len(sizes),
        int(sizes.min()),
    )


def class_sizes(table: pl.DataFrame) -> NDArray[np.int64]:
    """How many rows have each combination of values that occurs; null is a value like others."""
    return table.group_by(table.columns).len()["len"].to_numpy().astype(np.int64)


def _levels(hierarchies: Sequence[Hierarchy], k: int) -> tuple[int, ...]:
    """The level of each column, from 1, and 0 for one that is not shown at all."""
    best = tuple(_suiting(hierarchies, suppress(hierarchies, k)))
    least, waits = estimated_penalty(hierarchies, best, k), 0
    for at, step in _steps(len(best)):
        level = best[at] + step
        if waits == 2 * len(best):  # Each step was tried since the last one that helped.
            break
        waits += 1
        if 0 <= level <= len(hierarchies[at].levels):
            near = (*best[:at], level, *best[at + 1 :])
            penalty = estimated_penalty(hierarchies, near, k)
            if penalty < least:
                best, least, waits = near, penalty, 0
    return best


def _steps(columns: int) -> Iterator[tuple[int, int]]:
    """Each column a level finer and a level coarser, over and over."""
    return cycle((at, step) for at in range(columns) for step in (1, -1))


def _suiting(hierarchies: Sequence[Hierarchy], shown: Shown) -> Iterator[int]:
    """The level per column at which least is lost if cells that are coarser are suppressed."""
    for at, each in enumerate(hierarchies):
        known = each.values >= 0
        values, reached = each.values[known], shown.levels[known, at]
        losses = [float(len(values))]
        for number, level in enumerate(each.levels, start=1):
            fine = reached >= number
            losses.append(float(level.losses[values[fine]].sum()) + int((~fine).sum()))
        yield int(np.argmin(losses))


def estimated_penalty(hierarchies: Sequence[Hierarchy], levels: Sequence[int], k: int) -> float:
    """About what the penalty is at these levels, from the combinations and not from all rows."""
    uniform = [each.only(level) for each, level in zip(hierarchies, levels, strict=True)]
    keys = np.zeros(len(hierarchies[0].values), np.int64)
    combinations = 1
    for each in uniform:
        own = len(each.labels) + 2
        if combinations > _MOST_KEYS // own:
            found, keys = np.unique(keys, return_inverse=True)
            combinations = len(found)
        keys = keys * own + _alike_in_penalty(each)
        combinations *= own
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    grouped = [each.with_rows(first) for each in uniform]
    return _penalty(grouped, suppress(grouped, k, counts), counts)


def _alike_in_penalty(uniform: Hierarchy) -> NDArray[np.int64]:
    """A number per row, 0 for null and 1 for a value that is not shown."""
    if not uniform.levels:
        return (uniform.values >= 0).astype(np.int64)
    return np.append(uniform.levels[0].codes + 2, 0).astype(np.int64)[uniform.values]


def _penalty(
    uniform: Sequence[Hierarchy], shown: Shown, stand_for: NDArray[np.int64] | None = None
) -> float:
    """Mean normalised certainty penalty of the cells that were not null."""
    lost = cells = 0.0
    for at, each in enumerate(uniform):
        weights = np.ones(len(each.values)) if stand_for is None else stand_for
        known = each.values >= 0
        losses = np.append(each.levels[0].losses, 0.0)[each.values] if each.levels else known
        cells += float(weights[known].sum())
        is_shown = shown.codes[:, at] != NOTHING
        lost += float((weights * np.where(is_shown, losses, known)).sum())
    return lost / max(cells, 1.0)


def _column(column: pl.Series, uniform: Hierarchy, codes: NDArray[np.int32]) -> pl.Series:
    """The cells as they are shown: values of the column's type as recorded, or labels as text."""
    is_shown = pl.Series(codes != NOTHING)
    if not uniform.levels or uniform.levels[0].is_as_recorded:
        cells = _alike(column)
    else:
        labels = pl.Series(uniform.labels, dtype=pl.String)
        cells = labels.gather(pl.Series(np.maximum(codes, 0)))
    return pl.select(pl.when(is_shown).then(cells).alias(column.name)).to_series()


def _alike(column: pl.Series) -> pl.Series:
    """The column with equal values written in one way: lists sorted, and no negative zero."""
    if column.dtype.base_type() == pl.List:
        return column.list.sort()
    return column + 0.0 if column.dtype.is_float() else column


def _loss_of(uniform: Hierarchy, codes: NDArray[np.int32]) -> ColumnLoss:
    known = uniform.values >= 0
    is_shown = int((codes != NOTHING).sum())
    level = uniform.levels[0] if uniform.levels else None
    alone = 0
    if level is not None:
        counted = np.bincount(codes[codes != NOTHING], minlength=len(uniform.labels))
        alone = int(counted[np.unique(level.codes[level.losses == 0])].sum())
    return ColumnLoss(
        uniform.column,
        level.name if level else SUPPRESSED if known.any() else AS_RECORDED,
        int((~known).sum()),
        alone,
        is_shown - alone,
        int(known.sum()) - is_shown,
    )
