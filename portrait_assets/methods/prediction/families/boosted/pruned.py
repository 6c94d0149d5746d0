"""Trees without the splits that leave few customers on a side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.disclosure.holders import Holders
from portrait_assets.methods.prediction.families.boosted.trees import Nodes, Trees, nodes_of


def of_enough(trees: Trees, design: Floats, holders: Holders) -> Trees:
    """The trees without the splits that leave few holders on a side: such a split is a leaf.

    Args:
        trees: as they were grown.
        design: the rows that they were grown on, shape (rows, terms).
        holders: of these rows.
    """
    nodes = trees.nodes
    is_small = (nodes.term < 0) & (nodes.rows < holders.enough)
    suspects = np.unique(nodes.tree[is_small])
    if not len(suspects):
        return trees
    leaf_of = trees.leaf_of(design, suspects)
    kept, values, intercept = np.ones(len(nodes.tree), dtype=bool), nodes.value.copy(), 0.0
    term = nodes.term.copy()
    for tree in suspects.tolist():
        own = np.flatnonzero(nodes.tree == tree)
        at = leaf_of[tree]
        while (few := holders.are_few(at, len(nodes.tree))[own]).any():
            parent = _parent(nodes, term, own, int(own[np.argmax(few)]))
            if parent is None:
                break
            below = _below(nodes, term, own[0], parent)
            leaves = below[term[below] < 0]
            values[parent] = np.average(values[leaves], weights=nodes.rows[leaves])
            kept[below[1:]], term[parent] = False, -1
            at = np.where(np.isin(at, leaves), parent, at)
        if kept[own].sum() == 1:  # A tree of one leaf adds the same to all.
            intercept += float(values[own[0]])
            kept[own] = False
    return Trees(trees.terms, _renumbered(nodes, term, values, kept), trees.intercept + intercept)


def _parent(nodes: Nodes, term: Indexes, own: Indexes, at: int) -> int | None:
    """The place of the node above one of the tree's; None of the first."""
    child = at - own[0]
    splits = own[term[own] >= 0]
    above = splits[(nodes.left[splits] == child) | (nodes.right[splits] == child)]
    return int(above[0]) if len(above) else None


def _below(nodes: Nodes, term: Indexes, start: int, at: int) -> Indexes:
    """The places of a node and of all below it."""
    found, waiting = [], [at]
    while waiting:
        found.append(waiting.pop())
        if term[found[-1]] >= 0:
            waiting += [int(start + each[found[-1]]) for each in (nodes.left, nodes.right)]
    return np.array(found, dtype=np.int64)


def _renumbered(nodes: Nodes, term: Indexes, values: Floats, kept: npt.NDArray[np.bool_]) -> Nodes:
    """The nodes that are kept; trees and nodes within each are numbered anew, in their order."""
    is_leaf = term < 0
    first = np.flatnonzero(nodes.node == 0)
    of = np.searchsorted(first, np.arange(len(term)), side="right") - 1
    number = np.cumsum(kept) - 1
    number -= number[first][of] if len(first) else 0
    tree = (np.cumsum(kept[first]) - 1)[of]

    def child(which: Indexes) -> Indexes:
        return np.where(is_leaf, -1, number[np.where(is_leaf, 0, first[of] + which)])

    columns = (
        *(tree, number, term, np.where(is_leaf, np.inf, nodes.threshold)),
        *(child(nodes.left), child(nodes.right)),
        *(nodes.missing_left & ~is_leaf, np.where(is_leaf, values, 0.0), nodes.rows),
    )
    return nodes_of([column[kept] for column in columns])
