"""Generalisation hierarchies (泛化层次): how the values of a column are merged, step by step.

Numbers and dates become bands, each with about as many rows as the others, that widen by halving
their number. Ordered categories are merged with their neighbours in the same way. Of other
categories the most frequent stay and the rest become `other`. Booleans and lists are not merged.
Above all levels is the suppressed cell, which is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from portrait_assets.methods.anonymity.bands import bands_of

OTHER = "other"
"""The label of the categories that are too few to be named."""
MOST_VALUES = 64
"""So many values or bands of a column are shown at most."""
AS_RECORDED = "as recorded"
_GROUPS = (32, 16, 8, 4, 2)

Codes = NDArray[np.int32]
Labels = Sequence[str | None]
"""A label per value; None for a value that is not shown."""


@dataclass(frozen=True)
class QuasiIdentifier:
    """A column that others may know of a person; `order` has its values where they have one."""

    name: str
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """A level of a hierarchy.

    `codes` has the label's number of each value, -1 for one that this level does not show, and
    `losses` the normalised certainty penalty of showing it so: the share of the column's other
    values that the label could also stand for (Xu et al., Utility-based anonymization using local
    recoding, KDD 2006), 1 where the value is not shown.
    """

    name: str
    codes: Codes
    losses: NDArray[np.float64]

    @property
    def is_as_recorded(self) -> bool:
        """Whether the labels are the values."""
        return self.name == AS_RECORDED


@dataclass(frozen=True)
class Hierarchy:
    """A column's values and how they are merged.

    `values` has the number of each row's value, -1 where it is null; `levels` are the coarsest
    first; `labels` are the texts of the levels' codes.
    """

    column: str
    values: Codes = field(repr=False)
    levels: tuple[Level, ...]
    labels: tuple[str, ...]

    def only(self, level: int) -> Hierarchy:
        """The hierarchy with just this level, counted from 1; with none for 0."""
        return replace(self, levels=self.levels[level - 1 : level] if level else ())

    def with_rows(self, rows: NDArray[np.int64]) -> Hierarchy:
        """The hierarchy with the column's rows in this order."""
        return replace(self, values=self.values[rows])


@dataclass(frozen=True)
class Values:
    """The different values of a column as texts, in order, and of how many rows each is."""

    names: Sequence[str]
    counts: NDArray[np.int64]


def hierarchy_of(column: pl.Series, order: Sequence[str] = ()) -> Hierarchy:
    """The hierarchy of a column's values; the same whatever the order of rows.

    Args:
        column: numbers, dates, booleans, texts, categories, or lists of texts.
        order: the values of an ordered category, in their order. They are taken for unordered
            where the column has a value that is not among them.
    """
    kind = column.dtype
    if kind.is_numeric() or kind == pl.Date:
        bands = bands_of(column, MOST_VALUES)
        found = Values(bands.names, bands.counts)
        levels = [(AS_RECORDED, list(bands.names))] if bands.are_values else []
        levels += [
            (f"{1 + int(groups.max())} bands", bands.labels(groups))
            for groups in _merged(bands.counts)
        ]
        if not bands.are_values:
            levels.insert(0, (f"{len(bands.names)} bands", list(bands.names)))
        return _built(column.name, bands.rows, levels, bands.sizes)
    texts = _as_texts(column)
    rows, found = _distinct(texts)
    if kind == pl.Boolean or kind.base_type() == pl.List:
        shown = _most_frequent(found, MOST_VALUES)
        of_value = [name if name in shown else None for name in found.names]
        return _built(column.name, rows, [(AS_RECORDED, of_value)])
    if len(found.names) <= MOST_VALUES and set(found.names) <= set(order):
        return _built(column.name, rows, _with_neighbours(found, order))
    return _built(column.name, rows, _with_other(found))


def _as_texts(column: pl.Series) -> pl.Series:
    """The column as texts; lists as one text each, whatever the order within a list."""
    if column.dtype.base_type() == pl.List:
        return column.list.sort().list.join("\x1f")
    return column.cast(pl.String)


def _distinct(texts: pl.Series) -> tuple[Codes, Values]:
    counted = texts.drop_nulls().rename("value").value_counts(name="n").sort("value")
    names = counted["value"]
    ranks = pl.Series(np.arange(len(names), dtype=np.int32))
    rows = texts.replace_strict(names, ranks, default=None, return_dtype=pl.Int32).fill_null(-1)
    return rows.to_numpy(), Values(names.to_list(), counted["n"].to_numpy().astype(np.int64))


def _most_frequent(values: Values, most: int) -> set[str]:
    ranked = sorted(zip(-values.counts, values.names, strict=True))
    return {name for _, name in ranked[:most]}


def _with_other(values: Values) -> list[tuple[str, Labels]]:
    """The values as recorded, and then ever fewer of them with the rest as `other`."""
    levels: list[tuple[str, Labels]] = []
    most = len(values.names)
    if most <= MOST_VALUES:
        levels.append((AS_RECORDED, list(values.names)))
        most //= 2
    else:
        most = MOST_VALUES - 1
    while most and most < len(values.names) - 1:
        shown = _most_frequent(values, most)
        name = f"the {most} most frequent and {OTHER}"
        levels.append((name, [each if each in shown else OTHER for each in values.names]))
        most //= 2
    return levels


def _with_neighbours(values: Values, order: Sequence[str]) -> list[tuple[str, Labels]]:
    at = np.argsort([order.index(name) for name in values.names])
    in_order = [values.names[each] for each in at]
    levels: list[tuple[str, Labels]] = [(AS_RECORDED, list(values.names))]
    for groups in _merged(values.counts[at]):
        ends = {
            group: (in_order[own[0]], in_order[own[-1]])
            for group in range(groups.max() + 1)
            for own in [np.flatnonzero(groups == group)]
        }
        of_value = np.empty(len(at), np.int64)
        of_value[at] = groups
        labels = [first if first == last else f"{first} to {last}" for first, last in ends.values()]
        levels.append((f"{len(ends)} groups of neighbours", [labels[each] for each in of_value]))
    return levels


def _merged(counts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Ever fewer groups of neighbours with about as many rows each; a group number per value.

    Each grouping joins groups of the one before, for the numbers of groups are halved.
    """
    found: list[NDArray[np.int64]] = []
    middle = (np.cumsum(counts) - counts / 2) / max(int(counts.sum()), 1)
    before = len(counts)
    for most in _GROUPS:
        if most < len(counts):
            groups = np.unique(np.floor(middle * most), return_inverse=True)[1].astype(np.int64)
            if 1 <= groups.max() < before - 1:
                found.append(groups)
                before = int(groups.max()) + 1
    return found


def _built(
    column: str,
    rows: Codes,
    finest_first: Sequence[tuple[str, Labels]],
    sizes: NDArray[np.int64] | None = None,
) -> Hierarchy:
    """The hierarchy of these levels; `sizes` are the different values behind each, 1 by default."""
    numbers: dict[str, int] = {}
    levels = []
    for name, labels in reversed(finest_first):
        codes = np.array(
            [-1 if label is None else numbers.setdefault(label, len(numbers)) for label in labels],
            np.int32,
        )
        own = np.ones(len(labels)) if sizes is None else sizes.astype(float)
        under = np.bincount(codes + 1, weights=own)
        others = max(float(own.sum()) - 1, 1.0)
        losses = np.where(codes < 0, 1.0, (under[codes + 1] - 1) / others)
        levels.append(Level(name, codes, losses))
    return Hierarchy(column, rows, tuple(levels), tuple(numbers))
