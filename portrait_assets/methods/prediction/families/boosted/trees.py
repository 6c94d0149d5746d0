"""Boosted trees, scored from the rows of their nodes alone.

Scoring is that of C. Lucchese and others (2015), "QuickScorer: a fast
algorithm to rank documents with additive ensembles of regression trees": a bit for every leaf, and
for every column of the design the leaves that its value leaves possible; the first that remains is
the row's. So each value is compared once, and not once for every node on a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.prediction.families.columns import Term
from portrait_assets.methods.prediction.rows import Row

Bits = npt.NDArray[np.uint64]

CHUNK = 8_192
"""Rows that are scored together: their codes stay in the processor's cache."""
ALL = np.uint64(2**64 - 1)


class Nodes(NamedTuple):
    """The nodes of all trees, one after another; each of shape (nodes,).

    `term` is the column of the design that a node splits, -1 of a leaf; `threshold` is infinite
    where all known values go left; `left` and `right` are numbers of nodes within the tree; `value`
    is what a leaf adds, 0 of other nodes; `rows` is how many a node was fitted on.
    """

    tree: Indexes
    node: Indexes
    term: Indexes
    threshold: Floats
    left: Indexes
    right: Indexes
    missing_left: npt.NDArray[np.bool_]
    value: Floats
    rows: Indexes


class _Tree(NamedTuple):
    """A tree as masks: for each of its columns the leaves that each code leaves possible."""

    columns: tuple[int, ...]
    masks: tuple[Bits, ...]
    leaves: Indexes
    """The nodes that are leaves, from left to right, as places in `Nodes`."""
    values: Floats


@dataclass(frozen=True)
class Trees:
    """A score that is `intercept` and the values of the leaves that a row falls into."""

    terms: tuple[Term, ...]
    nodes: Nodes
    intercept: float

    def margin(self, design: Floats) -> Floats:
        """The score of every row, shape (rows,)."""
        margin = np.full(len(design), self.intercept)
        for rows, tree, leaf in self._fallen(design):
            margin[rows] += tree.values[leaf]
        return margin

    @property
    def expected(self) -> float:
        """The mean score of the rows that it was fitted on."""
        roots = self.nodes.node == 0
        return float(self.intercept + self._means[roots].sum())

    def opposite(self) -> Trees:
        """The same score with the other sign."""
        nodes = self.nodes._replace(value=0.0 - self.nodes.value)
        return replace(self, nodes=nodes, intercept=0.0 - self.intercept)

    def contributions(self, design: Floats, groups: Sequence[int]) -> Floats:
        """What each group of columns adds to `expected`, shape (rows, groups).

        Along the path to a row's leaf every split moves the mean score of the rows that it was
        fitted on; the move is its column's (A. Saabas 2014, "Interpreting random forests"). The
        sum is exact. Unlike Shapley values (S. Lundberg and others 2020, "From local explanations
        to global understanding with explainable AI for trees") it does not average over the order
        of columns, so that of two columns that say the same the one that is split first counts.
        """
        count = max(groups, default=-1) + 1
        found = np.zeros((len(design), count))
        moves = self._moves(np.asarray(groups, dtype=np.int64), count)
        by_tree = {id(tree): moves[tree.leaves] for tree in self._trees}
        for rows, tree, leaf in self._fallen(design):
            found[rows] += by_tree[id(tree)][leaf]
        return found

    def to_rows(self) -> list[Row]:
        """The nodes, with the columns that they split."""
        rows = [Row("intercept", 0, value=self.intercept)]
        for tree, node, at, threshold, left, right, missing_left, value, count in zip(
            *(column.tolist() for column in self.nodes), strict=True
        ):
            if at < 0:
                rows.append(Row("node", node, value=value, tree=tree, rows=count))
                continue
            term = self.terms[at]
            known = threshold if np.isfinite(threshold) else None
            rows.append(
                Row(
                    "node",
                    node,
                    term.feature,
                    term.level,
                    term.kind,
                    tree=tree,
                    left=left,
                    right=right,
                    threshold=known,
                    missing_left=missing_left,
                    rows=count,
                )
            )
        return rows

    def leaf_of(self, design: Floats, trees: Indexes) -> dict[int, Indexes]:
        """By some of the trees, the leaf that every row falls into, as its place in `nodes`."""
        number = {id(tree): at for at, tree in enumerate(self._trees)}
        wanted = set(trees.tolist())
        found: dict[int, list[Indexes]] = {at: [] for at in wanted}
        for _, tree, leaf in self._fallen(design):
            if (at := number[id(tree)]) in wanted:
                found[at].append(tree.leaves[leaf])
        return {at: np.concatenate(parts) for at, parts in found.items()}

    def _fallen(self, design: Floats) -> Iterator[tuple[slice, _Tree, Indexes]]:
        """For some rows and a tree, which of its leaves each falls into."""
        for start in range(0, len(design), CHUNK):
            rows = slice(start, min(start + CHUNK, len(design)))
            codes = self._codes(design[rows])
            mask, other = (np.empty(rows.stop - start, dtype=np.uint64) for _ in range(2))
            for tree in self._trees:
                mask.fill(ALL)
                for column, table in zip(tree.columns, tree.masks, strict=True):
                    np.take(table, codes[column], out=other, mode="clip")
                    np.bitwise_and(mask, other, out=mask)
                first = (mask & (~mask + np.uint64(1))).astype(np.float64)
                yield rows, tree, (first.view(np.int64) >> 52) - 1023

    def _codes(self, design: Floats) -> dict[int, Indexes]:
        """By column, how many of its thresholds lie below a value; one more than all if missing."""
        codes = {}
        for at, thresholds in self._thresholds.items():
            values = np.ascontiguousarray(design[:, at])
            code = np.searchsorted(thresholds, values, side="left")
            code[np.isnan(values)] = len(thresholds) + 1
            codes[at] = code
        return codes

    @cached_property
    def _thresholds(self) -> dict[int, Floats]:
        nodes = self.nodes
        used = np.unique(nodes.term[nodes.term >= 0]).tolist()
        return {at: np.unique(nodes.threshold[nodes.term == at]) for at in used}

    @cached_property
    def _trees(self) -> tuple[_Tree, ...]:
        return tuple(
            self._tree(start, stop) for start, stop in zip(self._starts, self._stops, strict=True)
        )

    @property
    def _starts(self) -> list[int]:
        return np.flatnonzero(self.nodes.node == 0).tolist()

    @property
    def _stops(self) -> list[int]:
        # Where no split helps there is no tree.
        return [*self._starts[1:], len(self.nodes.node)] if self._starts else []

    def _tree(self, start: int, stop: int) -> _Tree:
        nodes = self.nodes
        leaves: list[int] = []
        tables: dict[int, Bits] = {}

        def visit(at: int) -> Bits:
            """The leaves below a node as bits; notes what each code of its column rules out."""
            if nodes.term[at] < 0:
                leaves.append(at)
                return np.uint64(1) << np.uint64(len(leaves) - 1)  # type: ignore[return-value]
            below_left = visit(start + int(nodes.left[at]))
            below_right = visit(start + int(nodes.right[at]))
            term = int(nodes.term[at])
            thresholds = self._thresholds[term]
            table = tables.setdefault(term, np.full(len(thresholds) + 2, ALL))
            place = int(np.searchsorted(thresholds, nodes.threshold[at]))
            # A row that goes right cannot end in a leaf on the left; the first that is left counts.
            table[place + 1 : -1] &= ~below_left
            if not nodes.missing_left[at]:
                table[-1] &= ~below_left
            return below_left | below_right

        visit(start)
        places = np.array(leaves, dtype=np.int64)
        return _Tree(tuple(tables), tuple(tables.values()), places, nodes.value[places])

    @cached_property
    def _means(self) -> Floats:
        """The mean value of the rows that each node was fitted on, shape (nodes,)."""
        nodes, means = self.nodes, self.nodes.value.copy()
        for start, stop in zip(self._starts, self._stops, strict=True):
            # Children come after their parents.
            for at in range(stop - 1, start - 1, -1):
                if nodes.term[at] >= 0:
                    below = [start + int(nodes.left[at]), start + int(nodes.right[at])]
                    weights = nodes.rows[below]
                    means[at] = (means[below] * weights).sum() / max(int(weights.sum()), 1)
        return means

    def _moves(self, groups: Indexes, count: int) -> Floats:
        """What each group has added on the way from the root to a node, shape (nodes, groups)."""
        nodes, means = self.nodes, self._means
        moves = np.zeros((len(nodes.node), count))
        for start, stop in zip(self._starts, self._stops, strict=True):
            for at in range(start, stop):
                if nodes.term[at] < 0:
                    continue
                for child in (start + int(nodes.left[at]), start + int(nodes.right[at])):
                    moves[child] = moves[at]
                    moves[child, groups[nodes.term[at]]] += means[child] - means[at]
        return moves


def trees_from(intercept: float, terms: Sequence[Term], rows: Sequence[Row]) -> Trees:
    """The scorer that `Trees.to_rows` wrote."""
    places = {term: at for at, term in enumerate(terms)}
    columns = [
        (
            row.tree,
            row.position,
            -1 if row.key is None else places[Term(str(row.feature), row.key, row.level)],  # type: ignore[arg-type]
            np.inf if row.threshold is None else row.threshold,
            -1 if row.left is None else row.left,
            -1 if row.right is None else row.right,
            bool(row.missing_left),
            row.value or 0.0,
            row.rows,
        )
        for row in rows
    ]
    return Trees(tuple(terms), nodes_of(list(zip(*columns, strict=True))), intercept)


def nodes_of(columns: Sequence[npt.ArrayLike]) -> Nodes:
    """The nodes of these columns, in their order; of none where there are no columns."""
    types = (np.int64, np.int64, np.int64, np.float64, np.int64, np.int64, bool, np.float64)
    kinds = (*types, np.int64)
    given = columns or [()] * len(kinds)
    return Nodes(*(np.array(c, dtype=kind) for c, kind in zip(given, kinds, strict=True)))
