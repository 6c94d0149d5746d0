"""The bins of a column and their weight of evidence, for all rows and crosswise.

The weight of a bin rests on its own rows, so that a column of chance seems to know something of
the rows that it was binned on. Crosswise a row's weight comes from bins of the other rows (D.
Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes"): a
column of chance then has no weight, and a regression on such weights gives it none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.disclosure.holders import Holders, few_of, together
from portrait_assets.methods.scorecard.columns import Form
from portrait_assets.methods.scorecard.fitting.binning import (
    RISING,
    Base,
    Counts,
    Group,
    pool,
    quantile_cuts,
    tree_cuts,
)
from portrait_assets.methods.scorecard.fitting.classes import Classes

Bads = npt.NDArray[np.bool_]
Folds = npt.NDArray[np.int64]


class Prebins(StrEnum):
    """How a column is cut before its bins are pooled."""

    TREE = "tree"
    QUANTILES = "quantiles"


@dataclass(frozen=True)
class BinRules:
    """How columns are binned: `most` bins of at least the `least` share of the ordered rows.

    `smoothing` is how many rows of the base rate are added to each bin (`Base`).
    """

    prebins: Prebins = Prebins.TREE
    most: int = 8
    least: float = 0.02
    smoothing: float = 20.0


@dataclass(frozen=True)
class Weights:
    """The bins of a column as groups of its classes, and the weight of each class.

    The first `ordered` groups are of ordered classes. `direction` is that of the bad rate over
    numbers; that of text rises, as its categories are ordered by bad rate.
    """

    groups: tuple[Group, ...]
    ordered: int
    direction: int
    rows: Counts
    bads: Counts
    woe: Floats
    by_class: Floats = field(repr=False)

    @property
    def says_something(self) -> bool:
        """Whether two bins that have rows differ."""
        return int((self.rows > 0).sum()) > 1

    def information(self, base: Base) -> float:
        """Information value: the weights, summed by how much more good than bad rows they have.

        Below 0.02 it is taken for none (N. Siddiqi 2006, "Credit Risk Scorecards", chapter 6).
        """
        good = (self.rows - self.bads) / (base.rows - base.bads)
        return float(((good - self.bads / base.bads) * self.woe).sum())


def counts_of(classes: Classes, bads: Bads) -> tuple[Counts, Counts]:
    """Rows and bad rows by class."""
    rows = np.bincount(classes.at, minlength=classes.count)
    return rows, np.bincount(classes.at[bads], minlength=classes.count)


def weigh(
    classes: Classes,
    rows: Counts,
    bads: Counts,
    base: Base,
    rules: BinRules,
    direction: int | None,
    holders: Holders | None = None,
) -> Weights:
    """The bins of a column and their weights.

    With `holders` no bin is of few of them: it goes with a neighbour, and one without a neighbour
    counts as if nobody had it.

    Args:
        classes: the column's classes.
        rows: by class.
        bads: by class.
        base: all rows.
        rules: how to bin.
        direction: that of the bad rate over numbers, found where None.
        holders: of the rows that are counted; None where nothing of it is kept.
    """
    n, b = rows[: classes.ordered], bads[: classes.ordered]
    order = np.arange(classes.ordered)
    if classes.form is Form.TEXT:
        order, direction = np.argsort(base.rate(n, b), kind="stable"), RISING
    groups: tuple[Group, ...] = ()
    if classes.ordered:
        cuts = _cuts(n[order], b[order], rules)
        pooled = pool(n[order], b[order], cuts, base, direction)
        groups = tuple(tuple(int(at) for at in order[list(each)]) for each in pooled.groups)
        direction = pooled.direction
    if holders is not None:
        groups = together(classes.at, groups, classes.count, holders)
    ordered = len(groups)
    groups += tuple((at,) for at in range(classes.ordered, classes.count))
    of_rows, of_bads = (np.array([v[list(g)].sum() for g in groups]) for v in (rows, bads))
    if holders is not None:
        few = few_of(classes.at, groups, classes.count, holders)
        of_rows[few] = of_bads[few] = 0
    woe = np.round(base.woe(of_rows, of_bads), 9)
    by_class = np.empty(classes.count)
    for group, weight in zip(groups, woe, strict=True):
        by_class[list(group)] = weight
    return Weights(groups, ordered, direction or RISING, of_rows, of_bads, woe, by_class)


def crosswise(
    classes: Classes, bads: Bads, folds: Folds, rules: BinRules, direction: int | None
) -> Floats:
    """The weight of each row, from bins of the rows in the other folds."""
    count = int(folds.max()) + 1
    place, size = folds * classes.count + classes.at, count * classes.count
    cells = np.stack([np.bincount(each, minlength=size) for each in (place, place[bads])])
    cells = cells.reshape(2, count, classes.count)
    weights = np.empty(len(bads))
    for fold in range(count):
        rows, bad_rows = cells.sum(axis=1) - cells[:, fold]
        base = Base(int(rows.sum()), int(bad_rows.sum()), rules.smoothing)
        of_others = weigh(classes, rows, bad_rows, base, rules, direction)
        here = folds == fold
        weights[here] = of_others.by_class[classes.at[here]]
    return weights


def _cuts(rows: Counts, bads: Counts, rules: BinRules) -> list[int]:
    if rules.prebins is Prebins.QUANTILES:
        return quantile_cuts(rows, rules.most)
    return tree_cuts(rows, bads, rules.most, rules.least)
